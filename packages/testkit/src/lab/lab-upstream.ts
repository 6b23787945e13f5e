import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream sends, byte by byte as it stands here. */
export interface LabAnswer {
  /** Default: 200. */
  readonly status?: number;
  /** Default: none at all. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces: readonly (string | Uint8Array)[];
  /** Between pieces; default: 0, which leaves it to the network how they arrive. */
  readonly gapMs?: number;
  /** What becomes of the connection then. Default: the answer ends. */
  readonly afterwards?: 'ends' | 'stays open' | 'breaks';
}

export interface LabUpstream {
  /** Without a version. */
  readonly url: string;
  /** What requests for a model get from now on. */
  answer(model: string, answer: LabAnswer): void;
  close(): Promise<void>;
}

/** An upstream that sends what it is told, well-formed or not, by any vendor's path. */
export async function startLabUpstream(): Promise<LabUpstream> {
  const answers = new Map<string, LabAnswer>();
  const server = createServer((request, response) => {
    response.on('error', () => {});
    void modelOf(request)
      .then((model) => send(answers.get(model) ?? { status: 404, pieces: [] }, response))
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (model, answer) => void answers.set(model, answer),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** By its path, its JSON, or its form. */
async function modelOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('latin1');
  const inPath = /\/models\/([^:/]+):/.exec(request.url ?? '')?.[1];
  const inBody = /"model":"([^"]*)"/.exec(body)?.[1] ?? /name="model"\r\n\r\n([^\r]*)/.exec(body)?.[1];
  return inPath ?? inBody ?? '';
}

async function send(
  { status = 200, headers = {}, pieces, gapMs = 0, afterwards = 'ends' }: LabAnswer,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(status, headers);
  response.flushHeaders();
  for (const piece of pieces) {
    if (response.destroyed) return;
    response.write(piece);
    if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
  }
  if (afterwards === 'ends') response.end();
  // What was written is on its way before the break.
  else if (afterwards === 'breaks') setTimeout(() => response.socket?.destroy(), 10);
}
