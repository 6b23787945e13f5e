/** Hints in a provider's answer beside its content. */
export interface ProviderHints {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The start of the body; it is only searched for codes and never repeated. */
  readonly body: string;
  readonly nowMs: number;
}

/** A cooldown longer than a day is a mistake of the provider's clock, not a wish. */
const maxCooldownMs = 24 * 3_600_000;

/**
 * The time for which the provider asks to be left alone, from the most to the least exact place; clamped to 0 … 24
 * hours. Undefined: it says nothing that can be read. Some send the state of their limits with every answer: it is a
 * wish to be left alone only where a limit was reached.
 */
export function retryAfterMs(word: ProviderHints, isLimitReached: boolean): number | undefined {
  const { headers, body, nowMs } = word;
  const found =
    number(headers['retry-after-ms']) ??
    seconds(headers['retry-after']) ??
    date(headers['retry-after'], nowMs) ??
    (isLimitReached ? (latestResetMs(word, true) ?? latestResetMs(word, false)) : undefined) ??
    goDuration(/"retryDelay"\s*:\s*"([0-9.]{1,12}s)"/.exec(body)?.[1]);
  return found === undefined ? undefined : clampedCooldownMs(found);
}

/**
 * The time for which nothing is left of one of the provider's limits, as a successful answer tells it: the call after
 * it would be refused. Undefined: something is left, or it says nothing.
 */
export function spentForMs(word: Omit<ProviderHints, 'body'>): number | undefined {
  const found = latestResetMs(word, true);
  return found === undefined || found <= 0 ? undefined : clampedCooldownMs(found);
}

const clampedCooldownMs = (ms: number): number => Math.min(maxCooldownMs, Math.max(0, Math.ceil(ms)));

/** Until when the latest limit is full again of those of which nothing is left, or of all. */
function latestResetMs({ headers, nowMs }: Omit<ProviderHints, 'body'>, isSpent: boolean): number | undefined {
  let latestMs: number | undefined;
  for (const { remaining, reset, readReset } of limits) {
    if (isSpent && number(headers[remaining]) !== 0) continue;
    const ms = readReset(headers[reset], nowMs);
    if (ms !== undefined) latestMs = Math.max(ms, latestMs ?? ms);
  }
  return latestMs;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined;
}
function seconds(text: string | undefined): number | undefined {
  const value = number(text);
  return value === undefined ? undefined : value * 1_000;
}
function date(text: string | undefined, nowMs: number): number | undefined {
  const at = text === undefined || text.length > 40 || !/[A-Za-z]/.test(text) ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at - nowMs;
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it: `120ms`, `6m0s`, `1.5s`. */
function goDuration(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 32 || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(value) * (unitsMs[unit as string] as number);
  return sum;
}

interface ToldLimit {
  /** Names of headers. */
  readonly remaining: string;
  readonly reset: string;
  readonly readReset: (text: string | undefined, nowMs: number) => number | undefined;
}

/** The limits that providers tell in headers, each vendor in its own words. */
const limits: readonly ToldLimit[] = [
  ...['requests', 'tokens'].map((kind) => ({
    remaining: `x-ratelimit-remaining-${kind}`,
    reset: `x-ratelimit-reset-${kind}`,
    readReset: goDuration,
  })),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map((kind) => ({
    remaining: `anthropic-ratelimit-${kind}-remaining`,
    reset: `anthropic-ratelimit-${kind}-reset`,
    readReset: date,
  })),
  { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset', readReset: seconds },
];
