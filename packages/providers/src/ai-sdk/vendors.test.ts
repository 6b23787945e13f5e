import { type Behaviour, modelFor } from '@will/testkit';
import { describe, expect, test } from 'vitest';
import { callOf, chatInput, providerContract, reasonOf, runCall } from '../contract.ts';
import { ProviderConfigError } from '../port.ts';
import {
  type Subject,
  json,
  key,
  keyName,
  ofAnthropic,
  ofGoogle,
  ofOpenAi,
  reason,
  retryInfo,
  useVendors,
} from './testing/vendors.ts';

const { at, open, opened } = useVendors();

type Failure = readonly [what: string, Behaviour, status: string, reason: string];
const common = (subject: Subject): readonly Failure[] => [
  [
    '500 in HTML',
    { kind: 'status', status: 500, body: '<html>', contentType: 'text/html' },
    'ProviderError',
    'server_error',
  ],
  [
    'a redirect, which is not followed',
    json(302, {}, { location: 'http://169.254.169.254/' }),
    'ProviderError',
    'bad_response',
  ],
  ['a reset connection', { kind: 'reset' }, 'ProviderError', 'connection'],
  ['200 with other JSON', { kind: 'nonsense' }, 'ProviderError', 'bad_response'],
  ['the soft refusal', { kind: 'filtered' }, 'ContentFilter', 'content_filter'],
  ['an unknown code', subject.error(418, 'teapot', 'no'), 'Invalid', 'bad_request'],
];
const failures: readonly (readonly [Subject, readonly Failure[]])[] = [
  [
    ofAnthropic,
    [
      ['429', ofAnthropic.error(429, 'rate_limit_error', 'slow down'), 'RateLimited', 'rate_limit'],
      [
        '400 without credit',
        ofAnthropic.error(400, 'invalid_request_error', 'Your credit balance is too low to access the API.'),
        'RateLimited',
        'quota',
      ],
      ['401', ofAnthropic.error(401, 'authentication_error', 'invalid x-api-key'), 'AuthError', 'bad_key'],
      ['403', ofAnthropic.error(403, 'permission_error', 'no'), 'AuthError', 'bad_key'],
      ['404', ofAnthropic.error(404, 'not_found_error', 'model: none'), 'Invalid', 'not_found'],
      [
        '400 too long',
        ofAnthropic.error(400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'),
        'Invalid',
        'context_length',
      ],
      ['413', ofAnthropic.error(413, 'request_too_large', 'too large'), 'Invalid', 'context_length'],
      ['500', ofAnthropic.error(500, 'api_error', 'internal'), 'ProviderError', 'server_error'],
      ['529', ofAnthropic.error(529, 'overloaded_error', 'Overloaded'), 'Overloaded', 'overloaded'],
      ['an error as first event', { kind: 'breaks', after: 0, how: 'error_event' }, 'Overloaded', 'overloaded'],
      ...common(ofAnthropic),
    ],
  ],
  [
    ofOpenAi,
    [
      ['429', ofOpenAi.error(429, 'rate_limit_exceeded', 'slow down'), 'RateLimited', 'rate_limit'],
      ['429 without credit', ofOpenAi.error(429, 'insufficient_quota', 'no credit'), 'RateLimited', 'quota'],
      ['401', ofOpenAi.error(401, 'invalid_api_key', 'no'), 'AuthError', 'bad_key'],
      ['404', ofOpenAi.error(404, 'model_not_found', 'no such model'), 'Invalid', 'not_found'],
      ['400 too long', ofOpenAi.error(400, 'context_length_exceeded', 'too long'), 'Invalid', 'context_length'],
      ['400 of the filter', ofOpenAi.error(400, 'content_policy_violation', 'no'), 'ContentFilter', 'content_filter'],
      ['500', ofOpenAi.error(500, 'internal', 'internal'), 'ProviderError', 'server_error'],
      ['503', ofOpenAi.error(503, 'overloaded', 'overloaded'), 'Overloaded', 'overloaded'],
      ['an error as first event', { kind: 'breaks', after: 0, how: 'error_event' }, 'Overloaded', 'overloaded'],
      ...common(ofOpenAi),
    ],
  ],
  [
    ofGoogle,
    [
      ['429', ofGoogle.error(429, 'RESOURCE_EXHAUSTED', 'quota', [retryInfo]), 'RateLimited', 'rate_limit'],
      [
        '400 for a refused key',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'API key not valid.', [reason('API_KEY_INVALID')]),
        'AuthError',
        'bad_key',
      ],
      ['403', ofGoogle.error(403, 'PERMISSION_DENIED', 'no'), 'AuthError', 'bad_key'],
      ['404', ofGoogle.error(404, 'NOT_FOUND', 'models/none is not found'), 'Invalid', 'not_found'],
      [
        '400 too long',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum (1048576).'),
        'Invalid',
        'context_length',
      ],
      ['400', ofGoogle.error(400, 'INVALID_ARGUMENT', 'bad field'), 'Invalid', 'bad_request'],
      [
        '400 about a value',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'Invalid value', [
          { fieldViolations: [{ field: 'generation_config.temperature', description: 'Invalid value' }] },
        ]),
        'Invalid',
        'invalid_value',
      ],
      ['500', ofGoogle.error(500, 'INTERNAL', 'internal'), 'ProviderError', 'server_error'],
      ['503', ofGoogle.error(503, 'UNAVAILABLE', 'overloaded'), 'Overloaded', 'overloaded'],
      ['504', ofGoogle.error(504, 'DEADLINE_EXCEEDED', 'late'), 'Stalled', 'first_token_timeout'],
      ...common(ofGoogle),
    ],
  ],
];

