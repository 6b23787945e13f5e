import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { abortReasons, type ContentDelta, type ModelCall, type ModelConnection, type ProviderOutcome } from './port.ts';

/** What a provider brings to be held to the port's promises. */
export interface ProviderUnderTest {
  /** Opens a model that answers at least 20 tokens when nothing limits it. */
  open(): Promise<ModelConnection>;
  close(): Promise<void>;
  /** Whether `maxOutputTokens` is kept by the provider itself; a replayed upstream cannot show it. */
  readonly keepsMaximum: boolean;
  /** What a call needs that is still under way when its first content has come. Default: 500 tokens of output. */
  readonly longCall?: Partial<ModelCall>;
  /** What it is asked; default: a short chat. */
  readonly call?: Partial<ModelCall>;
  /** False: its input has no tokens that could be counted. */
  readonly countsInput?: boolean;
}

const encoder = new TextEncoder();
export const chatInput = (fields: object = {}): Uint8Array =>
  encoder.encode(JSON.stringify({ messages: [{ role: 'user', content: 'Say something.' }], ...fields }));
export const callOf = (over: Partial<ModelCall> = {}): ModelCall => ({
  inputKind: 'chat',
  input: chatInput(),
  stream: true,
  maxOutputTokens: 40,
  firstContentTimeoutMs: 600_000,
  idleTimeoutMs: 600_000,
  ...over,
});

export interface Ran {
  readonly outcome: ProviderOutcome;
  readonly deltas: readonly ContentDelta[];
  readonly text: string;
}

export async function runCall(
  connection: ModelConnection,
  call: ModelCall,
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const deltas: ContentDelta[] = [];
  const outcome = await connection.run(call, (delta) => deltas.push(delta), signal);
  return { outcome, deltas, text: deltas.map(({ text }) => text ?? '').join('') };
}

export const reasonOf = ({ outcome }: Ran): string => (outcome.ok ? 'none' : outcome.failure.reason);

/** The promises of {@link ModelConnection}, the same for every provider. */
export function providerContract(name: string, provider: () => ProviderUnderTest): void {
  describe(`the provider port, ${name}`, () => {
    let subject: ProviderUnderTest;
    let connection: ModelConnection;
    const usual = (over: Partial<ModelCall> = {}): ModelCall => callOf({ ...subject.call, ...over });
    beforeAll(async () => {
      subject = provider();
      connection = await subject.open();
    });
    afterAll(async () => {
      await connection.close();
      await subject.close();
    });

    test('a plain answer comes whole, with its usage', async () => {
      const { outcome, deltas } = await runCall(connection, usual({ stream: false }));
      expect(outcome.ok).toBe(true);
      if (!outcome.ok) return;
      expect(deltas).toEqual([]);
      expect(outcome.output?.text).toBeTruthy();
      if (subject.countsInput !== false) expect(outcome.usage.inputTokens).toBeGreaterThan(0);
      expect(outcome.usage.outputTokens).toBeGreaterThan(0);
    });

    test('a streamed answer comes in pieces and not again at the end', async () => {
      const { outcome, deltas, text } = await runCall(connection, usual());
      expect(outcome).toMatchObject({ ok: true, output: undefined });
      expect(deltas.length).toBeGreaterThan(0);
      expect(text).not.toBe('');
    });

    test('an abort before the call makes none', async () => {
      const abort = new AbortController();
      abort.abort(abortReasons.cancelled);
      expect(reasonOf(await runCall(connection, usual(), abort.signal))).toBe('cancelled');
    });

    test('a call that may not leave fails at once without content, and the next one works', async () => {
      const ran = await runCall(connection, usual({ mayLeave: () => false }));
      expect(ran).toMatchObject({ outcome: { ok: false }, deltas: [] });
      expect((await runCall(connection, usual({ mayLeave: () => true }))).outcome.ok).toBe(true);
    });

    test('an abort within the answer ends it at once, and the next call works', async () => {
      const abort = new AbortController();
      const outcome = await connection.run(
        usual({ maxOutputTokens: 200 }),
        () => abort.abort(abortReasons.cancelled),
        abort.signal,
      );
      expect(outcome.ok ? 'none' : outcome.failure.reason).toBe('cancelled');
      expect((await runCall(connection, usual())).outcome.ok).toBe(true);
    });

    test('a deadline is told from a cancellation', async () => {
      const abort = new AbortController();
      const outcome = await connection.run(
        usual({ maxOutputTokens: 200 }),
        () => abort.abort(abortReasons.deadline),
        abort.signal,
      );
      expect(outcome.ok ? 'none' : outcome.failure.status).toBe('Deadline');
    });

    test('calls at the same time do not mix', async () => {
      const ran = await Promise.all(Array.from({ length: 4 }, () => runCall(connection, usual())));
      expect(ran.every(({ outcome, text }) => outcome.ok && text !== '')).toBe(true);
    });

    test.each([
      ['another kind of input', { inputKind: 'audio' }],
      ['bytes that are no JSON', { input: encoder.encode('{') }],
      ['JSON without messages', { input: encoder.encode('{"prompt":"x"}') }],
      ['bytes that are no text', { input: new Uint8Array([0xff, 0xfe, 0x00]) }],
    ])('%s is Invalid, and nothing of it is repeated', async (_what, over) => {
      const { outcome } = await runCall(connection, usual(over));
      expect(outcome).toMatchObject({ ok: false, failure: { status: 'Invalid', reason: 'bad_request' } });
    });

    test('a healthy model says so', async () => {
      expect(await connection.checkHealth(AbortSignal.timeout(5_000))).toMatchObject({ healthy: true });
    });

    test('closing ends what still runs', { timeout: 240_000 }, async () => {
      const own = await subject.open();
      const { promise, resolve } = Promise.withResolvers<void>();
      const running = own.run(
        usual({ maxOutputTokens: 500, ...subject.longCall }),
        () => resolve(),
        new AbortController().signal,
      );
      await promise;
      await own.close();
      expect((await running).ok).toBe(false);
    });

    test('the maximum of output tokens ends the answer as length', async (context) => {
      if (!subject.keepsMaximum) context.skip('its answer here is the same whatever the maximum');
      const { outcome } = await runCall(connection, usual({ maxOutputTokens: 5 }));
      expect(outcome).toMatchObject({ ok: true, finish: 'length', usage: { outputTokens: 5 } });
    });
  });
}
