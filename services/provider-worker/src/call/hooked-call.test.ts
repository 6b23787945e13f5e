import type { CallHook, HookedCall } from '@will/extension';
import { expect, test } from 'vitest';
import { askAfter, askBefore } from './hooked-call.ts';
import { joined } from './whole-as-stream.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const call = { dataClass: 'customer', inputKind: 'chat', input: bytes('one') } as HookedCall;
const text = (input: Uint8Array): string => new TextDecoder().decode(input);

test('each hook sees what the one before it left, and the class only rises', async () => {
  const seen: string[] = [];
  const hook = (name: string, say: Awaited<ReturnType<NonNullable<CallHook['before']>>>): CallHook => ({
    name,
    before: ({ input, dataClass }) => {
      seen.push(`${name} ${text(input)} ${dataClass}`);
      return say;
    },
  });
  const asked = await askBefore(
    [
      hook('a', { input: bytes('two') }),
      hook('b', { dataClass: 'open' }),
      hook('c', { dataClass: 'sensitive' }),
      hook('d', undefined),
    ],
    call,
  );
  expect(seen).toEqual(['a one customer', 'b two customer', 'c two customer', 'd two customer-sensitive']);
  expect(asked).toMatchObject({ ok: true, dataClass: 'customer-sensitive' });
});

test('a refusal ends it for good, and later hooks are not asked', async () => {
  const later: CallHook = {
    name: 'later',
    before() {
      throw new Error('not to be asked');
    },
  };
  const asked = await askBefore([{ name: 'guard', before: () => ({ refuse: 'no' }) }, later], call);
  expect(asked).toMatchObject({
    ok: false,
    failure: { status: 'Policy', isRetryable: false, message: 'hook guard refused: no' },
  });
});

test.each([
  ['a class that is none', { dataClass: 'Customer' }],
  ['a class with another name', { data_class: 'customer' }],
  ['a refusal with another name', { refused: 'no' }],
  ['a refusal without words', { refuse: true }],
  ['a list', [{ dataClass: 'customer' }]],
  ['an input that is no bytes', { input: 'x' }],
  ['false', false],
])('%s lets nothing through', async (_, said) => {
  await expect(askBefore([{ name: 'guard', before: () => said as never }], call)).rejects.toThrow(
    'what hook guard answers',
  );
});

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };
const good = { ok: true, finish: 'stop', usage, output: { text: 'made', toolCalls: '[]' } } as const;

test('an answer is replaced or withheld, and stays paid for', async () => {
  const louder: CallHook = { name: 'louder', after: (_call, output) => ({ text: output.text.toUpperCase() }) };
  const exclaims: CallHook = { name: 'exclaims', after: (_call, output) => ({ text: `${output.text}!` }) };
  expect(await askAfter([louder, exclaims], call, good)).toMatchObject({ output: { text: 'MADE!', toolCalls: '[]' } });
  expect(await askAfter([{ name: 'guard', after: () => ({ refuse: 'no' }) }], call, good)).toMatchObject({
    ok: false,
    usage,
    failure: { status: 'ContentFilter', isRetryable: true },
  });
});

test('words by which a model refuses are shown to guards, and replaced with the text', async () => {
  const refused = { ...good, output: { refusal: 'Not Maria.' } };
  const masks: CallHook = { name: 'masks', after: (_call, { text }) => ({ text: text.replace('Maria', '…') }) };
  const masked = await askAfter([masks], call, refused);
  expect(masked).toMatchObject({ ok: true, output: { text: 'Not ….' } });
  expect(JSON.stringify(masked)).not.toContain('Maria');
});

test('pieces that came although an answer was to be whole stand together again', () => {
  const pieces = [{ text: 'a' }, { text: 'b', data: bytes('x'), dataType: 'audio/mpeg' }, { data: bytes('y') }];
  expect(joined(pieces)).toMatchObject({ text: 'ab', dataType: 'audio/mpeg' });
  expect(text(joined(pieces).data ?? bytes(''))).toBe('xy');
});
