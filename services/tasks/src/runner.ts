import { failureOf, TaskError, type TaskErrorCode } from '@will/client';
import { create, wire } from '@will/contracts';
import { maxTimeoutMs, type Priority } from '@will/core';
import { contained, within } from '@will/runtime';
import type { StoredTask, TaskStore, TerminalState } from '@will/store';
import { isTerminal, type DurableOutcome, outcomeBytes } from './durable-task.ts';
import type { QueuedTask, RunTask, TaskQueue } from './ports.ts';
import { submissionOf } from './submission.ts';
import { expiredFailure, publishEnd } from './task-end.ts';
import { Shares } from './shares.ts';

export interface RunnerDeps {
  readonly store: TaskStore;
  readonly queue: TaskQueue;
  readonly run: RunTask;
  readonly nowMs: () => number;
  /** The process's own clock, which nobody sets. */
  readonly monotonicMs: () => number;
  /** From 0 to 1. */
  readonly draw: () => number;
  readonly atOnce: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** After so many runs that failed in a way that might pass, a task has failed. */
const maxRuns = 5;
const signOfWorkMs = 3_000;
/** Who runs a task and is not heard of for so long does not run it any more. */
const quietOfTheDeadMs = 3 * signOfWorkMs;
const fencedOff = 'fenced off';
/** Longer ago than this a task may have been picked up by another process. */
const surelyMineMs = 500;
const firstPauseMs = 500;
const maxParkedMs = 60_000;
/** Also where a limit ends later: documents change, and other models come back. */
const maxPauseMs = 300_000;

/** No provider was called, or none will be paid for it: it is tried again without counting. */
const notRun: ReadonlySet<TaskErrorCode> = new Set(['overloaded', 'unavailable', 'no_worker']);
const priorities: readonly Priority[] = ['high', 'normal', 'background'];

/** Takes tasks out of the queue when there is a place for them, and brings each to its one end. */
export class Runner {
  readonly #deps: RunnerDeps;
  readonly #shares: Shares;
  readonly #running = new Map<string, AbortController>();
  readonly #work = new Set<Promise<void>>();
  #loops: Promise<void>[] = [];
  #isStopping = false;
  #stopListening = (): void => {};

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#shares = new Shares(deps.atOnce);
  }

  get running(): number {
    return this.#running.size;
  }

