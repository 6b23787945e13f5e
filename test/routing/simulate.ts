import type { Goal, ToldRecord } from '@will/core';
import { epochMs, type MakeChooser } from './choosers.ts';
import { conditionAt, logNormal, type Place, places, type Script, seeded } from './world.ts';

/** What one way to choose came to in one script. */
export interface Outcome {
  readonly requests: number;
  /** Mean of what a clairvoyant would have gained more. */
  readonly regret: number;
  /** Of requests for which some place was up. */
  readonly successRate: number;
  /** Attempts that came to nothing, of all. */
  readonly wastedRate: number;
  /** Requests that went elsewhere first than the one before. */
  readonly switchRate: number;
  /** Failed calls of a place that went down, until it was left alone; the most of all times. */
  readonly mostFailedCalls: number;
  /** Seconds until a place that went down was tried first no more; the longest. */
  readonly slowestDetectSeconds: number;
}

interface Request {
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const mostAttempts = 3;
const weights: Record<Goal, { readonly quality: number; readonly speed: number; readonly cost: number }> = {
  speed: { quality: 0.2, speed: 0.7, cost: 0.1 },
  cost: { quality: 0.2, speed: 0.1, cost: 0.7 },
  quality: { quality: 0.8, speed: 0.1, cost: 0.1 },
  balanced: { quality: 0.4, speed: 0.3, cost: 0.3 },
};
const byName = new Map(places.map((place) => [place.name, place]));

/** Requests as published of a service for conversations: Poisson, input 1,020 and output 129 tokens in the median. */
function requestsOf({ seed, lengthMs, perSecond }: Script): Request[] {
  const draw = seeded(seed * 7 + 1);
  const requests: Request[] = [];
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(Math.max(1e-12, draw())) / perSecond) * 1_000;
    if (atMs >= lengthMs) return requests;
    const inputTokens = Math.round(Math.min(4_200, logNormal(draw, 1_020, 3_200)));
    const outputTokens = Math.max(1, Math.round(Math.min(620, logNormal(draw, 129, 500))));
    requests.push({ atMs, inputTokens, outputTokens });
  }
}

const costOf = ({ usd }: Place, dearness: number, { inputTokens, outputTokens }: Request): number =>
  ((inputTokens + outputTokens) * usd * dearness) / 1e6;

function worthOf(goal: Goal, place: Place, latencyMs: number, costUsd: number, request: Request): number {
  const { quality, speed, cost } = weights[goal];
  const reference = ((request.inputTokens + request.outputTokens) * 0.9) / 1e6;
  return (
    (quality * place.quality) / 10 - speed * Math.min(3, latencyMs / 4_000) - cost * Math.min(3, costUsd / reference)
  );
}

/** What the best place would give in the mean, by all that is true now. */
function clairvoyant(script: Script, goal: Goal, request: Request): number | undefined {
  const worths = places.flatMap((place) => {
    const { isUp, failureRate, slowness, dearness } = conditionAt(script, place.name, request.atMs);
    if (!isUp) return [];
    const latencyMs = (place.firstMs[0] * 1.02 + place.perTokenMs * request.outputTokens) * slowness;
    const worth = worthOf(goal, place, latencyMs, costOf(place, dearness, request), request);
    return [(1 - failureRate) * worth + failureRate * (worth - 0.05)];
  });
  return worths.length === 0 ? undefined : Math.max(...worths);
}

/** Runs one script with one way to choose. What it hears of a call it hears when that is over. */
export function simulate(script: Script, goal: Goal, make: MakeChooser): Outcome {
  const draw = seeded(script.seed * 13 + 5);
  const chooser = make(script, goal, seeded(script.seed * 17 + 3));
  const pending: ToldRecord[] = [];
  const hearUntil = (atMs: number): void => {
    pending.sort((a, b) => endOf(a) - endOf(b));
    while (pending[0] && endOf(pending[0]) <= epochMs + atMs) chooser.heard(pending.shift() as ToldRecord);
  };
  const failedIn = new Map<string, number>();
  const lastFirstMs = new Map<string, number>();
  let [regret, counted, succeeded, attempts, wasted, switches, previous] = [0, 0, 0, 0, 0, 0, ''];
  for (const [n, request] of requestsOf(script).entries()) {
    hearUntil(request.atMs);
    const best = clairvoyant(script, goal, request);
    if (best === undefined) continue;
    counted += 1;
    const order = chooser.order(request.atMs, request.inputTokens);
    if (previous !== '' && order[0] !== previous) switches += 1;
    previous = order[0] ?? '';
    let [spentMs, worth] = [0, -1];
    for (const [attempt, name] of order.slice(0, mostAttempts).entries()) {
      const place = byName.get(name) as Place;
      const startedMs = request.atMs + spentMs;
      const { failureRate, slowness, dearness } = conditionAt(script, name, startedMs);
      const firstMs = logNormal(draw, ...place.firstMs) * slowness;
      const isSuccess = draw() >= failureRate;
      const tookMs = isSuccess ? firstMs + place.perTokenMs * slowness * request.outputTokens : 60;
      attempts += 1;
      spentMs += tookMs;
      const { outputTokens, inputTokens } = request;
      pending.push({
        attemptId: `${n}-${attempt}`,
        attempt: attempt + 1,
        model: name,
        modelVersion: undefined,
        taskType: 'chat',
        startedAtMs: epochMs + startedMs,
        durationMs: tookMs,
        firstContentMs: isSuccess ? firstMs : undefined,
        outcome: isSuccess ? 'Success' : 'Timeout',
        fine: isSuccess ? 'Success' : 'Overloaded',
        usage: isSuccess
          ? { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false }
          : undefined,
        streamed: true,
      });
      noteOutage(script, name, startedMs, attempt === 0, failedIn, lastFirstMs);
      if (isSuccess) {
        worth = worthOf(goal, place, spentMs, costOf(place, dearness, request), request);
        succeeded += 1;
        break;
      }
      wasted += 1;
    }
    regret += best - worth;
  }
  return {
    requests: counted,
    regret: regret / counted,
    successRate: succeeded / counted,
    wastedRate: wasted / attempts,
    switchRate: switches / counted,
    mostFailedCalls: Math.max(0, ...failedIn.values()),
    slowestDetectSeconds: Math.max(0, ...lastFirstMs.values()) / 1_000,
  };
}

const endOf = ({ startedAtMs, durationMs }: ToldRecord): number => startedAtMs + durationMs;

/** Calls of a place that is down, but for the probes that come at least ten seconds after it was noticed. */
function noteOutage(
  { incidents }: Script,
  name: string,
  atMs: number,
  isFirst: boolean,
  failedIn: Map<string, number>,
  lastFirstMs: Map<string, number>,
): void {
  const outage = incidents.find(
    (one) => one.kind === 'down' && one.place === name && one.fromMs <= atMs && atMs < one.untilMs,
  );
  if (!outage) return;
  const key = `${outage.place} ${outage.fromMs}`;
  const sinceMs = atMs - outage.fromMs;
  const last = lastFirstMs.get(key) ?? 0;
  if (sinceMs - last > 8_000 && failedIn.has(key)) return;
  failedIn.set(key, (failedIn.get(key) ?? 0) + 1);
  if (isFirst) lastFirstMs.set(key, sinceMs);
}
