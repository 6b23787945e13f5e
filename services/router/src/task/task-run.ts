import type { RankedSet } from '@will/core';
import { newId, wire } from '@will/contracts';
import { contained } from '@will/runtime';
import type { TaskCaller } from '../ports.ts';
import { Acceptance } from './acceptance.ts';
import type { Attempt } from './attempt.ts';
import { Attempts } from './attempts.ts';
import { Availability } from './availability.ts';
import { Cascade } from './cascade.ts';
import { choose } from './choose.ts';
import { Evidence } from './evidence.ts';
import { blockedMessage, codeOfBlocked } from './failures.ts';
import type { AcceptedTask } from './intake.ts';
import { NothingLeft } from './nothing-left.ts';
import { failureOfError, TaskOutcome } from './task-outcome.ts';
import type { RunDeps } from './run-deps.ts';
import { TaskContext } from './task-context.ts';

/** How often a task is decided at most, while the documents change under it. */
const maxDecisions = 3;

/** After its deadline a stream that the worker owns gets this long to end by itself. */
const workerGraceMs = 250;

/**
 * One interactive task from acceptance to its one end: decide, then try the candidates in order until one has content.
 * From then on the worker owns the answer, and the router only watches that it lives.
 */
export class TaskRun {
  readonly task: AcceptedTask;
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  readonly #attempts: Attempts;
  readonly #outcome: TaskOutcome;
  readonly #cascade: Cascade;
  readonly #nothingLeft: NothingLeft;
  /** Models that may do it and had no free slot to the end. */
  #full: readonly string[] = [];

  constructor(deps: RunDeps, task: AcceptedTask, caller: TaskCaller) {
    this.task = task;
    const context = new TaskContext(deps, task, caller);
    this.#context = context;
    this.#evidence = new Evidence(deps.decisions);
    const availability = new Availability(context, this.#evidence);
    this.#attempts = new Attempts(context, this.#evidence, (attempt) => this.#adopt(attempt));
    this.#outcome = new TaskOutcome(context, this.#evidence, this.#attempts);
    this.#cascade = new Cascade(context, this.#evidence, availability, this.#attempts, this.#outcome);
    this.#nothingLeft = new NothingLeft(context, this.#evidence, availability);
  }

  /** Resolves when the task is over; never rejects. */
  run(): Promise<void> {
    return this.#context.observer.run(() => this.#run());
  }

  /** The caller wants no more of it. */
  cancel(): void {
    this.#outcome.endEarly('Cancelled', 'the caller cancelled the task', wire.FailureCode.CANCELLED);
  }

  async #run(): Promise<void> {
    this.#context.acceptance = new Acceptance(this.#context);
    const timer = setTimeout(
      contained(
        () => this.#deadlinePassed(),
        (error) => this.#failBy(error),
      ),
      Math.max(0, this.#context.leftMs),
    );
    try {
      await this.#decideAndTry();
      await this.#context.reopened;
    } catch (error) {
      this.#failBy(error);
    } finally {
      clearTimeout(timer);
      this.#outcome.close();
    }
  }

  async #decideAndTry(): Promise<void> {
    const { deps, task, records, observer } = this.#context;
    for (let round = 1; ; round += 1) {
      const decided = deps.decisions.decide(task.facts);
      // A warm task goes on without a pause, so that its acceptance and its call leave in one write.
      const next = decided instanceof Promise ? await decided : decided;
      if (this.#context.isDecided) return;
      // Decided once more only where a worker refused, which means that the rules have changed meanwhile.
      if (next.setId === this.#context.decided?.setId) return this.#failWithNothingLeft();
      if (this.#context.decided) this.#context.decisionId = newId();
      const { decisionId } = this.#context;
      this.#context.decided = next;
      records.decided(decisionId, next);
      observer.decided(decisionId, next.set.revision);
      const choice = choose(this.#context, next.set);
      deps.records.decided(task.taskId, decisionId, next, choice, task);
      if (next.set.candidates.length === 0) return this.#blocked(next.set);
      this.#context.selection = choice.selection;
      this.#full = await this.#cascade.tryAll(next.set);
      if (this.#context.isDecided) return;
      if (round === maxDecisions || !this.#evidence.wasRefused()) return this.#failWithNothingLeft();
    }
  }

  /** An attempt that was believed lost has content: the task ends with it, and nothing else is tried. */
  #adopt(attempt: Attempt): void {
    this.#context.reopened = this.#follow(attempt);
    this.#context.stopWaits('another attempt answers');
  }

  async #follow(attempt: Attempt): Promise<void> {
    const end = await attempt.ended;
    if (end.kind !== 'abandoned' && end.kind !== 'busy' && end.kind !== 'nobody') this.#cascade.settle(end, false);
  }

  #blocked(set: RankedSet): void {
    this.#outcome.fail({
      code: codeOfBlocked(set),
      message: blockedMessage(this.task, set),
      exclusions: set.exclusions,
      noCall: { status: 'Policy', reason: 'no model may do it' },
    });
  }

  #failWithNothingLeft(): void {
    this.#outcome.fail(this.#nothingLeft.failure(this.#full));
  }

  #failBy(error: unknown): void {
    this.#outcome.fail(failureOfError(error));
  }

  #deadlinePassed(): void {
    if (!this.#attempts.hasOwner || this.#context.isOver) return this.#endByDeadline();
    setTimeout(
      contained(
        () => this.#endByDeadline(),
        (error) => this.#failBy(error),
      ),
      workerGraceMs,
    );
  }

  #endByDeadline(): void {
    this.#outcome.endEarly('Deadline', 'the deadline passed', wire.FailureCode.DEADLINE);
  }
}
