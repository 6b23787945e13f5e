import type { Modality } from '../domain/documents.ts';

/** Upper bound for text: no tokenizer in use makes more than one token of three bytes of JSON on average. */
export const estimateTokens = (inputBytes: number): number => Math.ceil(inputBytes / 3);

/** Upper bound of one image, whatever it weighs: the largest that vendors state is about 2,700. */
const tokensPerImage = 3_000;
/**
 * Base64 of sound: speech that is packed as tightly as 16 kbit/s has about 270 of its bytes in the 100 ms that vendors
 * count as a token.
 */
const soundBytesPerToken = 200;

/** Estimates the tokens of a recording. */
export const estimateSoundTokens = (base64Bytes: number): number => Math.ceil(base64Bytes / soundBytesPerToken);

interface Part {
  readonly type?: unknown;
  readonly image_url?: { readonly url?: unknown };
  readonly input_audio?: { readonly data?: unknown };
}

/** Upper bound of a chat in the OpenAI form that has so many bytes as JSON: what images and sound weigh is no text. */
export function estimateChatTokens(messages: readonly object[], jsonBytes: number): number {
  let mediaBytes = 0;
  let tokens = 0;
  for (const part of messages.flatMap(partsOf)) {
    const { image_url: image, input_audio: audio } = part;
    if (typeof image?.url === 'string') {
      mediaBytes += image.url.length;
      tokens += tokensPerImage;
    } else if (typeof audio?.data === 'string') {
      mediaBytes += audio.data.length;
      tokens += estimateSoundTokens(audio.data.length);
    }
  }
  return tokens + estimateTokens(Math.max(0, jsonBytes - mediaBytes));
}

/**
 * Upper bound of an input that holds images, sound or video. `payloadBytes`: what lies in the payload bucket for it. A
 * chat is read; of anything else one image counts as one, and sound by its length.
 */
export function estimateMediaTokens(input: Uint8Array, payloadBytes: number, goesIn: readonly Modality[]): number {
  const messages = messagesIn(input);
  const sound = goesIn.includes('audio') ? estimateSoundTokens(payloadBytes + (messages ? 0 : input.length)) : 0;
  if (messages) return estimateChatTokens(messages, input.length) + sound;
  return goesIn.some((modality) => modality === 'image' || modality === 'video') ? tokensPerImage + sound : sound;
}

function messagesIn(input: Uint8Array): readonly object[] | undefined {
  try {
    const { messages } = JSON.parse(decoder.decode(input)) as { readonly messages?: unknown };
    return Array.isArray(messages) ? messages.filter((message) => typeof message === 'object' && message) : undefined;
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder();

function partsOf(message: object): readonly Part[] {
  const { content } = message as { readonly content?: unknown };
  return Array.isArray(content) ? content.filter((part) => typeof part === 'object' && part !== null) : [];
}
