import type { MessageInitShape } from '@bufbuild/protobuf';
import { resolveCaller, type Snapshot, TransientMap, unknownClient } from '@will/core';
import { create, type Refusals, wire } from '@will/contracts';
import { within } from '@will/runtime';
import { InvalidTaskError, readTask } from './task/intake.ts';
import type { TaskCaller } from './ports.ts';
import type { RunDeps } from './task/run-deps.ts';
import { TaskRun } from './task/task-run.ts';

/** Ports and bounds of the router. */
export interface RouterDeps extends RunDeps {
  readonly snapshot: () => Snapshot | undefined;
  readonly maxTasks: number;
  readonly refusals: Refusals;
}

/** The router's one use case: get a task done. Holds the tasks in flight. */
export class Router {
  readonly #deps: RouterDeps;
  /** By client and task id: the one that missed our word may have sent a task twice. */
  readonly #running = new TransientMap<readonly TaskRun[]>();
  readonly #byClient = new Map<string, number>();
  #inFlight = 0;
  #isDraining = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(deps: RouterDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a task; every end, also a refusal, goes to the caller as a frame. */
  take(task: wire.Task, client: string, caller: TaskCaller): void {
    const { snapshot, maxTasks, nowMs, refusals } = this.#deps;
    const documents = snapshot();
    if (!documents || this.#isDraining) return passOn(task, caller, 'the router is not ready');
    const { project, reflex } = task;
    const who = resolveCaller(documents, { client, project, reflex }, { clientOfProject: false });
    if ('rule' in who) return refuse(task, caller, ...refusals(who));
    // The subject and the inbox carry the slug itself: an alias there would speak in another client's place.
    if (who.client !== client) return refuse(task, caller, ...refusals(unknownClient(client)));
    const full = this.#whyFull(client, maxTasks);
    if (full !== undefined) return refuse(task, caller, wire.FailureCode.OVERLOADED, full, retryAfterMs());
    try {
      const type = documents.taskTypes.get(task.type);
      const ofClient = documents.clients.get(client);
      const route = documents.routes.get(task.type);
      const read = readTask(task, who, documents.tokenEdges, nowMs(), {
        type,
        timeouts: [ofClient?.timeouts, route?.timeouts, type?.timeouts],
        costTags: ofClient?.cost_tags,
        hedgeAfter: route?.hedge_after,
      });
      this.#start(new TaskRun(this.#deps, read, caller));
    } catch (error) {
      if (!(error instanceof InvalidTaskError)) throw error;
      const code = error.code === 'too_large' ? wire.FailureCode.TOO_LARGE : wire.FailureCode.INVALID_TASK;
      refuse(task, caller, code, error.message, 0);
    }
  }

  cancel(client: string, taskId: string): void {
    for (const run of this.#running.get(keyOf(client, taskId)) ?? []) run.cancel();
  }

  has(client: string, taskId: string): boolean {
    return this.#running.has(keyOf(client, taskId));
  }

  /** Resolves when all tasks in flight are over, or the time is up. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#inFlight > 0) await within(this.#idle.promise, timeoutMs);
  }

  /**
   * From half full on nobody holds more than an equal share of nine tenths, so that one client's overload leaves room for the
   * others, and for who comes later.
   */
  #whyFull(client: string, maxTasks: number): string | undefined {
    if (this.#inFlight >= maxTasks) return `${maxTasks} tasks are in flight already`;
    if (this.#inFlight < maxTasks / 2) return undefined;
    const own = this.#byClient.get(client) ?? 0;
    const share = Math.max(1, Math.floor((0.9 * maxTasks) / (this.#byClient.size + (own === 0 ? 1 : 0))));
    return own < share ? undefined : `${own} tasks of client ${client} are in flight already, its share is ${share}`;
  }

  #start(run: TaskRun): void {
    const { taskId, client } = run.task;
    const key = keyOf(client, taskId);
    this.#running.set(key, this.#running.get(key)?.concat(run) ?? [run]);
    this.#inFlight += 1;
    this.#byClient.set(client, (this.#byClient.get(client) ?? 0) + 1);
    void run.run().finally(() => this.#over(run, key));
  }

  #over(run: TaskRun, key: string): void {
    const { client } = run.task;
    const runs = this.#running.get(key) ?? [];
    if (runs.length < 2) this.#running.delete(key);
    else
      this.#running.set(
        key,
        runs.filter((other) => other !== run),
      );
    this.#inFlight -= 1;
    const left = (this.#byClient.get(client) ?? 1) - 1;
    if (left > 0) this.#byClient.set(client, left);
    else this.#byClient.delete(client);
    if (this.#isDraining && this.#inFlight === 0) this.#idle.resolve();
  }
}

const keyOf = (client: string, taskId: string): string => `${client} ${taskId}`;

/** Not all at once: who was refused together does not come back together. */
const retryAfterMs = (): number => 500 + Math.floor(Math.random() * 1_000);

const passedOnAfterMs = 250;

/** Answers a task that this router does not take, and another one may. */
export const passOn = (task: wire.Task, caller: TaskCaller, message: string): void =>
  fail(task, caller, {
    code: wire.FailureCode.UNAVAILABLE,
    message,
    retryable: true,
    retryAfterMs: passedOnAfterMs,
    notTaken: true,
  });

/** Answers a task that was not taken. */
export const refuse = (
  task: wire.Task,
  caller: TaskCaller,
  code: wire.FailureCode,
  message: string,
  retryAfterMs = 0,
): void => fail(task, caller, { code, message, retryable: retryAfterMs > 0, retryAfterMs });

function fail({ taskId }: wire.Task, caller: TaskCaller, failure: MessageInitShape<typeof wire.FailureSchema>): void {
  const value = create(wire.FailureSchema, failure);
  caller.send(create(wire.FrameSchema, { taskId, kind: { case: 'failure', value } }));
}
