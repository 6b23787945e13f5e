import type { Goal } from '@will/core';
import { type Condition, conditionAt, forbidden, type Place, type Request, type Script } from './world.ts';

/** What an answer is worth by a goal; time and cost against what is slow and dear. */
export const weights: Record<Goal, { readonly quality: number; readonly speed: number; readonly cost: number }> = {
  speed: { quality: 0.2, speed: 0.7, cost: 0.1 },
  cost: { quality: 0.2, speed: 0.1, cost: 0.7 },
  quality: { quality: 0.8, speed: 0.1, cost: 0.1 },
  balanced: { quality: 0.4, speed: 0.3, cost: 0.3 },
};
const defaultUsd = 0.9;

export function worthOf(
  goal: Goal,
  place: Place,
  latencyMs: number,
  { dearness, goodness }: Pick<Condition, 'dearness' | 'goodness'>,
  request: Request,
): number {
  const { quality, speed, cost } = weights[goal];
  const tokens = request.inputTokens + request.outputTokens;
  const [costUsd, reference] = [(tokens * place.usd * dearness) / 1e6, (tokens * defaultUsd) / 1e6];
  return (
    (quality * place.quality * goodness) / 10 -
    speed * Math.min(3, latencyMs / 4_000) -
    cost * Math.min(3, costUsd / reference)
  );
}

/** The mean worth of each place that is up, by all that is true at an instant. */
export function trueWorths(script: Script, goal: Goal, request: Request): Map<string, number> {
  const worths = new Map<string, number>();
  for (const place of script.places) {
    if (place.name === forbidden) continue;
    const condition = conditionAt(script, place.name, request.atMs);
    const { isUp, failureRate, slowness } = condition;
    if (!isUp) continue;
    const latencyMs = (place.meanFirstMs + place.perTokenMs * request.outputTokens) * slowness;
    const worth = worthOf(goal, place, latencyMs, condition, request);
    worths.set(place.name, worth - 0.05 * failureRate);
  }
  return worths;
}

/**
 * What the place gives in the mean that is best by all that is true at an instant; undefined: none is up. How long this answer
 * will be is not true yet: the place is chosen by the mean length, and its worth is that of the length that came.
 */
export function clairvoyant(script: Script, goal: Goal, request: Request): number | undefined {
  const expected = trueWorths(script, goal, { ...request, outputTokens: meanOutputTokens(script) });
  const [best] = [...expected].toSorted(([, a], [, b]) => b - a);
  return best && trueWorths(script, goal, request).get(best[0]);
}

const meanLengths = new WeakMap<Script, number>();

function meanOutputTokens(script: Script): number {
  const known = meanLengths.get(script);
  if (known !== undefined) return known;
  const mean = script.requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0) / script.requests.length;
  meanLengths.set(script, mean);
  return mean;
}
