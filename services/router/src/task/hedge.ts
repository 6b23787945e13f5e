import type { AttemptEnd } from './attempt-end.ts';
import type { Attempts } from './attempts.ts';
import type { Availability } from './availability.ts';
import type { Evidence } from './evidence.ts';
import type { TaskContext } from './task-context.ts';

/** Nothing that another attempt does changes the task's end. */
const endsTask = (end: AttemptEnd): boolean =>
  end.kind === 'answered' ||
  end.kind === 'lost_with_content' ||
  end.kind === 'abandoned' ||
  (end.kind === 'failed' && !end.isRetryable && end.summary.status !== 'Cancelled');

/** Attempts with a second one beside where the first is silent for longer than the route allows: the first content counts. */
export class HedgedAttempts {
  readonly #context: TaskContext;
  readonly #attempts: Attempts;
  readonly #evidence: Evidence;
  readonly #availability: Availability;

  constructor(context: TaskContext, attempts: Attempts, evidence: Evidence, availability: Availability) {
    this.#context = context;
    this.#attempts = attempts;
    this.#evidence = evidence;
    this.#availability = availability;
  }

  /**
   * Resolves with the end that counts. The other attempt of a pair is cancelled, and recorded by its worker.
   * @param secondTimeoutMs how long a second attempt is sent again while no worker takes it.
   */
  make(model: string, timeoutMs: number, secondTimeoutMs: number, anotherFollows: boolean): Promise<AttemptEnd> {
    const afterMs = this.#hedgedAfterMs(model);
    const first = this.#attempts.make(model, timeoutMs, anotherFollows);
    return afterMs === undefined || !anotherFollows ? first : this.#hedged(model, first, afterMs, secondTimeoutMs);
  }

  /** How long the first content is waited for alone; undefined: for ever. */
  #hedgedAfterMs(model: string): number | undefined {
    const { hedging } = this.#context.deps;
    const { hedgeAfter, stream } = this.#context.task;
    hedging?.budget.called();
    if (!hedging || !stream) return undefined;
    return hedgeAfter === 'p95' ? hedging.times.p95Ms(model) : hedgeAfter;
  }

  async #hedged(
    model: string,
    first: Promise<AttemptEnd>,
    afterMs: number,
    secondTimeoutMs: number,
  ): Promise<AttemptEnd> {
    const next = await this.#untilHedged(model, first, afterMs);
    if (next === undefined) return await first;
    return await this.#firstToAnswer(first, this.#attempts.make(next, secondTimeoutMs, true));
  }

  /** The model that is asked besides; undefined: none is. */
  async #untilHedged(model: string, first: Promise<AttemptEnd>, afterMs: number): Promise<string | undefined> {
    const { hedging } = this.#context.deps;
    const attempt = this.#attempts.newest;
    if (!attempt) return undefined;
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, afterMs);
    await Promise.race([first, due.promise]);
    clearTimeout(timer);
    if (this.#context.isDecided || attempt.isEnded || attempt.hasContent || !attempt.worker.isAccepted)
      return undefined;
    const next = this.#context.selection.order.find(
      (other) => other !== model && !this.#evidence.hasFailed(other) && !this.#evidence.isTooSmall(other),
    );
    return next !== undefined && this.#availability.isFree(next) && hedging?.budget.take() ? next : undefined;
  }

  /** The end of whichever ends the task; else of the one that ended last, the other one stands among the attempts. */
  async #firstToAnswer(first: Promise<AttemptEnd>, second: Promise<AttemptEnd>): Promise<AttemptEnd> {
    const [end, other] = await Promise.race([
      first.then((end) => [end, second] as const),
      second.then((end) => [end, first] as const),
    ]);
    if (endsTask(end)) {
      this.#attempts.cancelAll();
      return end;
    }
    const otherEnd = await other;
    if (!('summary' in end)) return otherEnd;
    if (!('summary' in otherEnd)) return end;
    this.#evidence.add(end.summary);
    if (end.kind === 'lost') this.#attempts.lost(end.summary);
    return otherEnd;
  }
}
