import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vendorForms } from './forms.ts';
import { type Conversation, nextReply } from './scripted-model.ts';

/** One request that a scripted model answered or refused. */
export interface SeenTurn {
  readonly form: string;
  readonly model: string;
  readonly conversation: Conversation | undefined;
  /** Why the vendor would refuse it; undefined: it answered. */
  readonly refusal: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AgentUpstream {
  readonly url: string;
  readonly seen: SeenTurn[];
  /** Models that answer 503 from now on. */
  readonly down: Set<string>;
  /** Told before each answer; the answer waits for it. */
  onTurn: (turn: SeenTurn) => Promise<void> | void;
  /** Told after each answer. */
  onAnswered: (turn: SeenTurn) => void;
  close(): Promise<void>;
}

/** A model with tools that follows a plan, in the form of every vendor: by the path that it is asked at. */
export async function startAgentUpstream(): Promise<AgentUpstream> {
  const server = createServer((request, response) => void answer(request, response, upstream));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: AgentUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    down: new Set(),
    onTurn: () => {},
    onAnswered: () => {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
}

async function answer(request: IncomingMessage, response: ServerResponse, upstream: AgentUpstream): Promise<void> {
  const { url = '' } = request;
  const form = vendorForms.find((one) => one.isAt(url));
  if (request.method !== 'POST' || !form) {
    response.writeHead(url.endsWith('/models') ? 200 : 404, { 'content-type': 'application/json' });
    return void response.end('{"object":"list","data":[]}');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const body = JSON.parse(bytes.toString()) as Record<string, unknown>;
  const model = String(body['model'] ?? /models\/([^:/]+):/.exec(url)?.[1]);
  const turn = read(form, model, body);
  upstream.seen.push(turn);
  await upstream.onTurn(turn);
  if (upstream.down.has(model)) return refuse(response, 503, 'overloaded');
  if (!turn.conversation) return refuse(response, 400, turn.refusal ?? '');
  const usage = { input: Math.ceil(bytes.length / 4), cached: 0, output: 20 };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(form.write(nextReply(turn.conversation), model, usage), () => upstream.onAnswered(turn));
}

function read(form: (typeof vendorForms)[number], model: string, body: Record<string, unknown>): SeenTurn {
  try {
    return { form: form.name, model, conversation: form.read(body), refusal: undefined, body };
  } catch (error) {
    return { form: form.name, model, conversation: undefined, refusal: (error as Error).message, body };
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message, code: null, param: null } }),
  );
}
