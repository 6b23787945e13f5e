import {
  afterCall,
  afterFirstContent,
  type BreakerState,
  closedBreaker,
  decide,
  failureOf,
  type Facts,
  firstContentTimeoutMs,
  type Goal,
  select,
  type RankedSet,
  type RankMode,
  type Cooldown,
  type Snapshot,
  StatsBook,
  DegradationSignal,
  type ToldRecord,
} from '@will/core';
import type { ProviderOutcome } from '@will/providers';
import { ModelHealth } from '../../services/provider-worker/src/model/health.ts';
import { worthOf } from './clairvoyant.ts';
import { conditionAt, forbidden, type Place, registryOf, type Script, seeded } from './world.ts';

/** One way to choose. It hears what a worker and a router would hear, when they would. */
export interface Chooser {
  /** Places for one request, the first to try first. `n`: its number. */
  order(atMs: number, inputTokens: number, n: number): readonly string[];
  /** Asked where another place follows. */
  maySend(place: string, atMs: number): boolean;
  /** How long a first content may take. */
  timeoutMs(place: string, inputTokens: number, anotherFollows: boolean): number;
  /** `timeoutMs` 0: it is waited for. True: this is the trial call after a cooldown. */
  sent(place: string, id: string, atMs: number, timeoutMs: number): boolean;
  heard(place: string, id: string, atMs: number): void;
  ended(record: ToldRecord): void;
  /** Whether a health check of a place is due now; absent: none runs. */
  readonly wantsHealthCheck?: (place: string, atMs: number) => boolean;
  checked?(place: string, healthy: boolean, atMs: number): void;
  /** Somebody score an answer, 0 to 1. */
  score(place: string, score: number, atMs: number): void;
}

export type MakeChooser = (script: Script, goal: Goal) => Chooser;

export const epochMs = Date.UTC(2026, 0, 5);
const facts = (inputTokens: number): Facts => ({
  taskType: 'chat',
  client: 'default',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: 'customer',
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens,
  maxOutputTokens: 0,
});

/** What a worker waits for where nothing else follows. */
const maxWaitMs = 30_000;
/** Records travel in batches, and policy folds them a moment later. */
const recordDelayMs = 250;

/**
 * The product's own parts, put together as its services do: decide by statistics, keep it as long as it holds, select around what
 * cooldowns, avoid what is degraded, give up what is silent, a cooldown by the breaker, one trial call after it.
 */
class Product implements Chooser {
  readonly #script: Script;
  readonly #goal: Goal;
  readonly #mode: RankMode;
  readonly #declared: readonly string[];
  readonly #draw: () => number;
  readonly #book = new StatsBook();
  readonly #untold: ToldRecord[] = [];
  readonly #breakers = new Map<string, BreakerState>();
  readonly #degradations = new Map<string, DegradationSignal>();
  readonly #cooldowns = new Map<string, Cooldown>();
  /** The trial call after a cooldown, by place. */
  readonly #trials = new Map<string, string>();
  readonly #heard = new Set<string>();
  /** Absent: the documents ask for no looks. */
  readonly #health: Map<string, ModelHealth> | undefined;
  readonly #startOf = new Map<string, number>();
  #kept: { readonly set: RankedSet; readonly dear: string } | undefined;
  #snapshot: Snapshot;

  constructor(script: Script, goal: Goal, mode: RankMode, declared: readonly string[], withHealthChecks = false) {
    this.#script = script;
    this.#goal = goal;
    this.#mode = mode;
    this.#declared = declared;
    this.#health = withHealthChecks ? new Map(script.places.map(({ name }) => [name, new ModelHealth()])) : undefined;
    this.#draw = seeded(script.seed * 17 + 3);
    this.#snapshot = registryOf(script.places, declared, mode, goal, () => 1);
  }

