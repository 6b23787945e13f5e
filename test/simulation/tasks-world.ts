import { create, toBinary } from '@bufbuild/protobuf';
import { TaskError } from '@will/client';
import { openRefusals, wire } from '@will/contracts';
import { compileSnapshot } from '@will/core';
import { repeat } from '@will/runtime';
import { Runner } from '../../services/tasks/src/runner.ts';
import { durableTask, isTerminal } from '../../services/tasks/src/durable-task.ts';
import { Tasks } from '../../services/tasks/src/service.ts';
import { leadMs } from '../../services/tasks/src/start-time.ts';
import { calm, drawnWeather, Network } from './network.ts';
import { TaskBook } from './task-book.ts';
import { TaskServer } from './task-server.ts';
import { Actor, VirtualTime } from './virtual-time.ts';

const reconcileEveryMs = 15_000;
const lostAfterMs = 60_000;
const submitWithinMs = 8_000;
/** Every task ends by then, whatever happened to those who ran it. */
const quietWithinMs = 2 * 3_600_000;
const client = 'acme';
const opensAtMs = Date.UTC(2026, 10, 23, 21);
const schedules = [
  {
    kind: 'schedule' as const,
    body: { name: 'off_hours', slug: 'off_hours', time_zone: 'UTC', from: '21:00', to: '06:00' },
  },
  { kind: 'client' as const, body: { name: client, slug: client } },
];

interface Service {
  readonly actor: Actor;
  readonly tasks: Tasks;
}

interface Asked {
  readonly request: wire.SubmitRequest;
  isAccepted: boolean;
  isBeingCancelled: boolean;
}

/**
 * Durable tasks: the service that takes them, the runner, the shares and the store's own SQL, on a simulated stream. One or
 * two processes share the store; they are killed and started again, stand still past their leases, and lose their connection.
 *
 * Always: an end is written by the newest fence, once; a deferred task starts in its window, or where its deadline comes first. When all
 * is quiet: each accepted task has one end, and what was published is that end.
 */
export async function simulateTasks(seed: number): Promise<void> {
  const time = new VirtualTime(seed, opensAtMs - 150_000);
  const book = new TaskBook(time);
  try {
    await time.run(() => new TasksWorld(time, book).play());
  } finally {
    book.close();
  }
}

class TasksWorld {
  readonly #time: VirtualTime;
  readonly #book: TaskBook;
  readonly #network: Network;
  readonly #server: TaskServer;
  readonly #services = new Set<Service>();
  readonly #asked = new Map<string, Asked>();
  readonly #snapshot: { current: ReturnType<typeof snapshotOf> };
  #started = 0;
  /** How often a run does not come to an end that stays. */
  #failing: number;

  constructor(time: VirtualTime, book: TaskBook) {
    this.#time = time;
    this.#book = book;
    this.#network = new Network(time, drawnWeather(time));
    this.#server = new TaskServer(time, this.#network);
    this.#snapshot = { current: snapshotOf() };
    this.#failing = time.random.pick([0, 0.2, 0.6]);
  }

