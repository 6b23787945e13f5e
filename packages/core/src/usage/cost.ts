import type { Usage } from '../domain/outcome.ts';
import { windowState, type WindowTimes } from '../snapshot/schedule.ts';

/** Nano-USD per million tokens, integers. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Input read from the provider's cache. Absent: as other input. */
  readonly cachedInput?: number;
  /** Input written to the provider's cache. Absent: as other input. */
  readonly cacheWrite?: number;
  /** Input that the cache keeps for an hour. Absent: as other writes. */
  readonly cacheWrite1h?: number;
  /** Absent: as other output. */
  readonly reasoning?: number;
  /** Absent, here and below: as other tokens of its direction. */
  readonly audioInput?: number;
  readonly audioOutput?: number;
  readonly imageInput?: number;
  readonly imageOutput?: number;
}

/** Rates of the whole call once its input is longer; what is absent stays as it is below. */
export interface PriceTier extends Partial<Rates> {
  readonly aboveInputTokens: number;
}

/** The price of a call. It stands whole in the call's record, so that it can be checked and told from later prices. */
export interface Price extends Rates {
  /** Nano-USD for each image that comes out. Absent: images are paid as tokens, where there are any. */
  readonly image?: number;
  /** Nano-USD for each call. Absent: nothing beside its tokens. */
  readonly request?: number;
  /** In ascending order of length. */
  readonly tiers?: readonly PriceTier[];
}

/** Rates that hold at some hours of the day, in place of those that always do. */
export interface PriceHours {
  readonly window: WindowTimes;
  /** IANA. */
  readonly zone: string;
  readonly rates: Partial<Rates>;
}

/** Prices of a model, at all hours. */
export interface PriceList {
  /** Undefined: unknown, never zero. */
  readonly price: Price | undefined;
  /** The first whose window is open counts. */
  readonly priceHours: readonly PriceHours[];
}

/** USD per 1,000 tokens, as documents state it, to nano-USD per million tokens. */
export const nanoUsdPerMillion = (usdPerThousand: number): number => Math.round(usdPerThousand * 1e12);

/** The price in force at an instant; undefined: unknown. Rates of a tier are not touched by hours. */
export function priceAt({ price, priceHours }: PriceList, atMs: number): Price | undefined {
  const open = price && priceHours.find(({ window, zone }) => windowState(window, zone, atMs).isOpen);
  return open ? { ...price, ...open.rates } : price;
}

/**
 * The cost of a call, in integer nano-USD, rounded half up once, on the sum. Every token is charged once: cached,
 * written, audio and image tokens are part of the input, reasoning, audio and image tokens part of the output. Counts
 * that exceed their whole are charged as told, and nothing is left for the rest.
 * @returns undefined: the price of something in it is unknown, which is never zero.
 */
export function costNanoUsd(usage: Usage, price: Price | undefined): bigint | undefined {
  if (!price) return undefined;
  const images = usage.images ?? 0;
  if (images > 0 && price.image === undefined && usage.outputTokens === 0) return undefined;
  return (
    perMillion(costOfTokens(usage, ratesFor(price, usage.inputTokens))) +
    BigInt(images) * BigInt(price.image ?? 0) +
    BigInt(price.request ?? 0)
  );
}

/** The rates of a call with so much input: those of the highest tier that it exceeds. */
function ratesFor(price: Price, inputTokens: number): Rates {
  const tier = price.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens);
  return tier ? { ...price, ...tier } : price;
}

/** Half up. */
const perMillion = (sum: bigint): bigint => (sum + 500_000n) / 1_000_000n;

