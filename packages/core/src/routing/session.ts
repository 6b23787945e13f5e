import { maxPrefixLifetimeMs, minPrefixTokensOf, prefixLifetimeMsOf } from '../usage/prompt-cache.ts';
import { costNanoUsd, priceAt, type Price } from '../usage/cost.ts';
import type { Candidate, RankedSet, Selection, SessionBasis, SessionCost } from './decision.ts';
import { medianCost, slowMs } from '../ranking/goal-order.ts';
import { isPin } from '../eligibility/proposals.ts';
import { rankMeasured } from '../ranking/rank-by-goal.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** The past of a session so far. It holds no content. */
export interface SessionState {
  /** The model that did the last call. */
  readonly lastModel: string;
  /** Calls so far. */
  readonly calls: number;
  readonly prefixes: readonly HeldPrefix[];
}

/** The prefix that the cache of one model should hold, from the last call that it did. */
export interface HeldPrefix {
  readonly model: string;
  readonly tokens: number;
  readonly usedAtMs: number;
  /** The worker that did the call: a local model keeps its cache there. */
  readonly workerId?: string;
}

/** A session is expected to go on for as many calls as it had, within these. */
const expectedCalls = { min: 2, max: 20 } as const;
/** Output that a call is expected to have. */
const expectedOutputTokens = 256;

/**
 * The part of a session that counts for the choice among candidates. Pure: all figures are integers, so that a record
 * repeats it.
 */
export function sessionBasis(
  { models }: Pick<Snapshot, 'models'>,
  candidates: readonly Candidate[],
  state: SessionState | undefined,
  inputTokens: number,
  nowMs: number,
): SessionBasis {
  const ahead = Math.min(expectedCalls.max, Math.max(expectedCalls.min, state?.calls ?? 0));
  return {
    lastModel: state?.lastModel,
    costs: candidates.flatMap(({ model: slug }) => {
      const model = models.get(slug);
      if (!model) return [];
      const vendorsName = model.document.provider_model ?? slug;
      const minTokens = minPrefixTokensOf(vendorsName);
      const held = heldBy(slug, state, inputTokens, nowMs - prefixLifetimeMsOf(vendorsName));
      return [costOf(slug, priceAt(model, nowMs), held >= minTokens ? held : 0, inputTokens, ahead, minTokens)];
    }),
  };
}

function heldBy(model: string, state: SessionState | undefined, inputTokens: number, goneBeforeMs: number): number {
  const prefix = state?.prefixes.find((one) => one.model === model);
  if (!prefix || prefix.usedAtMs <= goneBeforeMs) return 0;
  return Math.min(prefix.tokens, inputTokens);
}

function costOf(
  model: string,
  price: Price | undefined,
  heldTokens: number,
  inputTokens: number,
  ahead: number,
  minTokens: number,
): SessionCost {
  const isCacheable = price?.cachedInput !== undefined && inputTokens >= minTokens;
  const now = expectedCost(price, inputTokens, heldTokens, isCacheable);
  const warm = expectedCost(price, inputTokens, inputTokens, isCacheable);
  const mean = now === undefined || warm === undefined ? undefined : Math.round((now + ahead * warm) / (ahead + 1));
  return { model, heldTokens, costNanoUsd: now, meanNanoUsd: mean };
}

/** What is not held is written to the cache where the vendor charges for that. */
function expectedCost(
  price: Price | undefined,
  inputTokens: number,
  heldTokens: number,
  isCacheable: boolean,
): number | undefined {
  const usage = {
    inputTokens,
    outputTokens: expectedOutputTokens,
    cachedInputTokens: isCacheable ? heldTokens : 0,
    cacheWriteTokens: isCacheable ? inputTokens - heldTokens : 0,
    reasoningTokens: 0,
    estimated: true,
  };
  const cost = costNanoUsd(usage, price);
  return cost === undefined ? undefined : Number(cost);
}

