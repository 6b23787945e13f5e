import type { ModelCall } from '../port.ts';

/** Pages in their order. */
export interface PageImages {
  readonly images: readonly Uint8Array[];
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const dataAddress = /^data:image\/(?:png|jpeg|webp|gif|bmp);base64,([A-Za-z0-9+/]+={0,2})$/;
const maxPages = 32;

/**
 * The images of the last message of a chat; a string says what is wrong. Text beside them is an instruction that this model
 * does not read. Nothing is fetched: an image must be in the message.
 */
export function readPages(call: ModelCall): PageImages | string {
  if (call.inputKind !== 'chat') return `input kind ${call.inputKind} must be chat`;
  let raw: { readonly messages?: unknown } | null;
  try {
    raw = JSON.parse(decoder.decode(call.input)) as typeof raw;
  } catch {
    return 'the input is no JSON';
  }
  const messages: unknown = raw?.messages;
  if (!Array.isArray(messages)) return 'messages must be a list';
  const last = messages.at(-1) as { readonly content?: unknown } | null | undefined;
  const parts: unknown[] = Array.isArray(last?.content) ? last.content : [];
  const images: Uint8Array[] = [];
  for (const part of parts as readonly ({ type?: unknown; image_url?: { url?: unknown } } | null)[]) {
    if (part?.type !== 'image_url') continue;
    const url = part.image_url?.url;
    const [, base64] = (typeof url === 'string' && dataAddress.exec(url)) || [];
    if (base64 === undefined) return 'an image must be a data: address of a png, jpeg, webp, gif or bmp';
    images.push(Buffer.from(base64, 'base64'));
  }
  if (images.length === 0) return 'the last message must hold an image';
  return images.length > maxPages ? `at most ${maxPages} images at once` : { images };
}
