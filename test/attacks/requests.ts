import { readFile } from 'node:fs/promises';
import type { Payload } from './payloads.ts';

/** So many at once, one after another each. */
export async function inLanes<T>(cases: readonly T[], lanes: number, attack: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let one = cases[next++]; one !== undefined; one = cases[next++]) await attack(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A body that the route would take, as far as one fits all. */
export const rightBody = (route: string): Record<string, unknown> => ({
  ...(route.endsWith('/tasks') ? { type: 'text_gen', input: 'ping' } : { model: 'text_gen' }),
  ...(/chat|messages/.test(route) && { messages: [{ role: 'user', content: 'ping' }] }),
  ...(route.endsWith('messages') && { max_tokens: 16 }),
  ...(/responses|embeddings|speech/.test(route) && { input: 'ping' }),
  ...(/speech/.test(route) && { voice: 'alloy', model: 'speech' }),
  ...(/images|rerank|embeddings/.test(route) && { model: 'media' }),
  ...(/images/.test(route) && { prompt: 'ping' }),
  ...(/rerank/.test(route) && { query: 'ping', documents: ['a', 'b'] }),
});

/** What is sent to a route with a payload. */
export function bodyOf(route: string, { raw, fields }: Payload): string | Uint8Array {
  return raw ?? JSON.stringify({ ...rightBody(route), ...fields });
}

/** Whether a pattern of permissions covers a subject without wildcards. */
export function covers(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  for (let at = 0; at < wanted.length; at += 1) {
    if (wanted[at] === '>') return given.length > at;
    if (given[at] === undefined || (wanted[at] !== '*' && wanted[at] !== given[at])) return false;
  }
  return wanted.length === given.length;
}

/** The environment that a process was started with. */
export const environmentOf = (pid: number): Promise<Buffer> => readFile(`/proc/${pid}/environ`);
