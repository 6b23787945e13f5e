import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schemasOfTypes } from '../testing/declared-types.ts';
import { answers } from '../testing/fake-tasks.ts';
import { RandomValues, type Schema } from '../testing/random-values.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// Requests made at random from the vendors' own descriptions, all optional fields included: none is refused but for what
// docs/reference/compatibility.md lists. `npm run fuzz:requests` makes 10,000; WILL_FUZZ_SEED repeats what failed.

const runs = Number(process.env['WILL_REQUESTS'] ?? 500);
const seed = Number(process.env['WILL_FUZZ_SEED'] ?? 1);

let server: TestServer;
const schemas: { openai: Record<string, Schema>; anthropic: Record<string, Schema> } = { openai: {}, anthropic: {} };
beforeAll(async () => {
  server = await startTestServer();
  server.tasks.script = answers('pong');
  const file = new URL('__fixtures__/openai-requests.json', import.meta.url);
  const document = JSON.parse(await readFile(file, 'utf8')) as { components: { schemas: Record<string, Schema> } };
  schemas.openai = document.components.schemas;
  const entry = createRequire(import.meta.url).resolve('@anthropic-ai/sdk/resources/messages/messages');
  schemas.anthropic = schemasOfTypes(await readFile(entry.replace(/\.m?js$/, '.d.ts'), 'utf8'));
});
afterAll(() => server.stop());

const word =
  (...words: readonly string[]) =>
  (below: (bound: number) => number) =>
    words[below(words.length)];
/** What the descriptions say in words only. */
const named = {
  model: word('auto', 'gpt-4', 'text_gen'),
  name: word('ada', 'look_up', 'get-weather'),
  tool_name: word('look_up'),
  media_type: word('text/plain'),
  url: word('https://example.com/a.png', 'data:image/png;base64,AAAA'),
  image_url: word('https://example.com/a.png'),
  data: word('AAAA'),
  arguments: word('{}', '{"city":"Oslo"}'),
};

/** Names of fields that a request is refused for. */
const refusedNames = new Set(
  (
    'n store logprobs top_logprobs logit_bias functions function_call audio modalities moderation web_search_options ' +
    'background previous_response_id conversation prompt include truncation ' +
    'container inference_geo mcp_servers user_profile_id workspace_id file_id ' +
    'echo best_of suffix stream_format stream response_format'
  ).split(' '),
);

/** Whether a refusal is one of those that are listed. */
function isListed({ param, message }: { readonly param: string; readonly message: string }): boolean {
  const last = param?.split('.').at(-1) ?? '';
  if (refusedNames.has(last)) return true;
  // A kind of part or item whose content no model here can be given, and a reference that nothing here resolves.
  if (/^(messages|input)\.[\w.]*type$/.test(param) || /role "function"/.test(message)) return true;
  if (/^(messages|input)\.[\w.]*source(\.type)?$/.test(param)) return true;
  if (param.endsWith('image_url')) return true;
  if (/is not kept here; say store: false|holds nothing that a model can be shown/.test(message)) return true;
  return param.startsWith('tool_choice') && /(must be "function"|must name a function)/.test(message);
}

/** Their descriptions know only their own models, and take requests that ask nothing. */
const answerable = (path: string, { input }: { readonly input?: unknown }): object => ({
  model: 'auto',
  ...(path === '/v1/responses' && { input: isEmptyInput(input) ? 'word' : input }),
});
const isEmptyInput = (input: unknown): boolean => input === undefined || (Array.isArray(input) && input.length === 0);

interface Refused {
  readonly error: { readonly param: string; readonly message: string };
}

async function send(path: string, body: unknown): Promise<{ status: number; refused: Refused | undefined }> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, refused: response.status === 400 ? (JSON.parse(text) as Refused) : undefined };
}

test.each([
  ['openai', 'CreateChatCompletionRequest', '/v1/chat/completions'],
  ['openai', 'CreateResponse', '/v1/responses'],
  ['anthropic', 'MessageCreateParamsBase', '/v1/messages'],
  ['anthropic', 'MessageCountTokensParams', '/v1/messages/count_tokens'],
] as const)(
  'of %s’s %s no request is refused but for what is listed',
  async (vendor, name, path) => {
    let accepted = 0;
    for (let n = 0; n < runs; n += 1) {
      const values = new RandomValues(schemas[vendor], seed + n, named);
      const any = values.of({ $ref: name }, (n * 7) % 100) as Record<string, unknown>;
      const made: Record<string, unknown> = { ...any, ...answerable(path, any) };
      // Wishes stand in most requests that have all fields: without them the rest is looked at, too.
      const body =
        n % 3 === 0 ? made : Object.fromEntries(Object.entries(made).filter(([field]) => !refusedNames.has(field)));
      const { status, refused } = await send(path, body);
      if (status === 200) accepted += 1;
      else if (status !== 400 || !refused || !isListed(refused.error))
        throw new Error(
          `WILL_FUZZ_SEED=${seed + n}: ${status} ${JSON.stringify(refused?.error)} for ${JSON.stringify(body).slice(0, 4_000)}`,
        );
    }
    process.stdout.write(`${path}: ${accepted} of ${runs} generated requests accepted, the others refused as listed\n`);
    expect(accepted).toBeGreaterThan(runs / 5);
  },
  600_000,
);
