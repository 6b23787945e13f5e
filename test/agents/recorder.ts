import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { shapeOf } from './request-shapes.ts';

const folder = fileURLToPath(new URL('../../services/gateway/src/sdk/__fixtures__/agents/', import.meta.url));
const recorded = /^\/v1\/(messages|responses|chat\/completions)(\?|$)/;

export interface Recorder {
  readonly url: string;
  /** Writes the shape of the longest request so far, under this name, and forgets all. */
  keep(name: string): Promise<void>;
  close(): Promise<void>;
}

interface Kept {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Stands before the product and keeps the shapes of what clients send: see {@link shapeOf}. */
export async function startRecorder(productUrl: string): Promise<Recorder> {
  let longest: Kept | undefined;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const path = incoming.url ?? '';
      if (recorded.test(path) && bytes.length > (longest?.body.length ?? 0))
        longest = { path, headers: ownHeaders(incoming.headers), body: bytes.toString() };
      const passed = ask(productUrl + path, { method: incoming.method, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      passed.on('error', () => outgoing.destroy());
      passed.end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async keep(name) {
      if (!longest) return;
      await mkdir(folder, { recursive: true });
      const shape = { path: longest.path, headers: longest.headers, body: shapeOf(JSON.parse(longest.body)) };
      await writeFile(`${folder}${name}.json`, `${JSON.stringify(shape, null, 1)}\n`);
      longest = undefined;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Headers that say something of the protocol; the values of ids are not kept. */
const ownHeaders = (headers: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => /^(anthropic-|openai-|x-|session|thread|conversation|originator|chatgpt-)/.test(name))
      .map(([name, value]) => [name, /^anthropic-|^originator$|stainless-(lang|helper)/.test(name) ? value : 'words']),
  );
