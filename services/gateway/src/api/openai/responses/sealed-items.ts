import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Longer texts are not sealed: the id travels with every later request. */
const maxTextBytes = 64 * 1024;
const prefix = 'msg_sealed_';

/**
 * The id of a message that holds its own text: nothing is kept here, and a later request may still refer to the item.
 * Undefined: the text is too long for an id.
 */
export function sealedId(text: string): string | undefined {
  if (Buffer.byteLength(text) > maxTextBytes) return undefined;
  return prefix + deflateRawSync(text).toString('base64url');
}

/** The text that an id holds; undefined: it is no id of {@link sealedId}. */
export function textInId(id: string): string | undefined {
  if (!id.startsWith(prefix)) return undefined;
  try {
    const packed = Buffer.from(id.slice(prefix.length), 'base64url');
    return new TextDecoder('utf-8', { fatal: true }).decode(inflateRawSync(packed, { maxOutputLength: maxTextBytes }));
  } catch {
    return undefined;
  }
}
