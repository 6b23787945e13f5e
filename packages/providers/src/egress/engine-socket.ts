import { Client } from 'undici';
import { ProviderConfigError } from '../port.ts';

/** An answer of the engine: its status and its JSON, undefined where it has none. */
export interface EngineAnswer {
  readonly status: number;
  readonly json: unknown;
}

/** The address of a container engine. */
export interface EngineSocket {
  /** @throws {EngineUnreachable} nobody answers there, or not in time. */
  request(method: 'GET' | 'POST', path: string, body?: object): Promise<EngineAnswer>;
  close(): Promise<void>;
}

/** No container engine answers. */
export class EngineUnreachable extends Error {
  override readonly name = 'EngineUnreachable';
}

const timeoutMs = 30_000;
const maxAnswerBytes = 8 * 1024 * 1024;

/**
 * The engine that runs containers on this machine, by its socket: `unix:///var/run/docker.sock`. Another machine's is not called.
 * @throws {ProviderConfigError} the address is no local socket.
 */
export function openEngineSocket(address: string): EngineSocket {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(address)?.[1];
  if (socketPath === undefined)
    throw new ProviderConfigError(
      `the container engine ${address} must be a local socket: unix:///var/run/docker.sock`,
    );
  const client = new Client('http://localhost', { socketPath, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  return {
    async request(method, path, body) {
      try {
        const answer = await client.request({
          method,
          path,
          headers: { 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        });
        return { status: answer.statusCode, json: parse(await readAll(answer.body)) };
      } catch (cause) {
        throw new EngineUnreachable(`the container engine at ${address} does not answer`, { cause });
      }
    },
    close: () => client.destroy(),
  };
}

async function readAll(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxAnswerBytes) throw new Error('the answer is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
