/** When a second model is asked beside one that is silent: after so many milliseconds, or the 95th percentile of its first tokens. */
export type HedgeAfter = number | 'p95';

/** Of all calls at most this share has a second one beside it. */
const maxShare = 0.05;
/** What was not used up is kept for a moment of need, up to so many. */
const maxSaved = 10;

/** The budget of second calls: a token bucket that calls fill. */
export class HedgeBudget {
  #credit = 0;

  /** One more call of a task; second calls are none. */
  called(): void {
    this.#credit = Math.min(maxSaved, this.#credit + maxShare);
  }

  /** True: one second call may be made. */
  take(): boolean {
    // Twenty times a twentieth is a little less than one.
    if (this.#credit < 1 - 1e-9) return false;
    this.#credit -= 1;
    return true;
  }
}

const maxTimes = 200;
/** A percentile of fewer says nothing. */
const minTimes = 20;

/** Recent times to the first token of each model, as one process saw them. */
export class FirstTokenTimes {
  readonly #times = new Map<string, number[]>();

  heard(model: string, ms: number): void {
    const times = this.#times.get(model) ?? [];
    times.push(ms);
    if (times.length > maxTimes) times.shift();
    this.#times.set(model, times);
  }

  /** Undefined: too little is known of it. */
  p95Ms(model: string): number | undefined {
    const times = this.#times.get(model);
    if (!times || times.length < minTimes) return undefined;
    return times.toSorted((a, b) => a - b)[Math.ceil(0.95 * times.length) - 1];
  }
}
