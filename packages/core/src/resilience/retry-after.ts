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
    (isLimitReached ? (spentResetMs(word) ?? latest(limitsOf(word).map(({ resetMs }) => resetMs))) : undefined) ??
    goDuration(/"retryDelay"\s*:\s*"([0-9.]{1,12}s)"/.exec(body)?.[1]);
  return found === undefined ? undefined : clampedCooldownMs(found);
}

/**
 * The time for which nothing is left of one of the provider's limits, as a successful answer tells it: the call after
 * it would be refused. Undefined: something is left, or it says nothing.
 */
export function spentForMs(word: Omit<ProviderHints, 'body'>): number | undefined {
  const found = spentResetMs(word);
  return found === undefined || found <= 0 ? undefined : clampedCooldownMs(found);
}

const clampedCooldownMs = (ms: number): number => Math.min(maxCooldownMs, Math.max(0, Math.ceil(ms)));

interface ProviderLimit {
  readonly remaining: number | undefined;
  /** Until it is full again. */
  readonly resetMs: number | undefined;
}

/** The limits that providers tell in headers, each vendor in its own words. */
function limitsOf({ headers, nowMs }: Omit<ProviderHints, 'body'>): ProviderLimit[] {
  const ofOpenAi = ['requests', 'tokens'].map((kind) => ({
    remaining: number(headers[`x-ratelimit-remaining-${kind}`]),
    resetMs: goDuration(headers[`x-ratelimit-reset-${kind}`]),
  }));
  const ofAnthropic = ['requests', 'tokens', 'input-tokens', 'output-tokens'].map((kind) => ({
    remaining: number(headers[`anthropic-ratelimit-${kind}-remaining`]),
    resetMs: date(headers[`anthropic-ratelimit-${kind}-reset`], nowMs),
  }));
  const ofDraft = { remaining: number(headers['ratelimit-remaining']), resetMs: seconds(headers['ratelimit-reset']) };
  return [...ofOpenAi, ...ofAnthropic, ofDraft];
}

const spentResetMs = (word: Omit<ProviderHints, 'body'>): number | undefined =>
  latest(limitsOf(word).map(({ remaining, resetMs }) => (remaining === 0 ? resetMs : undefined)));

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
const latest = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it: `120ms`, `6m0s`, `1.5s`. */
function goDuration(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 32 || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(value) * (unitsMs[unit as string] as number);
  return sum;
}