  start(): void {
    // The one that ended it elsewhere: what runs here is for nothing.
    this.#stopListening = this.#deps.queue.onResult((client, taskId) =>
      this.#running.get(keyOf(client, taskId))?.abort(),
    );
    this.#loops = priorities.map((priority) => this.#loop(priority));
  }

  /** Takes nothing new, lets what runs end up to a time, and gives back the rest. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    await within(Promise.all([...this.#loops, ...this.#work]), drainMs);
    this.#stopListening();
    for (const run of this.#running.values()) run.abort();
    await Promise.all(this.#work);
  }

  async #loop(priority: Priority): Promise<void> {
    while (!this.#isStopping) {
      await this.#shares.take(priority);
      const queued = await this.#next(priority);
      if (!queued) {
        this.#shares.release(priority);
        continue;
      }
      const work = this.#take(queued)
        .catch((error: unknown) => this.#deps.onError('a durable task', error))
        .finally(() => {
          this.#work.delete(work);
          this.#shares.release(priority);
        });
      this.#work.add(work);
    }
  }

  async #next(priority: Priority): Promise<QueuedTask | undefined> {
    if (this.#isStopping) return undefined;
    try {
      return await this.#deps.queue.next(priority);
    } catch (error) {
      this.#deps.onError('the queue of tasks', error);
      await new Promise((resolve) => setTimeout(resolve, 250));
      return undefined;
    }
  }

  /** What throws here leaves the message to be given out again. */
  async #take(queued: QueuedTask): Promise<void> {
    const { client, taskId, runs } = queued.reference;
    if (await this.#isSecondMessage(queued)) return this.#refreshAgain(queued);
    const claimedAtMs = this.#deps.monotonicMs();
    const claim = await this.#deps.store.claim(client, taskId);
    if (claim.kind === 'unknown') return queued.done();
    if (claim.kind === 'finished') {
      await publishEnd(this.#deps, claim.task);
      return queued.done();
    }
    const { task } = claim;
    // A delivery that was not acknowledged was a run whose end nobody saw.
    const runsBefore = runs + queued.deliveries - 1;
    if (task.deadlineMs <= this.#deps.nowMs()) return this.#end(queued, task, 'expired', { failure: expiredFailure() });
    if (runsBefore >= maxRuns)
      return this.#end(queued, task, 'failed', { failure: givenUp(runsBefore) }, endless(runsBefore));
    // A process that stood still since may have been given up: another one runs the task by now.
    if (this.#deps.monotonicMs() - claimedAtMs > surelyMineMs && !(await this.#isMine(task))) return queued.done();
    await this.#runOnce(queued, task, runsBefore);
  }

  /** The fence rises with each pickup: it is mine while it stands where I put it. */
  async #isMine({ client, taskId, fence }: StoredTask): Promise<boolean> {
    const now = await this.#deps.store.get(client, taskId);
    return now?.state === 'running' && now.fence === fence;
  }

  /**
   * A message that was sent twice, of a task that runs: to pick it up would fence off who runs it, and call a provider
   * twice. One that is given out again, or was put there for later, is a task's only one.
   */
  async #isSecondMessage({ reference, deliveries }: QueuedTask): Promise<boolean> {
    const { client, taskId, runs, parkings, second } = reference;
    if (!second && (deliveries > 1 || runs > 0 || parkings > 0)) return false;
    const task = await this.#deps.store.get(client, taskId);
    const quietMs = this.#deps.nowMs() - (task?.messagedAtMs ?? 0);
    return task?.state === 'running' && quietMs < quietOfTheDeadMs;
  }

  /** Not thrown away: the server may have forgotten that it gave out the first one, and who ran the task may be dead. */
  async #refreshAgain(queued: QueuedTask): Promise<void> {
    const { queue, store, nowMs } = this.#deps;
    const { client, taskId } = queued.reference;
    const task = await store.get(client, taskId);
    const reference = { ...queued.reference, second: true };
    if (task) await queue.addAt(reference, task.priority, task.type, nowMs() + quietOfTheDeadMs);
    await queued.done();
  }

  async #runOnce(queued: QueuedTask, task: StoredTask, runsBefore: number): Promise<void> {
    const key = keyOf(task.client, task.taskId);
    const abort = new AbortController();
    this.#running.set(key, abort);
    let shown = this.#showThatItRuns(queued, task, abort);
    const signs = setInterval(
      contained(() => {
        shown = this.#showThatItRuns(queued, task, abort);
      }),
      signOfWorkMs,
    );
    try {
      const timeoutMs = Math.min(maxTimeoutMs, task.deadlineMs - this.#deps.nowMs());
      const { task: submitted, traceparent } = submissionOf(task);
      const end = await this.#deps.run(task.client, submitted, {
        traceparent,
        timeoutMs: Math.max(1, timeoutMs),
        signal: abort.signal,
        isStillWanted: () => this.#isMine(task),
      });
      await this.#end(queued, task, 'succeeded', { end });
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      clearInterval(signs);
      // A late sign that it runs would hide when it starts again.
      await shown;
      await this.#failed(queued, task, runsBefore, error, abort.signal);
    } finally {
      clearInterval(signs);
      this.#running.delete(key);
    }
  }

  #showThatItRuns(queued: QueuedTask, task: StoredTask, abort: AbortController): Promise<void> {
    return this.#sayThatItRuns(queued, task, abort).catch((error: unknown) =>
      this.#deps.onError('a sign of a running task', error),
    );
  }

  /** The one that was fenced off meanwhile ends its run, and says nothing for the one who has the task now. */
  async #sayThatItRuns(queued: QueuedTask, task: StoredTask, abort: AbortController): Promise<void> {
    if (!(await this.#isMine(task))) return abort.abort(fencedOff);
    queued.working();
    await this.#deps.store.messaged(task.client, task.taskId, this.#deps.nowMs());
  }

  async #failed(
    queued: QueuedTask,
    task: StoredTask,
    runsBefore: number,
    error: TaskError,
    { aborted: wasAborted, reason }: AbortSignal,
  ): Promise<void> {
    // Somebody else has it, with a message of its own.
    if (reason === fencedOff) return queued.done();
    // Ended by somebody else, or this process ends: the message goes back, and who takes it sees which.
    if (wasAborted) return queued.giveBack();
    const failure = failureOf(error);
    if (error.code === 'deadline' && task.deadlineMs <= this.#deps.nowMs())
      return this.#end(queued, task, 'expired', { failure });
    // Nobody cancelled this run: the word was for an earlier one of the task, whose end nobody saw, and came late.
    if (!error.isRetryable && error.code !== 'cancelled') return this.#end(queued, task, 'failed', { failure });
    // Another message would fence off who runs it by now, in the middle of a call that is paid.
    if (!(await this.#isMine(task))) return queued.done();
    const runs = notRun.has(error.code) ? runsBefore : runsBefore + 1;
    if (runs >= maxRuns) return this.#end(queued, task, 'failed', { failure }, failedEachTime(runs, failure));
    await this.#park(queued, task, runs, runs - runsBefore, error);
  }

  /** Not given back with a delay, which would keep its place in the queue: put there anew, later. */
  async #park(
    queued: QueuedTask,
    task: StoredTask,
    runs: number,
    counted: number,
    { retryAfterMs, message }: TaskError,
  ): Promise<void> {
    const { queue, store, nowMs, draw } = this.#deps;
    const { client, taskId, priority, type, deadlineMs } = task;
    const parkings = queued.reference.parkings + 1;
    const growing = Math.min(maxParkedMs, firstPauseMs * 2 ** (parkings - 1));
    const pauseMs = Math.max(Math.min(retryAfterMs, maxPauseMs), growing * (0.5 + draw() / 2));
    // Whole milliseconds: the store takes no fraction, and what throws here leaves two messages.
    const atMs = Math.min(Math.ceil(nowMs() + pauseMs), deadlineMs);
    const reference = create(wire.TaskReferenceSchema, { client, taskId, runs, parkings });
    await queue.addAt(reference, priority, type, atMs);
    await store.messaged(client, taskId, atMs, 1 - counted, message);
    await queued.done();
  }

  /** @param deadReason it is given up, though another run might do it: it becomes a dead letter. */
  async #end(
    queued: QueuedTask,
    task: StoredTask,
    state: TerminalState,
    outcome: DurableOutcome,
    deadReason?: string,
  ): Promise<void> {
    const { store, nowMs } = this.#deps;
    const { client, taskId, fence } = task;
    const ending = { client, taskId, fence, state, result: outcomeBytes(outcome), atMs: nowMs() };
    const ended = await store.finish({ ...ending, ...(deadReason !== undefined && { deadReason }) });
    // Fenced off: somebody else has it, with a message of its own.
    if (ended.kind !== 'unknown' && isTerminal(ended.task.state)) await publishEnd(this.#deps, ended.task);
    await queued.done();
  }
}

const keyOf = (client: string, taskId: string): string => `${client} ${taskId}`;

const endless = (runs: number): string => `of ${runs} runs nobody saw the end`;

const failedEachTime = (runs: number, { code, message }: wire.Failure): string =>
  `each of ${runs} runs failed, the last with ${wire.FailureCode[code].toLowerCase()}: ${message}`;

const givenUp = (runs: number): wire.Failure =>
  create(wire.FailureSchema, {
    code: wire.FailureCode.ALL_FAILED,
    message: `given up: ${endless(runs)}`,
  });
