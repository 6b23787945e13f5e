import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectBus, type Bus } from '@will/bus';
import { type Dispatcher, Pool } from 'undici';

// One process of the floor: HTTP in and out in one process (`single`), or a server, a router and a worker over the bus.
// Bytes go through as they are; nothing is decided, limited, recorded or watched. Nothing of this shape costs less in
// Node that we know of: bodies by `dispatch`, one inbox and one timer for all calls.

type OnPiece = (piece: Uint8Array, isLast: boolean) => void;
/** Passes a call on. A plain answer comes as one last piece; a stream ends with an empty one. */
type Pass = (body: Buffer, isStream: boolean, onPiece: OnPiece) => void;

const routed = 'will.v1.bench.route';
const worked = 'will.v1.bench.work';
const giveUpMs = 5_000;
const nothing = new Uint8Array(0);
const asksStream = (body: Buffer): boolean => body.includes('"stream":true');
const bufferOf = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function toUpstream(): Pass {
  const pool = new Pool(process.env['BENCH_UPSTREAM'] ?? '', { connections: 128, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  return (body, isStream, onPiece) => {
    const pieces: Buffer[] = [];
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData(_controller, piece) {
        if (isStream) onPiece(piece, false);
        else pieces.push(piece);
      },
      onResponseEnd() {
        onPiece(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces), true);
      },
      onResponseError() {
        onPiece(nothing, true);
      },
    };
    pool.dispatch({ method: 'POST', path: '/v1/chat/completions', headers, body }, handler);
  };
}

function toBus({ connection, processId }: Bus, subject: string): Pass {
  const inbox = `_INBOX.bench.${processId}.`;
  const waiting = new Map<
    string,
    { readonly isStream: boolean; readonly onPiece: OnPiece; readonly untilMs: number }
  >();
  let calls = 0;
  connection.subscribe(`${inbox}*`, {
    callback: (_error, { subject: to, data }) => {
      const token = to.slice(inbox.length);
      const call = waiting.get(token);
      const isLast = !call?.isStream || data.length === 0;
      if (isLast) waiting.delete(token);
      call?.onPiece(data, isLast);
    },
  });
  setInterval(() => {
    for (const [token, { onPiece, untilMs }] of waiting) {
      if (untilMs > performance.now()) break;
      waiting.delete(token);
      onPiece(nothing, true);
    }
  }, 500).unref();
  return (body, isStream, onPiece) => {
    const token = (calls++).toString(36);
    waiting.set(token, { isStream, onPiece, untilMs: performance.now() + giveUpMs });
    connection.publish(subject, body, { reply: inbox + token });
  };
}

async function serve(pass: Pass): Promise<string> {
  const answer = (body: Buffer, response: ServerResponse): void => {
    const isStream = asksStream(body);
    pass(body, isStream, (piece, isLast) => {
      if (!response.headersSent)
        response.writeHead(isLast && piece.length === 0 ? 502 : 200, {
          'content-type': isStream ? 'text/event-stream' : 'application/json',
          ...(isLast && { 'content-length': piece.length }),
        });
      if (isLast) response.end(piece);
      else response.write(piece);
    });
  };
  const server = createServer((request: IncomingMessage, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => answer(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces), response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Passes a call on; its answer goes straight to the caller that asked first. */
function route({ connection }: Bus): void {
  connection.subscribe(routed, {
    queue: 'bench',
    callback: (_error, { data, reply }) => connection.publish(worked, data, { reply: reply ?? '' }),
  });
}

function work({ connection }: Bus): void {
  const pass = toUpstream();
  connection.subscribe(worked, {
    queue: 'bench',
    callback: (_error, { data, reply }) => {
      const body = bufferOf(data);
      pass(body, asksStream(body), (piece) => connection.publish(reply ?? '', piece));
    },
  });
}

const role = process.env['BENCH_ROLE'] ?? '';
const bus =
  role === 'single'
    ? undefined
    : await connectBus({
        servers: process.env['NATS_URL'] ?? '',
        processId: `floor-${process.pid}`,
        inboxScope: 'bench',
      });
let url = '';
if (!bus) url = await serve(toUpstream());
else if (role === 'router') route(bus);
else if (role === 'worker') work(bus);
else url = await serve(toBus(bus, role === 'server of two' ? worked : routed));
await bus?.connection.flush();
process.send?.({ kind: 'ready', url });
process.on('disconnect', () => process.exit(0));