  order(atMs: number, inputTokens: number, n: number): readonly string[] {
    this.#tell(atMs);
    this.#followPrices(atMs);
    if (!this.#kept || this.#kept.set.validUntilMs <= epochMs + atMs)
      this.#kept = {
        dear: this.#dearAt(atMs),
        set: decide(this.#snapshot, facts(inputTokens), epochMs + atMs, this.#book),
      };
    const coolingUntilMs = new Map([...this.#cooldowns].map(([model, { untilMs }]) => [model, untilMs]));
    const live = { unserved: new Map<string, string>(), coolingUntilMs };
    const seed = Math.floor(seeded(this.#script.seed * 91 + n)() * 2 ** 32);
    return select(this.#kept.set, live, { seed, nowMs: epochMs + atMs }).order;
  }

  maySend(place: string, atMs: number): boolean {
    if (this.#health?.get(place)?.isUnhealthy) return false;
    const cooldown = this.#cooldowns.get(place);
    if (cooldown) return cooldown.untilMs <= epochMs + atMs && !this.#trials.has(place);
    return this.#degradationOf(place).reason(epochMs + atMs) === undefined;
  }

  timeoutMs(place: string, inputTokens: number, anotherFollows: boolean): number {
    const known = this.#kept?.set.candidates.find(({ model }) => model === place)?.firstContent;
    return anotherFollows && known ? firstContentTimeoutMs(known.slowMs, inputTokens) : maxWaitMs;
  }

  sent(place: string, id: string, atMs: number, timeoutMs: number): boolean {
    if (this.#cooldowns.has(place) && !this.#trials.has(place)) this.#trials.set(place, id);
    this.#startOf.set(id, epochMs + atMs);
    this.#degradationOf(place).sent(id, epochMs + atMs, timeoutMs);
    return this.#trials.get(place) === id;
  }

  heard(place: string, id: string, atMs: number): void {
    this.#heard.add(id);
    this.#degradationOf(place).heard(id, epochMs + atMs);
    this.#breakers.set(
      place,
      afterFirstContent(this.#breakers.get(place) ?? closedBreaker, this.#startOf.get(id) ?? epochMs + atMs),
    );
  }

  ended(record: ToldRecord): void {
    const place = record.model ?? '';
    this.#untold.push(record);
    this.#startOf.delete(record.attemptId);
    const failure = record.outcome === 'Success' ? undefined : failureOf('server_error');
    this.#degradationOf(place).ended(record.attemptId, failure !== undefined);
    const cooldown = this.#cooldowns.get(place);
    const isTrial = this.#trials.get(place) === record.attemptId;
    const timesOpened = cooldown?.timesOpened ?? 0;
    const model = this.#snapshot.models.get(place);
    const outcome = failure ? { ok: false, failure, usage: undefined } : { ok: true, finish: 'stop', usage: undefined };
    if (model)
      this.#health?.get(place)?.learn(outcome as ProviderOutcome, model, record.startedAtMs + record.durationMs);
    const { state, cooldown: next } = afterCall(
      this.#breakers.get(place) ?? closedBreaker,
      {
        failure,
        wasHeard: this.#heard.delete(record.attemptId),
        startedAtMs: record.startedAtMs,
        mayOpen: isTrial || timesOpened === 0,
      },
      {
        cooldownMs: undefined,
        timesOpened: isTrial ? timesOpened : Math.max(0, timesOpened - 1),
        nowMs: record.startedAtMs + record.durationMs,
        draw: this.#draw(),
      },
    );
    this.#breakers.set(place, state);
    if (isTrial) this.#trials.delete(place);
    if (next) this.#cooldowns.set(place, next);
    else if (isTrial && !failure) this.#cooldowns.delete(place);
  }

  wantsHealthCheck(place: string, atMs: number): boolean {
    const model = this.#snapshot.models.get(place);
    return (model && this.#health?.get(place)?.wantsHealthCheck(model, 0, epochMs + atMs)) ?? false;
  }

  /** As the worker does: one that is found well after it was not cools down no longer than needed for a trial call. */
  checked(place: string, healthy: boolean, atMs: number): void {
    const health = this.#health?.get(place);
    const wasUnhealthy = health?.isUnhealthy ?? false;
    health?.checked({ healthy, detail: '' });
    const cooldown = this.#cooldowns.get(place);
    if (wasUnhealthy && healthy && cooldown?.isGuess)
      this.#cooldowns.set(place, { ...cooldown, untilMs: Math.min(cooldown.untilMs, epochMs + atMs) });
  }

  score(model: string, score: number, atMs: number): void {
    this.#book.addFeedback(this.#snapshot, {
      model,
      version: undefined,
      taskType: 'chat',
      score,
      atMs: epochMs + atMs,
    });
  }

  #degradationOf(place: string): DegradationSignal {
    const known = this.#degradations.get(place) ?? new DegradationSignal();
    this.#degradations.set(place, known);
    return known;
  }

  #tell(atMs: number): void {
    const isTold = ({ startedAtMs, durationMs }: ToldRecord): boolean =>
      startedAtMs + durationMs + recordDelayMs <= epochMs + atMs;
    for (let next = this.#untold[0]; next && isTold(next); next = this.#untold[0]) {
      this.#book.record(this.#snapshot, next);
      this.#untold.shift();
    }
  }

  /** The prices in force, as one text. */
  #dearAt(atMs: number): string {
    return this.#script.incidents
      .filter(({ kind, fromMs, untilMs }) => kind === 'dear' && fromMs <= atMs && atMs < untilMs)
      .map(({ place, factor }) => `${place} ${factor}`)
      .join();
  }

  /** A changed price is a new revision of the documents. */
  #followPrices(atMs: number): void {
    const dear = this.#dearAt(atMs);
    if ((this.#kept?.dear ?? '') === dear) return;
    const priceOf = (place: string): number => conditionAt(this.#script, place, atMs).dearness;
    this.#snapshot = registryOf(this.#script.places, this.#declared, this.#mode, this.#goal, priceOf);
    this.#kept = undefined;
  }
}

/** A rule that knows of no sparing, and gives every call ten seconds. */
const plain = (rule: Pick<Chooser, 'order'> & { readonly ended?: Chooser['ended'] }): Chooser => ({
  maySend: () => true,
  timeoutMs: () => 10_000,
  sent: () => false,
  heard() {},
  ended() {},
  score() {},
  ...rule,
});
/** Attempts that rules of others make. */
const maxAttempts = 3;

/** The order that an operator who knows the published figures would declare for a goal. */
function declaredFor(script: Script, goal: Goal): string[] {
  const worth = ({ firstMs, perTokenMs, usd, quality }: Place): number => {
    const [time, cost, good] = [(firstMs[0] + 130 * perTokenMs) / 4_000, usd / 0.9, quality / 10];
    const weights = {
      speed: [0.2, 0.7, 0.1],
      cost: [0.2, 0.1, 0.7],
      quality: [0.8, 0.1, 0.1],
      balanced: [0.4, 0.3, 0.3],
    }[goal];
    return (weights[0] ?? 0) * good - (weights[1] ?? 0) * time - (weights[2] ?? 0) * cost;
  };
  return [
    forbidden,
    ...allowedIn(script)
      .toSorted((a, b) => worth(b) - worth(a))
      .map(({ name }) => name),
  ];
}

const allowedIn = ({ places }: Script): readonly Place[] => places.filter(({ name }) => name !== forbidden);
const alphabeticalIn = (script: Script): readonly string[] => allowedIn(script).map(({ name }) => name);

/** Rules as rivals document them, built anew; most of them do not know of goals. All but the product are told what is forbidden. */
export const choosers = {
  'will auto': (script, goal) => new Product(script, goal, 'auto', [forbidden, ...alphabeticalIn(script)]),
  'will auto, with health checks': (script, goal) =>
    new Product(script, goal, 'auto', [forbidden, ...alphabeticalIn(script)], true),
  'will cascade': (script, goal) => new Product(script, goal, 'cascade', declaredFor(script, goal)),
  'cascade by goal + breaker': (script, goal) => {
    const order = declaredFor(script, goal).filter((name) => name !== forbidden);
    const failures = new Map<string, number>();
    const openUntilMs = new Map<string, number>();
    return plain({
      order: (atMs) => order.filter((name) => (openUntilMs.get(name) ?? 0) <= atMs).slice(0, maxAttempts),
      ended({ model = '', outcome, startedAtMs, durationMs }) {
        const inARow = outcome === 'Success' ? 0 : (failures.get(model) ?? 0) + 1;
        failures.set(model, inARow);
        // Three in a row, for thirty seconds; the first failure after that opens it again.
        if (inARow >= 3) openUntilMs.set(model, startedAtMs + durationMs - epochMs + 30_000);
      },
    });
  },
  'static cascade': (script, goal) => {
    const order = declaredFor(script, goal)
      .filter((name) => name !== forbidden)
      .slice(0, maxAttempts);
    return plain({ order: () => order });
  },
  'round robin': (script) => {
    const alphabetical = alphabeticalIn(script);
    return plain({
      order: (_atMs, _inputTokens, n) =>
        alphabetical.map((_, at) => alphabetical[(at + n) % alphabetical.length] as string).slice(0, maxAttempts),
    });
  },
  'least latency': (script) => {
    const alphabetical = alphabeticalIn(script);
    const meanMs = new Map<string, number>();
    return plain({
      order: () => alphabetical.toSorted((a, b) => (meanMs.get(a) ?? 0) - (meanMs.get(b) ?? 0)).slice(0, maxAttempts),
      ended({ model = '', durationMs, outcome }) {
        const value = outcome === 'Success' ? durationMs : 10_000;
        meanMs.set(model, 0.8 * (meanMs.get(model) ?? value) + 0.2 * value);
      },
    });
  },
  'epsilon-greedy': (script, goal) => {
    const byName = new Map(allowedIn(script).map((place) => [place.name, place]));
    const worths = new Map<string, number>();
    const draw = seeded(script.seed * 23 + 7);
    return plain({
      order() {
        const best = alphabeticalIn(script).toSorted((a, b) => (worths.get(b) ?? 1) - (worths.get(a) ?? 1));
        // One in ten tries any; the rest go by the mean of the last ten or so.
        if (draw() < 0.1) best.unshift(best[Math.floor(draw() * best.length)] as string);
        return [...new Set(best)].slice(0, maxAttempts);
      },
      ended({ model = '', outcome, durationMs, startedAtMs, usage }) {
        const place = byName.get(model);
        if (!place) return;
        const { dearness } = conditionAt(script, model, startedAtMs - epochMs);
        const request = { atMs: 0, inputTokens: usage?.inputTokens ?? 1, outputTokens: usage?.outputTokens ?? 0 };
        const worth = outcome === 'Success' ? worthOf(goal, place, durationMs, { dearness, goodness: 1 }, request) : -1;
        worths.set(model, 0.9 * (worths.get(model) ?? worth) + 0.1 * worth);
      },
    });
  },
} satisfies Readonly<Record<string, MakeChooser>>;

/** One place and no other, whatever happens. */
export const only =
  (place: string): MakeChooser =>
  () =>
    plain({ order: () => [place] });

export { alphabeticalIn as allowedPlaces };

export type WayToChoose = keyof typeof choosers;