for (const [subject, cases] of failures) {
  const { name } = subject.provider;
  providerContract(name, () => ({
    open: async () => {
      at().script(`${name}-contract`, { kind: 'answer', gapMs: 5 });
      const connection = await open(subject, `${name}-contract`);
      opened.splice(opened.indexOf(connection), 1);
      return connection;
    },
    close: async () => {},
    keepsMaximum: false,
  }));

  describe(`${name}, in its own wire format`, () => {
    for (const stream of [false, true])
      test.each(cases.filter(([what]) => stream || what !== 'an error as first event'))(
        `${stream ? 'streamed' : 'plain'}: %s is classified after one request`,
        async (what, behaviour, status, expected) => {
          const slug = `${name}-${stream}-${what.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
          const before = at().countOf(slug);
          const { outcome, deltas } = await runCall(await open(subject, slug, behaviour), callOf({ stream }));
          expect(outcome).toMatchObject({
            ok: false,
            failure: { status, reason: expected, isRetryable: expected !== 'invalid_value' },
          });
          expect(deltas).toEqual([]);
          expect(at().countOf(slug)).toBe(before + 1);
        },
      );

    test.each([
      ['a cut connection', 'cut', 'truncated'],
      ['an error among the events', 'error_event', 'overloaded'],
      ['an end without its marker', 'end_without_marker', 'truncated'],
    ] as const)('after content, %s is a failure and never an answer', async (_what, how, expected) => {
      const ran = await runCall(await open(subject, `${name}-mid-${how}`, { kind: 'breaks', after: 3, how }), callOf());
      expect(ran.text).toContain('piece 0');
      expect(reasonOf(ran)).toBe(expected);
      expect(ran.outcome.usage?.estimated).toBe(true);
    });

    test('silence before the first content, and within the answer, ends in time', async () => {
      const silent = await open(subject, `${name}-silent`, { kind: 'silent' });
      expect(reasonOf(await runCall(silent, callOf({ firstContentTimeoutMs: 100 })))).toBe('first_token_timeout');
      const stall = await open(subject, `${name}-stall`, { kind: 'breaks', after: 2, how: 'stall' });
      expect(reasonOf(await runCall(stall, callOf({ idleTimeoutMs: 1_000 })))).toBe('stalled');
    });

    test('an abort closes the connection to the upstream', async () => {
      const slug = `${name}-abort`;
      const connection = await open(subject, slug, { kind: 'answer', chunks: 50, gapMs: 20 });
      const seen = at().nextRequest(slug);
      const abort = new AbortController();
      await connection.run(callOf(), () => abort.abort('cancelled'), abort.signal);
      expect(await (await seen).over).toBe('aborted');
    });

    test('tokens are counted with those from the cache, and a length limit is told', async () => {
      const connection = await open(subject, `${name}-usage`, { kind: 'answer', finish: 'length' });
      for (const stream of [false, true]) {
        const { outcome } = await runCall(connection, callOf({ stream }));
        expect(outcome).toMatchObject({
          ok: true,
          finish: 'length',
          usage: { inputTokens: 12, outputTokens: 14, cachedInputTokens: 4, estimated: false },
        });
      }
    });

    test('tool calls come in the OpenAI form, plain and in pieces', async () => {
      const connection = await open(subject, `${name}-tools`, { kind: 'tool_call' });
      const plain = await runCall(connection, callOf({ stream: false }));
      expect(plain.outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
      const whole = plain.outcome.ok ? plain.outcome.output?.toolCalls : undefined;
      expect(JSON.parse(whole ?? '[]')).toMatchObject([
        { type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
      ]);
      const streamed = await runCall(connection, callOf());
      expect(streamed.outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
      const pieces = streamed.deltas.flatMap(
        ({ toolCalls }) =>
          JSON.parse(toolCalls ?? '[]') as { index: number; function: { name?: string; arguments: string } }[],
      );
      expect(pieces[0]?.function.name).toBe('get_weather');
      expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"city":"Paris"}');
      expect(new Set(pieces.map(({ index }) => index))).toEqual(new Set([0]));
    });

    test('the key goes in the vendor’s header and nowhere else', async () => {
      const seen = at().nextRequest(`${name}-key`);
      await runCall(await open(subject, `${name}-key`), callOf());
      const { headers, path, body } = await seen;
      expect(headers[subject.keyHeader]?.replace('Bearer ', '')).toBe(key);
      expect(path + JSON.stringify(body)).not.toContain(key);
    });

    test('a record without a key, or one that reads as local and has no address, is not opened', async () => {
      const fields = { provider: name, call_method: 'API' as const };
      await expect(subject.provider.open(modelFor(fields))).rejects.toThrow('needs one');
      const hidden = modelFor({ provider: name, call_method: 'on-device', api_key: `env://${keyName}` });
      expect(hidden.isPrivate).toBe(false);
      await expect(subject.provider.open(hidden)).rejects.toThrow(ProviderConfigError);
    });

    test('a tool result that answers nothing is Invalid before anything is sent', async () => {
      const slug = `${name}-orphan`;
      const before = at().countOf(slug);
      const messages = [{ role: 'tool', tool_call_id: 'none', content: 'x' }];
      expect(reasonOf(await runCall(await open(subject, slug), callOf({ input: chatInput({ messages }) })))).toBe(
        'bad_request',
      );
      expect(at().countOf(slug)).toBe(before);
    });
  });
}
