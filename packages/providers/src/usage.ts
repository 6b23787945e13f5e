import { estimateChatTokens, type Usage } from '@will/core';
import { outsideCount } from './outside-number.ts';

/** Tokens of a call that a vendor states, unchecked. A field that is null or undefined was not stated. */
export interface StatedUsage {
  /** Parts that add up to all input, cached and written tokens included. */
  readonly input: readonly unknown[];
  /** Parts that add up to all output, reasoning included. */
  readonly output: readonly unknown[];
  /** Part of the input, as the next three. */
  readonly cachedInput?: unknown;
  readonly cacheWrite?: unknown;
  readonly audioInput?: unknown;
  readonly imageInput?: unknown;
  /** Part of `cacheWrite`. */
  readonly cacheWrite1h?: unknown;
  /** Part of the output, as the next two. */
  readonly reasoning?: unknown;
  readonly audioOutput?: unknown;
  readonly imageOutput?: unknown;
}

/** The size that a call can have come to, as far as this side can tell. */
export interface CallSize {
  readonly maxInputTokens: number;
  /** The same where nothing of it is fetched. Absent: it is as much. */
  readonly maxTextTokens?: number;
  readonly maxOutputTokens: number;
  /** In place of what is unknown. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Tokens that vendors add to an input: their own instructions, descriptions of tools, results of searches. */
const addedInputTokens = 65_536;
/** Tokens that an input may come to whose images or files the vendor fetches: the largest context there is. */
const fetchedInputTokens = 2_000_000;
/** Reasoning that is counted and not shown, where no maximum was sent. */
const hiddenOutputTokens = 262_144;

const fetchedParts = ['"image_url"', '"file"', '"input_audio"', '"video_url"'];

/** The size of a chat by its input, its maximum of output tokens, and what came of it. No token is shorter than a byte. */
export function chatSize(
  input: Uint8Array,
  maxOutputTokens: number | undefined,
  received: { readonly bytes: number; readonly chars: number },
): CallSize {
  return new ChatSize(
    input,
    maxOutputTokens === undefined ? received.bytes + hiddenOutputTokens : Math.max(maxOutputTokens, received.bytes),
    tokensOfChars(received.chars),
  );
}

/** Its input is looked through where what is stated leaves a doubt. */
class ChatSize implements CallSize {
  readonly maxTextTokens: number;
  readonly maxOutputTokens: number;
  readonly outputTokens: number;
  readonly #input: Uint8Array;

  constructor(input: Uint8Array, maxOutputTokens: number, outputTokens: number) {
    this.#input = input;
    this.maxTextTokens = input.length + addedInputTokens;
    this.maxOutputTokens = maxOutputTokens;
    this.outputTokens = outputTokens;
  }

  get maxInputTokens(): number {
    return this.maxTextTokens + (mayHoldParts(this.#input) ? fetchedInputTokens : 0);
  }

  get inputTokens(): number {
    return mayHoldParts(this.#input) ? estimatedInput(this.#input) : tokensOfChars(this.#input.length);
  }
}

/** The size of a call that is no chat, by what was sent and what came of it. */
export const mediaSize = (
  sent: { readonly textChars: number; readonly body: string | Uint8Array },
  received: { readonly bytes: number; readonly chars: number },
): CallSize => ({
  maxInputTokens: sent.body.length + addedInputTokens,
  maxOutputTokens: received.bytes + addedInputTokens,
  inputTokens: tokensOfChars(sent.textChars),
  outputTokens: tokensOfChars(received.chars),
});

function mayHoldParts(input: Uint8Array): boolean {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  return fetchedParts.some((part) => bytes.includes(part));
}

/** Base64 is no text: what images weigh says nothing of their tokens. */
function estimatedInput(input: Uint8Array): number {
  try {
    const { messages } = JSON.parse(Buffer.from(input).toString()) as { readonly messages?: readonly object[] };
    return estimateChatTokens(messages ?? [], input.length);
  } catch {
    return tokensOfChars(input.length);
  }
}

/** Four characters a token, the common rule of thumb. */
const tokensOfChars = (chars: number): number => Math.ceil(chars / 4);

/** The usage of a call whose provider states none. */
export const estimatedUsage = ({ inputTokens, outputTokens }: CallSize): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: true,
});

/**
 * The usage to bill. What is not stated, what cannot be, and a zero beside content are unknown: they are estimated, and
 * the whole is marked as `estimated`.
 */
export function usageOf(stated: StatedUsage | undefined, size: CallSize): Usage {
  if (!stated) return estimatedUsage(size);
  const input =
    known(stated.input, size.maxTextTokens ?? 0) ?? whole(stated.input, size.maxInputTokens, size.inputTokens);
  const output = whole(stated.output, size.maxOutputTokens, size.outputTokens);
  const cached = part(stated.cachedInput, input);
  const written = part(stated.cacheWrite, input);
  const written1h = part(stated.cacheWrite1h, written);
  const heard = part(stated.audioInput, input);
  const seen = part(stated.imageInput, input);
  const thought = part(stated.reasoning, output);
  const spoken = part(stated.audioOutput, output);
  const drawn = part(stated.imageOutput, output);
  const areInputsKnown = input.isKnown && cached.isKnown && written.isKnown && written1h.isKnown;
  const areOutputsKnown = output.isKnown && thought.isKnown && spoken.isKnown && drawn.isKnown;
  const usage: { -readonly [K in keyof Usage]: Usage[K] } = {
    inputTokens: input.tokens,
    outputTokens: output.tokens,
    cachedInputTokens: cached.tokens,
    reasoningTokens: thought.tokens,
    estimated: !(areInputsKnown && heard.isKnown && seen.isKnown && areOutputsKnown),
  };
  if (written.tokens > 0) usage.cacheWriteTokens = written.tokens;
  if (written1h.tokens > 0) usage.cacheWrite1hTokens = written1h.tokens;
  if (heard.tokens > 0) usage.audioInputTokens = heard.tokens;
  if (spoken.tokens > 0) usage.audioOutputTokens = spoken.tokens;
  if (seen.tokens > 0) usage.imageInputTokens = seen.tokens;
  if (drawn.tokens > 0) usage.imageOutputTokens = drawn.tokens;
  return usage;
}

interface Count {
  readonly tokens: number;
  readonly isKnown: boolean;
}

/** A zero is known only where nothing else is to be expected. */
function whole(parts: readonly unknown[], max: number, estimate: number): Count {
  const isZero = estimate === 0 && sumOf(parts, max) === 0;
  return isZero ? none : (known(parts, max) ?? { tokens: estimate, isKnown: false });
}

/** A sum that is stated, more than zero and not too much. */
function known(parts: readonly unknown[], max: number): Count | undefined {
  const sum = sumOf(parts, max);
  return sum > 0 && sum <= max ? { tokens: sum, isKnown: true } : undefined;
}

/** No number: nothing is stated, or what cannot be. */
function sumOf(parts: readonly unknown[], max: number): number {
  let sum: number | undefined;
  for (const stated of parts)
    if (stated !== null && stated !== undefined) sum = (sum ?? 0) + (outsideCount(stated, max) ?? Number.NaN);
  return sum ?? Number.NaN;
}

const none: Count = { tokens: 0, isKnown: true };

/** A part of a whole that is itself unknown is no part of its estimate. */
function part(stated: unknown, of: Count): Count {
  if (stated === null || stated === undefined) return none;
  const tokens = of.isKnown ? outsideCount(stated, of.tokens) : undefined;
  return { tokens: tokens ?? 0, isKnown: tokens !== undefined };
}