  async play(): Promise<void> {
    const { random } = this.#time;
    const replicas = 1 + random.below(2);
    for (let n = 0; n < replicas; n += 1) this.#start();
    const asking = Array.from({ length: 3 + random.below(12) }, (_, n) => this.#submit(`t${n}`));
    await this.#trouble(20_000 + random.below(100_000), replicas);
    this.#network.weather = calm;
    this.#network.mendAll();
    while (this.#services.size < replicas) this.#start();
    this.#failing = 0;
    this.#time.note('all is calm from here on');
    await Promise.all(asking);
    await this.#untilAllEnded();
  }

  async #trouble(forMs: number, replicas: number): Promise<void> {
    const { random } = this.#time;
    const untilMs = this.#time.sinceStartMs + forMs;
    const meanMs = random.pick([1_000, 5_000, 20_000]);
    while (this.#time.sinceStartMs < untilMs) {
      await this.#time.pause(random.next() * 2 * meanMs);
      const service = random.pick([...this.#services]);
      const fault = random.below(4);
      if (!service) this.#start();
      else if (fault === 0) this.#kill(service, replicas);
      else if (fault === 1) this.#freeze(service.actor, random.pick([200, 4_000, 12_000, 40_000]));
      else if (fault === 2) this.#cut(service.actor, random.pick([200, 5_000, 15_000]));
      else void this.#cancelOne();
    }
  }

  #start(): void {
    this.#started += 1;
    const actor = new Actor(`tasks${this.#started}`);
    this.#time.note(`${actor.name} starts`);
    this.#time.as(actor, () => {
      const { store } = this.#book;
      const queue = this.#server.clientOf(actor);
      const nowMs = Date.now;
      const tasks = new Tasks({
        store,
        queue,
        snapshots: this.#snapshot,
        nowMs,
        refusals: openRefusals,
        noteRequeued: () => {},
      });
      const runner = new Runner({
        store,
        queue,
        run: (_client, task, { timeoutMs, signal }) => this.#run(task, timeoutMs, signal),
        nowMs,
        monotonicMs: nowMs,
        draw: () => this.#time.random.next(),
        atOnce: 4,
        onError: (what, error) => this.#time.note(`${actor.name}: ${what}: ${(error as Error).message}`),
      });
      repeat(
        reconcileEveryMs,
        async () => {
          if (this.#network.isConnected(actor)) await tasks.reconcile(nowMs() - lostAfterMs);
        },
        () => {},
      );
      runner.start();
      this.#services.add({ actor, tasks });
    });
  }

  /** As the router does it: it ends, or fails in one of the ways that a router tells. */
  async #run(task: wire.Task, timeoutMs: number, signal: AbortSignal): Promise<wire.End> {
    const { random } = this.#time;
    this.#checkStart(task.taskId);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(failed('cancelled', task.taskId, false)));
    });
    const workMs = random.chance(0.1) ? random.next() * 30_000 : random.next() * 2_000;
    const deadline = this.#time.pause(timeoutMs).then(() => {
      throw failed('deadline', task.taskId, false);
    });
    await Promise.race([this.#time.pause(workMs), aborted, deadline]);
    if (random.chance(this.#failing)) {
      const isRetryable = random.chance(0.8);
      throw failed(
        isRetryable ? random.pick(['unavailable', 'all_failed'] as const) : 'blocked',
        task.taskId,
        isRetryable,
      );
    }
    return create(wire.EndSchema, {});
  }

  #checkStart(taskId: string): void {
    const asked = this.#asked.get(taskId);
    const { nowMs } = this.#time;
    this.#time.note(`task ${taskId} runs`);
    if (!asked || asked.request.defer === '') return;
    const deadlineMs = Number(asked.request.task?.deadlineUnixMs);
    if (nowMs < opensAtMs && nowMs < deadlineMs - leadMs)
      this.#time.fail(
        `task ${taskId} runs at ${new Date(nowMs).toISOString()}, before its window and with time to its deadline`,
      );
  }

  /** Asks until it is accepted, with the same key, of the one that is there. */
  async #submit(taskId: string): Promise<void> {
    const { random } = this.#time;
    await this.#time.pause(random.next() * 20_000);
    const deadlineMs = this.#time.nowMs + random.pick([30_000, 400_000, 3_600_000]);
    const priority = random.pick([wire.Priority.HIGH, wire.Priority.NORMAL, wire.Priority.BACKGROUND]);
    const request = create(wire.SubmitRequestSchema, {
      idempotencyKey: `key-${taskId}`,
      defer: random.chance(0.4) ? 'off_hours' : '',
      task: create(wire.TaskSchema, { taskId, type: 'chat', priority, deadlineUnixMs: BigInt(Math.floor(deadlineMs)) }),
    });
    const asked: Asked = { request, isAccepted: false, isBeingCancelled: false };
    this.#asked.set(taskId, asked);
    while (!asked.isAccepted && this.#time.nowMs < deadlineMs) {
      const service = random.pick([...this.#services]);
      if (service) await Promise.race([this.#ask(service, asked), this.#time.pause(submitWithinMs)]);
      await this.#time.pause(500);
    }
  }

  async #ask({ actor, tasks }: Service, asked: Asked): Promise<void> {
    await this.#time
      .as(actor, () => tasks.submit(client, asked.request))
      .then(
        () => {
          asked.isAccepted = true;
        },
        () => {},
      );
  }

  /** Asks until it is answered, of the one that is there. */
  async #cancelOne(): Promise<void> {
    const { random } = this.#time;
    const one = random.pick([...this.#asked].filter(([, { isAccepted }]) => isAccepted));
    if (!one || random.chance(0.7)) return;
    const [taskId, asked] = one;
    this.#time.note(`task ${taskId} is cancelled`);
    asked.isBeingCancelled = true;
    while (asked.isBeingCancelled) {
      const service = random.pick([...this.#services]);
      if (service) await Promise.race([this.#askToCancel(service, taskId, asked), this.#time.pause(submitWithinMs)]);
      await this.#time.pause(500);
    }
  }

  async #askToCancel({ actor, tasks }: Service, taskId: string, asked: Asked): Promise<void> {
    await this.#time
      .as(actor, () => tasks.cancel({ client }, taskId))
      .then(
        () => {
          asked.isBeingCancelled = false;
        },
        () => {},
      );
  }

  #kill(service: Service, replicas: number): void {
    this.#time.note(`${service.actor.name} is killed`);
    service.actor.kill();
    this.#services.delete(service);
    this.#time.surelyAfter(this.#time.random.next() * 10_000, () => {
      if (this.#services.size < replicas) this.#start();
    });
  }

  #freeze(actor: Actor, forMs: number): void {
    this.#time.note(`${actor.name} stands still for ${forMs} ms`);
    actor.freeze();
    this.#time.surelyAfter(forMs, () => this.#time.thaw(actor));
  }

  #cut(actor: Actor, forMs: number): void {
    this.#time.note(`${actor.name} loses its connection for ${forMs} ms`);
    this.#network.cut(actor);
    this.#time.surelyAfter(forMs, () => this.#network.mend(actor));
  }

  async #untilAllEnded(): Promise<void> {
    const untilMs = this.#time.sinceStartMs + quietWithinMs;
    for (;;) {
      const open = [...this.#asked]
        .map(([taskId, asked]) => this.#missing(taskId, asked))
        .find((why) => why !== undefined);
      if (open === undefined) return;
      if (this.#time.sinceStartMs > untilMs) this.#time.fail(open);
      await this.#time.pause(5_000);
    }
  }

  /** What an accepted task lacks; undefined: nothing. */
  #missing(taskId: string, { isAccepted }: Asked): string | undefined {
    const stored = this.#book.task(client, taskId);
    if (!stored) return isAccepted ? `task ${taskId} was accepted and is not in the store` : undefined;
    if (!isTerminal(stored.state)) return `task ${taskId} has no end: it is ${stored.state}`;
    const published = this.#server.results.get(`${client} ${taskId}`);
    if (!published) return `task ${taskId} has ${stored.state}, and no result was published`;
    const bytes = (task: wire.DurableTask): string =>
      Buffer.from(toBinary(wire.DurableTaskSchema, { ...task, pickups: 0 })).toString('hex');
    if (bytes(published) !== bytes(durableTask(stored, stored.finishedAtMs ?? 0)))
      this.#time.fail(`task ${taskId}: what was published is not what is stored, ${stored.state}`);
    return undefined;
  }
}

function snapshotOf() {
  const compiled = compileSnapshot(1, schedules);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

const failed = (code: TaskError['code'], taskId: string, isRetryable: boolean): TaskError =>
  new TaskError(code, code, { taskId, isRetryable });