/** In nano-USD per million tokens. */
function costOfTokens(usage: Usage, rates: Rates): bigint {
  const { cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = usage;
  const { audioInputTokens = 0, audioOutputTokens = 0, imageInputTokens = 0, imageOutputTokens = 0 } = usage;
  const plainInput =
    usage.inputTokens - usage.cachedInputTokens - cacheWriteTokens - audioInputTokens - imageInputTokens;
  const plainOutput = usage.outputTokens - usage.reasoningTokens - audioOutputTokens - imageOutputTokens;
  const write = rates.cacheWrite ?? rates.input;
  return (
    product(Math.max(0, plainInput), rates.input) +
    product(usage.cachedInputTokens, rates.cachedInput ?? rates.input) +
    product(Math.max(0, cacheWriteTokens - cacheWrite1hTokens), write) +
    product(cacheWrite1hTokens, rates.cacheWrite1h ?? write) +
    product(audioInputTokens, rates.audioInput ?? rates.input) +
    product(imageInputTokens, rates.imageInput ?? rates.input) +
    product(Math.max(0, plainOutput), rates.output) +
    product(usage.reasoningTokens, rates.reasoning ?? rates.output) +
    product(audioOutputTokens, rates.audioOutput ?? rates.output) +
    product(imageOutputTokens, rates.imageOutput ?? rates.output)
  );
}

/** Most kinds of tokens are not there. */
const product = (tokens: number, rate: number): bigint => (tokens === 0 ? 0n : BigInt(tokens) * BigInt(rate));

/** Kinds of tokens that vendors often charge at another rate than text. */
const ownRates = [
  ['cacheWrite1hTokens', 'cacheWrite1h'],
  ['audioInputTokens', 'audioInput'],
  ['audioOutputTokens', 'audioOutput'],
  ['imageInputTokens', 'imageInput'],
  ['imageOutputTokens', 'imageOutput'],
] as const satisfies readonly (readonly [keyof Usage, keyof Rates])[];

/** True of a known cost that holds tokens of audio, images or an hour's cache write whose own rate nobody stated. */
export function isCostEstimated(usage: Usage | undefined, price: Price | undefined): boolean {
  if (!usage || !price) return false;
  const rates = ratesFor(price, usage.inputTokens);
  return ownRates.some(([count, rate]) => (usage[count] ?? 0) > 0 && rates[rate] === undefined);
}

/** Modalities that go in and come out of a call. */
export interface CallModalities {
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
}

const textOnly: CallModalities = { inputModalities: ['text'], outputModalities: ['text'] };

/** The most that so many tokens can cost, each as the dearest kind that such a call may hold. Undefined: unknown. */
export function dearestNanoUsd(
  inputTokens: number,
  outputTokens: number,
  price: Price | undefined,
  { inputModalities, outputModalities }: CallModalities = textOnly,
): bigint | undefined {
  if (!price) return undefined;
  const rates = ratesFor(price, inputTokens);
  const { cacheWrite = 0, cacheWrite1h = 0, audioInput = 0, imageInput = 0 } = rates;
  const { reasoning = 0, audioOutput = 0, imageOutput = 0 } = rates;
  const input = Math.max(
    rates.input,
    cacheWrite,
    cacheWrite1h,
    inputModalities.includes('audio') ? audioInput : 0,
    inputModalities.includes('image') ? imageInput : 0,
  );
  const output = Math.max(
    rates.output,
    reasoning,
    outputModalities.includes('audio') ? audioOutput : 0,
    outputModalities.includes('image') ? imageOutput : 0,
  );
  const tokens = BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output);
  return perMillion(tokens) + BigInt(price.request ?? 0);
}

/**
 * When to start a task that may wait, so that it costs least: the earliest such instant from `nowMs` to `latestStartMs`.
 * `nowMs` where nothing is cheaper later, where the price is unknown, or where there is no time to wait.
 */
export function cheapestStartMs(prices: PriceList, expected: Usage, nowMs: number, latestStartMs: number): number {
  let best = { atMs: nowMs, cost: costNanoUsd(expected, priceAt(prices, nowMs)) };
  for (let atMs = nextPriceEdgeMs(prices, nowMs); atMs <= latestStartMs; atMs = nextPriceEdgeMs(prices, atMs)) {
    const cost = costNanoUsd(expected, priceAt(prices, atMs));
    if (cost !== undefined && best.cost !== undefined && cost < best.cost) best = { atMs, cost };
  }
  return best.atMs;
}

/** The next instant at which another price may hold; infinite: none. */
const nextPriceEdgeMs = ({ priceHours }: PriceList, atMs: number): number =>
  Math.min(...priceHours.map(({ window, zone }) => windowState(window, zone, atMs).edgeMs));
