import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Behaviour, SeenRequest } from './behaviour.ts';
import { answerMedia } from './media-answers.ts';
import { malformedEvent, playVendor } from './vendor-answers.ts';
import { type Dialect, dialectOf } from './vendor-dialects.ts';

export interface ReplayingUpstream {
  /** Without `/v1`. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** How many requests named a model. */
  countOf(model: string): number;
  /** What requests for a model, or for `GET /path`, meet from now on: in turn, the last one for ever. */
  script(model: string, ...behaviours: readonly Behaviour[]): void;
  /** Resolves at the next request for a model that came after this call. */
  nextRequest(model: string): Promise<SeenRequest>;
  /** Forgets the log. */
  clear(): void;
  close(): Promise<void>;
}

const plain: Behaviour = { kind: 'answer' };
const defaultText = 'The quick brown fox jumps over the lazy dog and runs away.';

/** Starts an upstream on a loopback port, by default a free one. Unscripted models answer plainly. */
export async function startReplayingUpstream(
  options: { readonly keepLog?: boolean; readonly port?: number; readonly host?: string } = {},
): Promise<ReplayingUpstream> {
  const requests: SeenRequest[] = [];
  const scripts = new Map<string, Behaviour[]>();
  const waiting: { model: string; resolve: (request: SeenRequest) => void }[] = [];
  const behaviourFor = (model: string): Behaviour => {
    const script = scripts.get(model);
    if (!script || script.length === 0) return plain;
    return (script.length > 1 ? script.shift() : script[0]) as Behaviour;
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET') return answerGet(request, response, behaviourFor(`GET ${request.url}`));
    void readBody(request).then(async (bytes) => {
      const { url = '', headers } = request;
      const isChat = url.endsWith('/chat/completions');
      if (!isChat && (await answerMedia(url, headers['content-type'] ?? '', bytes, response))) return;
      const body = JSON.parse(bytes.toString()) as Record<string, unknown>;
      const dialect = dialectOf(url);
      const seen = see(request, response, body, dialect);
      if (options.keepLog !== false) requests.push(seen);
      for (const waiter of waiting.splice(0)) {
        if (waiter.model === seen.model) waiter.resolve(seen);
        else waiting.push(waiter);
      }
      const behaviour = behaviourFor(seen.model);
      if (!dialect || !playVendor(dialect, behaviour, seen, response)) play(behaviour, seen, response);
    });
  });
  server.keepAliveTimeout = 60_000;
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    requests,
    countOf: (model) => requests.filter((seen) => seen.model === model).length,
    script: (model, ...behaviours) => void scripts.set(model, [...behaviours]),
    nextRequest: (model) => new Promise((resolve) => waiting.push({ model, resolve })),
    clear: () => void requests.splice(0),
    close: () => closeServer(server),
  };
}

