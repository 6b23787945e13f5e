import { connectClient, type TaskClient, TaskError } from '@will/client';
import { newId } from '@will/contracts';
import { Random } from '../policy/random.ts';
import type { End, TaskLine } from './checker.ts';
import { clients, taskTypes } from './world.ts';

const runTimeoutMs = 6_000;
const durableTimeoutMs = 240_000;
/** A fault of the whole bus makes callers fail at once; they retry a moment later. */
const cooldownAfterFailureMs = 100;

type Open = Omit<TaskLine, 'ends' | 'acceptedAs' | 'pickups'> & {
  readonly ends: End[];
  readonly acceptedAs: string[];
  pickups?: number;
  toldToOthers?: string;
  lastSeenAs?: string;
};

/** Callers who never stop: each runs, streams or submits one task after the other, and writes down what became of it. */
export class Load {
  readonly tasks: Open[] = [];
  readonly #seed: number;
  readonly #servers: string;
  readonly #grpcAddress: string;
  readonly #connections: TaskClient[] = [];
  #isOver = false;
  #callers: Promise<void>[] = [];

  constructor(seed: number, servers: string, grpcAddress: string) {
    this.#grpcAddress = grpcAddress;
    this.#seed = seed;
    this.#servers = servers;
  }

  async start(callersPerClient: number): Promise<void> {
    for (const [n, client] of clients.entries()) {
      const connection = await connectClient({ servers: this.#servers, client });
      this.#connections.push(connection);
      for (let caller = 0; caller < callersPerClient; caller += 1)
        this.#callers.push(this.#call(connection, client, new Random(this.#seed * 1_000 + n * 100 + caller)));
    }
    await this.#startByGateway(clients[0]);
  }

  /** One caller more, who comes by the gateway. */
  async #startByGateway(client: string): Promise<void> {
    const connection = await connectClient({ servers: `grpc://${this.#grpcAddress}`, client });
    this.#connections.push(connection);
    this.#callers.push(this.#call(connection, client, new Random(this.#seed * 1_000 + 999)));
  }

  /** No task is begun any more; resolves when each immediate one has ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** Reads the end of each accepted task, twice, and once as somebody else. */
  async readResults(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    const accepted = this.tasks.filter(({ lane, acceptedAs }) => lane === 'durable' && acceptedAs.length > 0);
    const waiting = [...accepted];
    const lane = async (): Promise<void> => {
      for (let task = waiting.shift(); task; task = waiting.shift()) await this.#readResult(task, deadlineMs);
    };
    await Promise.all(Array.from({ length: 16 }, lane));
  }

  async #readResult(task: Open, deadlineMs: number): Promise<void> {
    const n = clients.indexOf(task.client as (typeof clients)[number]);
    const own = this.#connections[n] as TaskClient;
    const other = this.#connections[(n + 1) % clients.length] as TaskClient;
    const id = task.acceptedAs[0] as string;
    for (let reads = 0; reads < 2 && Date.now() < deadlineMs; ) {
      const found = await own.task(id, { waitMs: 5_000 }).catch(() => undefined);
      if (found?.finishedUnixMs === undefined) {
        task.lastSeenAs = found ? `${found.state} after ${found.pickups} pickups` : 'not known';
        await pause(cooldownAfterFailureMs);
        continue;
      }
      task.pickups = found.pickups;
      const { result, failure, finishedUnixMs: atMs } = found;
      task.ends.push({ atMs, code: failure?.code ?? 'Success', output: failure?.message ?? result?.output ?? '' });
      reads += 1;
    }
    task.toldToOthers = await other.task(id).then(
      ({ result }) => `Success ${result?.output}`,
      (error: Error) => error.message,
    );
  }

  async #call(connection: TaskClient, client: string, random: Random): Promise<void> {
    while (!this.#isOver) {
      const drawn = random.next();
      const type = random.pick(taskTypes);
      if (drawn < 0.2) await this.#submit(connection, client, type, random.chance(0.3));
      else await this.#run(connection, client, type, drawn < 0.6 ? 'run' : 'stream');
    }
  }

  async #run(connection: TaskClient, client: string, type: string, lane: 'run' | 'stream'): Promise<void> {
    const taskId = newId();
    const startedMs = Date.now();
    const task: Open = {
      taskId,
      client,
      type,
      lane,
      startedMs,
      deadlineMs: startedMs + runTimeoutMs,
      acceptedAs: [],
      ends: [],
    };
    this.tasks.push(task);
    const request = { taskId, type, input: taskId, timeoutMs: runTimeoutMs };
    const end = await endOf(async () => {
      if (lane === 'run') return (await connection.run(request)).output;
      let output = '';
      for await (const part of connection.stream(request)) {
        if (part.kind === 'delta') output += part.delta.text;
        if (part.kind === 'end') return output;
      }
      throw new Error('the stream ended without an end');
    });
    task.ends.push(end);
    if (end.code !== 'Success') await pause(cooldownAfterFailureMs);
  }

  async #submit(connection: TaskClient, client: string, type: string, isTwice: boolean): Promise<void> {
    const taskId = newId();
    const startedMs = Date.now();
    const task: Open = {
      taskId,
      client,
      type,
      lane: 'durable',
      startedMs,
      deadlineMs: startedMs + durableTimeoutMs,
      acceptedAs: [],
      ends: [],
    };
    this.tasks.push(task);
    const submission = {
      taskId,
      type,
      input: taskId,
      idempotencyKey: `key-${taskId}`,
      priority: 'normal',
      timeoutMs: durableTimeoutMs,
    } as const;
    const submit = async (): Promise<void> => {
      const accepted = await connection.submit(submission).catch(() => undefined);
      if (accepted) task.acceptedAs.push(accepted.taskId);
      else await pause(cooldownAfterFailureMs);
    };
    for (let tries = 0; tries < 100 && task.acceptedAs.length === 0 && !this.#isOver; tries += 1) await submit();
    if (isTwice && task.acceptedAs.length > 0) await submit();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function endOf(work: () => Promise<string>): Promise<End> {
  try {
    const output = await work();
    return { atMs: Date.now(), code: 'Success', output };
  } catch (error) {
    const code = error instanceof TaskError ? error.code : 'error';
    return { atMs: Date.now(), code, output: (error as Error).message };
  }
}
