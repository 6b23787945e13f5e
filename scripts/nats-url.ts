import { connect } from 'node:net';
import { Mendable } from './say.ts';

/** The oldest nats-server that has what the streams use (schedules, time to live per message). */
export const oldestNats = '2.14.0';
const answerMs = 3_000;

/** What a nats-server says of itself before anybody logs in. */
export interface ServerInfo {
  readonly version: string;
  readonly jetstream: boolean;
}

/** Checks that every server named is new enough and has JetStream. @throws {Mendable} says which one is not, and why. */
export async function checkNatsUrl(natsUrl: string): Promise<void> {
  for (const server of natsUrl.split(',').map((each) => each.trim())) {
    const { host, hostname, port } = parseServer(server);
    const info = await askServer(hostname, port).catch((error: Error) => {
      throw new Mendable(`NATS_URL: no nats-server answers at ${host} (${error.message}): start it, or unset NATS_URL`);
    });
    if (isOlder(info.version, oldestNats))
      throw new Mendable(`NATS_URL: the nats-server at ${host} is ${info.version}, ${oldestNats} or newer is needed`);
    if (!info.jetstream)
      throw new Mendable(`NATS_URL: the nats-server at ${host} runs without JetStream: start it with -js`);
  }
}

function parseServer(server: string): { host: string; hostname: string; port: number } {
  const full = server.includes('://') ? server : `nats://${server}`;
  if (!URL.canParse(full)) throw new Mendable(`NATS_URL must look like nats://127.0.0.1:4222`);
  const url = new URL(full);
  if (!['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    throw new Mendable(`NATS_URL: ${url.protocol}// must be nats:// or tls:// and name a host`);
  const port = Number(url.port || 4222);
  return { host: `${url.hostname}:${port}`, hostname: url.hostname.replace(/^\[|\]$/g, ''), port };
}

/** A nats-server greets every connection with one line: `INFO {…}`. */
export function askServer(hostname: string, port: number): Promise<ServerInfo> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port });
    let text = '';
    socket.setTimeout(answerMs, () => socket.destroy(new Error(`silent for ${answerMs / 1000} s`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('it closed the connection')));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      const end = text.indexOf('\r\n');
      if (end < 0 && text.length < 65_536) return;
      socket.destroy();
      try {
        resolve(parseInfo(text.slice(0, end)));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

function parseInfo(line: string): ServerInfo {
  if (!line.startsWith('INFO {')) throw new Error('what answers there is no nats-server');
  const { version, jetstream } = JSON.parse(line.slice(5)) as { version?: unknown; jetstream?: unknown };
  return { version: typeof version === 'string' ? version : '0', jetstream: jetstream === true };
}

/** Compares dotted numbers; what follows a dash is left out. */
export function isOlder(version: string, other: string): boolean {
  const parts = (text: string): number[] => (text.split('-')[0] ?? '').split('.').map(Number);
  const [mine, theirs] = [parts(version), parts(other)];
  for (let at = 0; at < 3; at += 1) {
    const difference = (mine[at] ?? 0) - (theirs[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