/** A list of models and nothing else, unless `GET /path` was scripted with a status. */
function answerGet({ url }: IncomingMessage, response: ServerResponse, behaviour: Behaviour): void {
  const isModels = url?.endsWith('/models') === true;
  const status = behaviour.kind === 'status' ? behaviour.status : isModels ? 200 : 404;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(isModels ? '{"object":"list","data":[]}' : '{}');
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function see(
  request: IncomingMessage,
  response: ServerResponse,
  body: Record<string, unknown>,
  dialect: Dialect | undefined,
): SeenRequest {
  const over = new Promise<'sent' | 'aborted'>((resolve) => {
    response.once('close', () => {
      seen.overAtMs = Date.now();
      resolve(response.writableFinished ? 'sent' : 'aborted');
    });
  });
  const seen: SeenRequest = {
    model: dialect?.modelOf(request.url ?? '', body) ?? String(body['model']),
    stream: dialect?.isStream(request.url ?? '', body) ?? body['stream'] === true,
    path: request.url ?? '',
    headers: request.headers as Record<string, string>,
    body,
    atMs: Date.now(),
    over,
  };
  return seen;
}

function play(behaviour: Behaviour, seen: SeenRequest, response: ServerResponse): void {
  switch (behaviour.kind) {
    case 'answer':
      return void answer(behaviour, seen, response);
    case 'status': {
      const body = behaviour.body ?? '{"error":{"message":"refused","type":"error","param":null,"code":null}}';
      response.writeHead(behaviour.status, {
        'content-type': behaviour.contentType ?? 'application/json',
        ...behaviour.headers,
      });
      return void response.end(body);
    }
    case 'nonsense':
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end('{"hello": "world"}');
    case 'reset':
      return void response.socket?.resetAndDestroy();
    case 'silent':
      return;
    case 'breaks':
      return void breakOff(behaviour, seen, response);
    case 'filtered':
      return seen.stream
        ? void streamWhole(seen, response, [], 'content_filter')
        : sendWhole(seen, response, { content: null }, 'content_filter');
    case 'tool_call':
      return toolCall(seen, response);
  }
}

const pause = (ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
const usage = {
  prompt_tokens: 12,
  completion_tokens: 14,
  total_tokens: 26,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

async function answer(
  behaviour: Extract<Behaviour, { kind: 'answer' }>,
  seen: SeenRequest,
  response: ServerResponse,
): Promise<void> {
  const text = behaviour.echo ? lastMessageIn(seen.body) : (behaviour.text ?? defaultText);
  await pause(behaviour.delayMs ?? 0);
  const finish = behaviour.finish ?? 'stop';
  if (!seen.stream) return sendWhole(seen, response, { content: text }, finish, behaviour.usage);
  await streamWhole(seen, response, split(text, behaviour.chunks ?? 6), finish, behaviour);
}

function lastMessageIn(body: Readonly<Record<string, unknown>>): string {
  const { content } = (body['messages'] as { content: string | { text?: string }[] }[]).at(-1) ?? { content: '' };
  return typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('');
}

function split(text: string, parts: number): string[] {
  const size = Math.max(1, Math.ceil(text.length / parts));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, n) => text.slice(n * size, (n + 1) * size));
}

function sendWhole(
  seen: SeenRequest,
  response: ServerResponse,
  message: object,
  finish: string,
  withUsage = true,
): void {
  const body = {
    id: 'chatcmpl-upstream',
    object: 'chat.completion',
    created: 1_800_000_000,
    model: seen.model,
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
    ...(withUsage && { usage }),
  };
  const data = JSON.stringify(body);
  response.writeHead(200, ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(data))]);
  response.end(data);
}

const event = (json: object): string => `data: ${JSON.stringify(json)}\n\n`;
const chunk = (seen: SeenRequest, delta: object, finish: string | null = null): string =>
  event({
    id: 'chatcmpl-upstream',
    object: 'chat.completion.chunk',
    created: 1_800_000_000,
    model: seen.model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });

async function streamWhole(
  seen: SeenRequest,
  response: ServerResponse,
  pieces: readonly string[],
  finish: string,
  options: { readonly gapMs?: number; readonly usage?: boolean } = {},
): Promise<void> {
  beginStream(seen, response);
  for (const content of pieces) {
    await pause(options.gapMs ?? 0);
    if (response.destroyed) return;
    response.write(chunk(seen, { content }));
  }
  response.write(chunk(seen, {}, finish));
  if (options.usage !== false)
    response.write(
      event({ id: 'chatcmpl-upstream', object: 'chat.completion.chunk', model: seen.model, choices: [], usage }),
    );
  response.end('data: [DONE]\n\n');
}

function beginStream(seen: SeenRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk(seen, { role: 'assistant', content: '' }));
}

async function breakOff(
  behaviour: Extract<Behaviour, { kind: 'breaks' }>,
  seen: SeenRequest,
  response: ServerResponse,
): Promise<void> {
  beginStream(seen, response);
  for (let n = 0; n < behaviour.after; n += 1) {
    response.write(chunk(seen, { content: `piece ${n} ` }));
    await pause(1);
  }
  // What was written is on its way before the break.
  await pause(10);
  if (behaviour.how === 'cut') response.socket?.destroy();
  else if (behaviour.how === 'error_event')
    response.end(event({ error: { message: 'the server had an error', type: 'server_error', code: null } }));
  else if (behaviour.how === 'malformed') response.end(malformedEvent);
  else if (behaviour.how === 'end_without_marker') response.end();
}

function toolCall(seen: SeenRequest, response: ServerResponse): void {
  const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } };
  if (!seen.stream) return sendWhole(seen, response, { content: null, tool_calls: [call] }, 'tool_calls');
  beginStream(seen, response);
  response.write(
    chunk(seen, { tool_calls: [{ index: 0, ...call, function: { name: 'get_weather', arguments: '' } }] }),
  );
  response.write(chunk(seen, { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }));
  response.write(chunk(seen, { tool_calls: [{ index: 0, function: { arguments: '"Paris"}' } }] }));
  response.write(chunk(seen, {}, 'tool_calls'));
  response.end('data: [DONE]\n\n');
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
