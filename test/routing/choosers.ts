import {
  afterCall,
  type BreakerState,
  closedBreaker,
  decide,
  failureOf,
  type Facts,
  type Goal,
  pick,
  type RankedSet,
  type RankMode,
  type Rest,
  StatsBook,
  type ToldRecord,
} from '@will/core';
import { conditionAt, places, registryOf, type Script } from './world.ts';

/** Chooses the order of places for one request, and hears of every attempt when it is over. */
export interface Chooser {
  order(atMs: number, inputTokens: number): readonly string[];
  heard(record: ToldRecord): void;
}

export type MakeChooser = (script: Script, goal: Goal, draw: () => number) => Chooser;

const epochMs = Date.UTC(2026, 0, 5);
const facts = (inputTokens: number): Facts => ({
  taskType: 'chat',
  client: 'sim',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: undefined,
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens,
  maxOutputTokens: 0,
});

/** The product's own parts: decide by statistics, keep it as long as it holds, pick around what rests, breaker as workers have it. */
class Product implements Chooser {
  readonly #script: Script;
  readonly #goal: Goal;
  readonly #mode: RankMode;
  readonly #declared: readonly string[];
  readonly #draw: () => number;
  readonly #book = new StatsBook();
  readonly #breakers = new Map<string, BreakerState>();
  readonly #rests = new Map<string, Rest>();
  #kept: { readonly set: RankedSet; readonly dear: string } | undefined;
  #snapshot: ReturnType<typeof registryOf>;

  constructor(script: Script, goal: Goal, draw: () => number, mode: RankMode, declared: readonly string[]) {
    this.#script = script;
    this.#goal = goal;
    this.#mode = mode;
    this.#declared = declared;
    this.#draw = draw;
    this.#snapshot = registryOf(declared, mode, goal, () => 1);
  }

  order(atMs: number, inputTokens: number): readonly string[] {
    // A changed price is a new revision of the documents.
    const dear = places
      .filter(({ name }) => conditionAt(this.#script, name, atMs).dearness > 1)
      .map(({ name }) => name)
      .join();
    if (this.#kept?.dear !== dear) {
      const priceOf = (place: string): number => conditionAt(this.#script, place, atMs).dearness;
      this.#snapshot = registryOf(this.#declared, this.#mode, this.#goal, priceOf);
      this.#kept = undefined;
    }
    if (!this.#kept || this.#kept.set.validUntilMs <= epochMs + atMs)
      this.#kept = { dear, set: decide(this.#snapshot, facts(inputTokens), epochMs + atMs, this.#book) };
    const coolingUntilMs = new Map([...this.#rests].map(([model, { untilMs }]) => [model, untilMs]));
    const live = { unserved: new Map<string, string>(), coolingUntilMs };
    const { order } = pick(this.#kept.set, live, { seed: 1, nowMs: epochMs + atMs });
    return order;
  }

  heard(record: ToldRecord): void {
    const model = record.model ?? '';
    this.#book.record(this.#snapshot, record);
    const nowMs = record.startedAtMs + record.durationMs;
    const rest = this.#rests.get(model);
    const isProbe = rest !== undefined && rest.untilMs <= record.startedAtMs;
    const failure = record.outcome === 'Success' ? undefined : failureOf('server_error');
    const { state, rest: next } = afterCall(
      this.#breakers.get(model) ?? closedBreaker,
      { failure, mayOpen: rest === undefined || isProbe },
      { cooldownMs: undefined, openings: isProbe ? (rest?.openings ?? 0) : 0, nowMs, draw: this.#draw() },
    );
    this.#breakers.set(model, state);
    if (next) this.#rests.set(model, next);
    else if (isProbe && !failure) this.#rests.delete(model);
  }
}

/** The order that an operator who knows the published figures would declare for a goal. */
function declaredFor(goal: Goal): string[] {
  const worth = ({ firstMs, perTokenMs, usd, quality }: (typeof places)[number]): number => {
    const [time, cost, good] = [(firstMs[0] + 130 * perTokenMs) / 4_000, usd / 0.9, quality / 10];
    const weights = {
      speed: [0.2, 0.7, 0.1],
      cost: [0.2, 0.1, 0.7],
      quality: [0.8, 0.1, 0.1],
      balanced: [0.4, 0.3, 0.3],
    }[goal];
    return (weights[0] ?? 0) * good - (weights[1] ?? 0) * time - (weights[2] ?? 0) * cost;
  };
  return places.toSorted((a, b) => worth(b) - worth(a)).map(({ name }) => name);
}

const alphabetical = places.map(({ name }) => name);

/** Rules as rivals document them, built anew; most of them do not know of goals. */
export const choosers: Readonly<Record<string, MakeChooser>> = {
  'will auto': (script, goal, draw) => new Product(script, goal, draw, 'auto', alphabetical),
  'cascade by goal + breaker': (script, goal, draw) => new Product(script, goal, draw, 'cascade', declaredFor(goal)),
  'static cascade': (_script, goal) => ({ order: () => declaredFor(goal), heard() {} }),
  'round robin': () => {
    let turn = 0;
    return {
      order() {
        turn += 1;
        return alphabetical.map((_, n) => alphabetical[(n + turn) % alphabetical.length] as string);
      },
      heard() {},
    };
  },
  'least latency': () => {
    const meanMs = new Map<string, number>();
    return {
      order: () => alphabetical.toSorted((a, b) => (meanMs.get(a) ?? 0) - (meanMs.get(b) ?? 0)),
      heard({ model = '', durationMs, outcome }) {
        const value = outcome === 'Success' ? durationMs : 10_000;
        meanMs.set(model, 0.8 * (meanMs.get(model) ?? value) + 0.2 * value);
      },
    };
  },
};
export { epochMs };
