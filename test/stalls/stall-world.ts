import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import type { ProcessesView } from '@will/bus';
import { apply } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import type { ServiceName } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';

/** What is stopped: a service, all its processes at once, or the nats-server. */
export type Stalled = ServiceName | 'nats-server';
export const stalledOnes: readonly Stalled[] = [
  'provider-worker',
  'router',
  'gateway',
  'policy',
  'registry',
  'telemetry',
  'tasks',
  'nats-server',
];

/** One row of the table: so many tasks at once, while a process is stopped. */
export interface StallRow {
  readonly stalled: Stalled;
  readonly stallMs: number;
  /** Once, or again and again until the last task has its answer. */
  readonly how: 'once' | 'periodically';
  readonly tasks: number;
  readonly isStreamed: boolean;
}

export interface StallResult {
  readonly row: StallRow;
  readonly byPreferred: number;
  readonly providerCalls: number;
  /** What went wrong, each kind with its number. */
  readonly errors: ReadonlyMap<string, number>;
  /** How long the slowest answer took. */
  readonly maxMs: number;
}

export const isClean = ({ row, byPreferred, providerCalls, errors }: StallResult): boolean =>
  byPreferred === row.tasks && providerCalls === row.tasks && errors.size === 0;

const preferred = 'first';
const answerMs = 300;
const timeoutMs = 60_000;

/** Documents of a route over three models of an upstream, each of which answers after a while. */
export function threeModels(upstream: ReplayingUpstream, delayMs: number): string {
  const models = ['First', 'Second', 'Third'];
  for (const name of models) upstream.script(name.toLowerCase(), { kind: 'answer', delayMs });
  const endpoint = `${upstream.url}/v1`;
  return documentFile(
    openByDefault,
    ...models.map((name) => modelDocument({ name, endpoint, concurrency: 512 })),
    routeDocument('text_gen', ...models),
  );
}

/** The whole product with a route over three models that answer after 300 ms, and its processes to be stopped. */
export class StallWorld {
  readonly system: System;
  readonly #upstream: ReplayingUpstream;
  #revisions = 0;

  private constructor(system: System, upstream: ReplayingUpstream) {
    this.system = system;
    this.#upstream = upstream;
  }

  static async start(): Promise<StallWorld> {
    const upstream = await startReplayingUpstream();
    const system = await startSystem({
      documents: { 'world.yaml': threeModels(upstream, answerMs) },
      counts: { gateway: 1, tasks: 1 },
    });
    await system.untilServed('first', 'second', 'third');
    const world = new StallWorld(system, upstream);
    // The first call of a process pays for what every first call pays for.
    await world.run({ stalled: 'registry', stallMs: 0, how: 'once', tasks: 5, isStreamed: true });
    return world;
  }

  async stop(): Promise<void> {
    await this.system.stop();
    await this.#upstream.close();
  }

  async run(row: StallRow): Promise<StallResult> {
    // The one that knows a decision asks policy nothing: a new revision makes all of them old.
    if (row.stalled === 'policy') await this.#newRevision();
    this.#upstream.clear();
    const errors = new Map<string, number>();
    const startedMs = performance.now();
    let maxMs = 0;
    let isOver = false;
    const answers = Promise.all(
      Array.from({ length: row.tasks }, () =>
        this.#answer(row)
          .catch((error: Error) => errors.set(error.message, (errors.get(error.message) ?? 0) + 1))
          .finally(() => {
            maxMs = performance.now() - startedMs;
          }),
      ),
    ).finally(() => {
      isOver = true;
    });
    // At any step of their way.
    await pause(Math.random() * 60);
    do {
      await this.#stall(row.stalled, row.stallMs);
      await pause(row.stallMs);
    } while (row.how === 'periodically' && !isOver);
    await answers;
    return {
      row,
      byPreferred: this.#upstream.countOf(preferred),
      providerCalls: this.#upstream.requests.length,
      errors,
      maxMs,
    };
  }

  async #newRevision(): Promise<void> {
    this.#revisions += 1;
    const { revision } = await apply(this.system, `kind: route\nname: other_${this.#revisions}\nprimary: First\n`);
    const isKnown = ({ processes }: ProcessesView): boolean =>
      [...processes.values()].every((one) => one.service === 'registry' || one.revision >= revision);
    await this.system.until(isKnown, `every process at revision ${revision}`);
  }

  /** @throws {Error} no answer, or none of the preferred model. */
  async #answer({ stalled, isStreamed }: StallRow): Promise<void> {
    const model = stalled === 'tasks' ? await this.#durably() : await this.#overHttp(isStreamed);
    if (model.toLowerCase() !== preferred) throw new Error(`answered by ${model}`);
  }

  async #durably(): Promise<string> {
    const { client } = this.system;
    const { taskId } = await client.submit({ type: 'text_gen', input: 'Hello', timeoutMs: timeoutMs });
    return (await client.result(taskId)).model;
  }

  async #overHttp(isStreamed: boolean): Promise<string> {
    const response = await fetch(`${this.system.httpUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'text_gen', stream: isStreamed, messages: [{ role: 'user', content: 'Hello' }] }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const isWhole = !isStreamed || text.includes('[DONE]');
    if (!response.ok || !isWhole)
      throw new Error(`${response.status} ${/"code":"?([^",}]*)/.exec(text)?.[1] ?? 'cut'}`);
    return /"model":"([^"]*)"/.exec(text)?.[1] ?? 'nobody';
  }

  async #stall(stalled: Stalled, stallMs: number): Promise<void> {
    if (stallMs === 0) return;
    this.#signal(stalled, 'SIGSTOP');
    await pause(stallMs);
    this.#signal(stalled, 'SIGCONT');
  }

  #signal(stalled: Stalled, signal: 'SIGSTOP' | 'SIGCONT'): void {
    const { nats } = this.system;
    if (stalled === 'nats-server') return signal === 'SIGSTOP' ? nats.suspend() : nats.resume();
    for (const service of this.system.of(stalled)) service.signal(signal);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
