import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { detailsOf, type Fields } from './unreadable.ts';

/**
 * What a model gave with its reasoning and must see again beside the tool calls that came of it: signatures, encrypted
 * reasoning. It travels with the call, in the field where OpenAI's form has Google's signatures, so that clients that
 * know that field send it back. Only the model that made it can read it: for every other one it is left out.
 */
const prefix = 'wr1.';
const maxBytes = 4 * 1024 * 1024;

/** The maker of an answer. It reveals nothing of addresses. */
export const originOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 16);

/** The text beside a tool call in OpenAI's form. */
export const keptWith = (origin: string, items: readonly object[]): object => ({
  extra_content: { google: { thought_signature: sealed(origin, items) } },
});

const sealed = (origin: string, items: readonly object[]): string =>
  prefix + deflateRawSync(JSON.stringify({ origin, items })).toString('base64url');

/** The items that this origin gave with a tool call; none where another one did, or nobody. */
export function keptItems(call: unknown, origin: string): readonly Fields[] {
  const signature = detailsOf(detailsOf(detailsOf(call)['extra_content'])['google'])['thought_signature'];
  if (typeof signature !== 'string' || !signature.startsWith(prefix)) return [];
  try {
    const packed = Buffer.from(signature.slice(prefix.length), 'base64url');
    const read = detailsOf(JSON.parse(inflateRawSync(packed, { maxOutputLength: maxBytes }).toString()));
    if (read['origin'] !== origin || !Array.isArray(read['items'])) return [];
    return read['items'].map(detailsOf);
  } catch {
    return [];
  }
}
