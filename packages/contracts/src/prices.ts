import { cacheSavingsNanoUsd, type Price, type PriceHours, type Rates, type Usage } from '@will/core';
import { create } from './binary.ts';
import {
  type CallRecord as WireRecord,
  PriceSchema,
  PriceTierSchema,
  type Price as WirePrice,
  type PriceTier as WireTier,
} from './gen/will/v1/event_pb.js';
import { PriceHoursSchema, type PriceHours as WireHours } from './gen/will/v1/telemetry_pb.js';
import type { Usage as WireUsage } from './gen/will/v1/task_pb.js';

const rateNames = [
  'input',
  'output',
  'cachedInput',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'audioInput',
  'audioOutput',
  'imageInput',
  'imageOutput',
] as const satisfies readonly (keyof Rates)[];

interface RecordPrice {
  readonly priceInput?: bigint;
  readonly priceOutput?: bigint;
  readonly price?: WirePrice;
}

const noPrice: RecordPrice = {};
const recordPrices = new WeakMap<Price, RecordPrice>();

/** The price of a record: two rates suffice for most, and for readers of an older release. One object for one price. */
export function recordPriceToWire(price: Price | undefined): RecordPrice {
  if (!price) return noPrice;
  const known = recordPrices.get(price);
  if (known) return known;
  const rates = { priceInput: BigInt(price.input), priceOutput: BigInt(price.output) };
  const made = Object.keys(price).length > 2 ? { ...rates, price: priceToWire(price) } : rates;
  recordPrices.set(price, made);
  return made;
}

/** A price with all its parts. */
export function priceToWire(price: Price): WirePrice {
  const { image, request, tiers = [] } = price;
  return create(PriceSchema, {
    ...ratesToWire(price),
    ...(image !== undefined && { image: BigInt(image) }),
    ...(request !== undefined && { request: BigInt(request) }),
    tiers: tiers.map((tier) =>
      create(PriceTierSchema, { aboveInputTokens: tier.aboveInputTokens, ...ratesToWire(tier) }),
    ),
  });
}

/** And back. `toNumber` refuses, by throwing, what is no amount. */
export function priceFromWire(price: WirePrice, toNumber: (amount: bigint) => number = Number): Price {
  const { image, request, tiers } = price;
  return {
    ...ratesFromWire(price, toNumber),
    input: toNumber(price.input),
    output: toNumber(price.output),
    ...(image !== undefined && { image: toNumber(image) }),
    ...(request !== undefined && { request: toNumber(request) }),
    ...(tiers.length > 0 && {
      tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, ...ratesFromWire(tier, toNumber) })),
    }),
  };
}

const ratesToWire = (rates: Partial<Rates>): { [K in keyof Rates]?: bigint } =>
  Object.fromEntries(rateNames.flatMap((name) => (rates[name] === undefined ? [] : [[name, BigInt(rates[name])]])));

const ratesFromWire = (rates: WirePrice | WireTier, toNumber: (amount: bigint) => number): Partial<Rates> =>
  Object.fromEntries(rateNames.flatMap((name) => (rates[name] === undefined ? [] : [[name, toNumber(rates[name])]])));

/** Rates of some hours. */
export const priceHoursToWire = ({ window, zone, rates }: PriceHours): WireHours =>
  create(PriceHoursSchema, {
    from: window.from,
    to: window.to,
    days: [...(window.days ?? [])],
    zone,
    rates: create(PriceTierSchema, ratesToWire(rates)),
  });

/** Reads prices of hours. */
export const priceHoursFromWire = (
  { from, to, days, zone, rates }: WireHours,
  toNumber: (amount: bigint) => number = Number,
): PriceHours => ({
  window: { from, to, ...(days.length > 0 && { days }) },
  zone,
  rates: rates ? ratesFromWire(rates, toNumber) : {},
});

/** Counts of what there was; the rarer kinds are left out where there were none. */
export const usageFromWire = (usage: WireUsage): Usage => ({
  inputTokens: usage.inputTokens,
  outputTokens: usage.outputTokens,
  cachedInputTokens: usage.cachedInputTokens,
  reasoningTokens: usage.reasoningTokens,
  ...(usage.cacheWriteTokens > 0 && { cacheWriteTokens: usage.cacheWriteTokens }),
  ...(usage.cacheWrite1hTokens > 0 && { cacheWrite1hTokens: usage.cacheWrite1hTokens }),
  ...(usage.audioInputTokens > 0 && { audioInputTokens: usage.audioInputTokens }),
  ...(usage.audioOutputTokens > 0 && { audioOutputTokens: usage.audioOutputTokens }),
  ...(usage.imageInputTokens > 0 && { imageInputTokens: usage.imageInputTokens }),
  ...(usage.imageOutputTokens > 0 && { imageOutputTokens: usage.imageOutputTokens }),
  ...(usage.images > 0 && { images: usage.images }),
  estimated: usage.estimated,
});

type PricedRecord = Pick<WireRecord, 'usage' | 'price' | 'priceInput' | 'priceOutput'>;

/**
 * The price that stands in a record of a call; undefined: unknown. A record of an older service tells two rates and no
 * more. `toNumber` refuses, by throwing, what is no amount.
 */
export function recordPriceFromWire(
  { price, priceInput, priceOutput }: PricedRecord,
  toNumber: (amount: bigint) => number = Number,
): Price | undefined {
  if (price) return priceFromWire(price, toNumber);
  if (priceInput === undefined || priceOutput === undefined) return undefined;
  return { input: toNumber(priceInput), output: toNumber(priceOutput) };
}

/** The money that the vendor's prompt cache saved in a call; undefined: its price or its usage is unknown. */
export const recordCacheSavings = (record: PricedRecord): bigint | undefined =>
  record.usage && cacheSavingsNanoUsd(usageFromWire(record.usage), recordPriceFromWire(record));