/** A session after a call of a model. What other models hold is forgotten once their caches are. */
export function sessionAfterCall(
  state: SessionState | undefined,
  model: string,
  inputTokens: number,
  nowMs: number,
  workerId = '',
): SessionState {
  const held = (state?.prefixes ?? []).filter(({ usedAtMs }) => nowMs - usedAtMs < maxPrefixLifetimeMs);
  // A short question in between does not empty the cache.
  const before = held.find((one) => one.model === model)?.tokens ?? 0;
  const tokens = Math.max(before, inputTokens);
  const own = { model, tokens, usedAtMs: nowMs, ...(workerId !== '' && { workerId }) };
  return {
    lastModel: model,
    calls: (state?.calls ?? 0) + 1,
    prefixes: [own, ...held.filter((one) => one.model !== model)].slice(0, maxPrefixes),
  };
}
const maxPrefixes = 4;

/**
 * The usable models of a set in the order that is right for a session. What was asked for by name stays first. Where a
 * goal orders, it orders by what calls cost here; the model of the last call stays until another one is clearly better.
 * In a declared order that model stays first as long as going on with it is not dearer than what is declared before it.
 * It adds and removes none: rules, limits and cooldowns have had their say.
 */
export function orderedBySession(order: readonly string[], set: RankedSet, session: SessionBasis): readonly string[] {
  const pins = new Set(set.candidates.filter(isPin).map(({ model }) => model));
  const pinned = order.filter((model) => pins.has(model));
  const free = order.filter((model) => !pins.has(model));
  const ordered = set.ranking?.mode === 'auto' ? byGoal(free, set.ranking, session) : byLastModel(free, session);
  return [...pinned, ...ordered];
}

function byGoal(
  free: readonly string[],
  { goal, models }: NonNullable<RankedSet['ranking']>,
  { lastModel, costs }: SessionBasis,
): readonly string[] {
  const measured = free.flatMap((slug) => {
    const known = models.find(({ model }) => model === slug);
    const cost = costs.find(({ model }) => model === slug)?.meanNanoUsd;
    return known ? [{ ...known, costNanoUsd: cost ?? known.costNanoUsd }] : [];
  });
  if (measured.length < free.length) return free;
  const dearNanoUsd = medianCost(measured);
  return rankMeasured(measured, { mode: 'auto', goal, slowMs, dearNanoUsd, incumbent: lastModel }).order;
}

function byLastModel(free: readonly string[], { lastModel, costs }: SessionBasis): readonly string[] {
  const [first] = free;
  const meanOf = (slug: string | undefined): number | undefined =>
    costs.find(({ model }) => model === slug)?.meanNanoUsd;
  const [stay, back] = [meanOf(lastModel), meanOf(first)];
  const isHeld = costs.some(({ model, heldTokens }) => model === lastModel && heldTokens > 0);
  if (lastModel === undefined || !isHeld || !free.includes(lastModel)) return free;
  if (stay === undefined || back === undefined || stay > back) return free;
  return [lastModel, ...free.filter((model) => model !== lastModel)];
}

/** True where a session holds a prefix that trying another model for its own sake would lose. */
export const holdsPrefix = ({ costs }: SessionBasis): boolean => costs.some(({ heldTokens }) => heldTokens > 0);

/** The money by which a session had a say, a line for each model. */
export function sessionInWords(
  { lastModel, costs }: SessionBasis,
  { order }: Pick<Selection, 'order'>,
): readonly string[] {
  const usd = (nano: number | undefined): string => (nano === undefined ? 'unknown' : `$${(nano / 1e9).toFixed(6)}`);
  const last = lastModel === undefined ? 'first call of a session' : `session: ${lastModel} did the last call`;
  return [
    `${last}, ${order[0] ?? 'nothing'} is first now`,
    ...costs.map(
      ({ model, heldTokens, costNanoUsd: cost, meanNanoUsd: mean }) =>
        `  ${model}: its cache should hold ${heldTokens} tokens; expected ${usd(cost)}, with the calls to come ${usd(mean)} each`,
    ),
  ];
}
