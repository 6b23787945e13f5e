import { outcomeOf, type CallStatus } from '@will/core';
import { create, wire } from '@will/contracts';
import type { Decisions } from '../decisions/decisions.ts';
import { isOverflow, tooSmall, type Overflow } from './failures.ts';

/** Ends of attempts that say nothing of what another call of the model would come to. */
const notOfTheModel: ReadonlySet<string> = new Set<CallStatus>(['Policy', 'WorkerLost', 'Busy']);

/** The results of the task's attempts so far, and what they tell of models that could be tried next. */
export class Evidence {
  /** Attempts and skipped models in order, as the caller is told of them. */
  summaries: readonly wire.AttemptSummary[] = [];
  readonly #models: Pick<Decisions, 'contextTokensOf'>;

  constructor(models: Pick<Decisions, 'contextTokensOf'>) {
    this.#models = models;
  }

  add(summary: wire.AttemptSummary): void {
    this.summaries = this.summaries.concat(summary);
  }

  /** Adds a model that was not called at all, with the reason, so that the caller sees the whole way. */
  skip(model: string, reason: string, status: CallStatus = 'NoWorker'): void {
    const number = this.summaries.length + 1;
    this.add(create(wire.AttemptSummarySchema, { number, model, outcome: outcomeOf(status), status, reason }));
  }

  has(model: string): boolean {
    return this.summaries.some((summary) => summary.model === model);
  }

  /** Some worker refused a call. */
  wasRefused(): boolean {
    return this.summaries.some(({ status, attemptId }) => status === 'Policy' && attemptId !== '');
  }

  /** A provider said no to this task already: another decision does not change that. */
  hasFailed(model: string): boolean {
    return this.summaries.some((summary) => isCallOf(summary, model) && !notOfTheModel.has(summary.status));
  }

  /** How often the model's provider rejected a call by its rate limit. */
  limitsMet(model: string): number {
    return this.#callsOf(model).filter(({ status }) => status === 'RateLimited').length;
  }

  /** How often a worker of the model could not start a call in time. */
  lateStarts(model: string): number {
    return this.#callsOf(model).filter(({ status }) => status === 'Busy').length;
  }

  /** How many models of the order were not tried yet, this one included. */
  untried(model: string, order: readonly string[]): number {
    const tried = new Set(this.summaries.map((summary) => summary.model));
    return order.filter((other) => other === model || !(tried.has(other) || this.isTooSmall(other))).length;
  }

  /** Only a context that is known to be larger may hold what overflowed another one. */
  isTooSmall(model: string): boolean {
    return this.#whyTooSmall(model) !== undefined;
  }

  /** Skips the model where it is too small. */
  skipTooSmall(model: string): boolean {
    const reason = this.#whyTooSmall(model);
    if (reason !== undefined) this.skip(model, reason, 'Invalid');
    return reason !== undefined;
  }

  /** Takes models out that are too small for an input that overflowed another one since. */
  fitting(models: string[]): readonly string[] {
    const small = new Set(models.filter((model) => this.skipTooSmall(model)));
    if (small.size > 0) models.splice(0, models.length, ...models.filter((model) => !small.has(model)));
    return models;
  }

  #callsOf(model: string): readonly wire.AttemptSummary[] {
    return this.summaries.filter((summary) => isCallOf(summary, model));
  }

  #whyTooSmall(model: string): string | undefined {
    const overflow = this.#overflow();
    return overflow && tooSmall(this.#models.contextTokensOf(model), overflow);
  }

  /** The context of the model that the input overflowed, of several the largest that is known; undefined: none did. */
  #overflow(): Overflow | undefined {
    if (!this.summaries.some(isOverflow)) return undefined;
    const models = this.summaries.filter(isOverflow).map(({ model }) => model);
    const tokens = (model: string): number => this.#models.contextTokensOf(model) ?? 0;
    const model = models.toSorted((a, b) => tokens(b) - tokens(a))[0];
    return model === undefined ? undefined : { model, tokens: this.#models.contextTokensOf(model) };
  }
}

const isCallOf = ({ model, attemptId }: wire.AttemptSummary, wanted: string): boolean =>
  model === wanted && attemptId !== '';
