/** Upper bound for text: no tokenizer in use makes more than one token of three bytes of JSON on average. */
export const estimateTokens = (inputBytes: number): number => Math.ceil(inputBytes / 3);

/** Upper bound of one image, whatever it weighs: the largest that vendors state is about 2,700. */
const tokensPerImage = 3_000;
/**
 * Base64 of sound: speech that is packed as tightly as 16 kbit/s has about 270 of its bytes in the 100 ms that vendors
 * count as a token.
 */
const soundBytesPerToken = 200;

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

function partsOf(message: object): readonly Part[] {
  const { content } = message as { readonly content?: unknown };
  return Array.isArray(content) ? content.filter((part) => typeof part === 'object' && part !== null) : [];
}
