import { monitorEventLoopDelay } from 'node:perf_hooks';
import { newId } from '@will/contracts';
import type { AnyDocument } from '@will/core';
import { type ReplayingUpstream, type SeenRequest, startReplayingUpstream } from '@will/testkit';
import { apply } from '../support/ask.ts';
import type { ServiceName, ServiceProcess } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';
import { failingScript } from './failing-script.ts';
import { whyForbidden } from './oracle.ts';
import { Random } from './random.ts';
import { Timeline } from './timeline.ts';
import { type Address, changeDocuments, makeDocuments, makeTask, type WorldOptions, type WorldTask } from './world.ts';

export interface StormOptions {
  readonly worlds: number;
  readonly tasksPerWorld: number;
  /** A process stands still for at most so long. */
  readonly maxFreezeMs: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export interface StormFigures {
  tasks: number;
  answered: number;
  calls: number;
  freezes: number;
  applies: number;
  restarts: number;
  /** Calls that no rules in force at their start allow. */
  readonly forbidden: string[];
  /** Calls that began later than the bound after their task was over. */
  readonly afterEnd: string[];
  /** The latest that a call began after its task was over. */
  maxAfterEndMs: number;
  /** The latest that old rules acted after the apply of new ones had begun. */
  maxOldRulesMs: number;
}

/**
 * How late after the end of its task, or of its rules, a call may begin: the window of a delivery, twice the bound of the
 * bus clock, and the way of the request to the upstream.
 */
export const boundMs = 500 + 2 * 20 + 60;

const tasksAtOnce = 24;
const frozen: readonly ServiceName[] = ['provider-worker', 'router', 'policy'];

/**
 * Random registries over the real bus while processes stand still, end and come back, and while documents are tightened,
 * loosened, removed and renamed. Every call is authorized from the upstream's log by the oracle.
 */
export async function runStorm(options: StormOptions): Promise<StormFigures> {
  const upstream = await startReplayingUpstream();
  const addresses: readonly Address[] = [
    { url: `${upstream.url}/v1`, isPrivate: true },
    { url: `${upstream.url.replace('127.0.0.1', '0.0.0.0')}/v1`, isPrivate: false },
  ];
  const first = makeDocuments(new Random(options.seed), optionsOf('first', addresses));
  const system = await startSystem({
    documents: { 'first.yaml': fileOf(first) },
    counts: { 'provider-worker': 2, router: 2, policy: 2 },
  });
  const figures: StormFigures = {
    tasks: 0,
    answered: 0,
    calls: 0,
    freezes: 0,
    applies: 0,
    restarts: 0,
    forbidden: [],
    afterEnd: [],
    maxAfterEndMs: 0,
    maxOldRulesMs: 0,
  };
  try {
    for (let n = 0; n < options.worlds; n += 1) {
      const world = new StormWorld(`w${n}`, new Random(options.seed + 1 + n), {
        system,
        upstream,
        addresses,
        options,
        figures,
      });
      await world.run();
      options.say?.(`world ${n + 1} of ${options.worlds}: ${JSON.stringify(shownFigures(figures))}`);
    }
    return figures;
  } finally {
    await system.stop();
    await upstream.close();
  }
}

export const shownFigures = ({ forbidden, afterEnd, ...numbers }: StormFigures): object => ({
  ...numbers,
  forbidden: forbidden.length,
  afterEnd: afterEnd.length,
});

/** JSON is YAML too. */
const fileOf = (documents: readonly AnyDocument[]): string =>
  documents.map(({ kind, body }) => JSON.stringify({ kind, ...body })).join('\n---\n');

const optionsOf = (world: string, addresses: readonly Address[]): WorldOptions => ({
  addresses,
  mayBeFiles: false,
  providerModel: (slug) => `${world}.${slug}`,
  nowMs: Date.now(),
});

interface StormBackends {
  readonly system: System;
  readonly upstream: ReplayingUpstream;
  readonly addresses: readonly Address[];
  readonly options: StormOptions;
  readonly figures: StormFigures;
}

interface Asked {
  readonly task: WorldTask;
  overAtMs: number;
}

class StormWorld {
  readonly #name: string;
  readonly #random: Random;
  readonly #around: StormBackends;
  readonly #asked = new Map<string, Asked>();
  readonly #timeline: Timeline;
  #isOver = false;

  constructor(name: string, random: Random, around: StormBackends) {
    this.#name = name;
    this.#random = random;
    this.#around = around;
    this.#timeline = new Timeline(makeDocuments(random, optionsOf(name, around.addresses)), Date.now());
  }

  async run(): Promise<void> {
    const { system, upstream, options } = this.#around;
    const applied = await apply(system, fileOf(this.#timeline.newest), { prune: true });
    if (applied.problems.length > 0) throw new Error(JSON.stringify(applied.problems.slice(0, 3)));
    for (const { kind, body } of this.#timeline.newest)
      if (kind === 'model')
        upstream.script(`${this.#name}.${body.slug}`, ...failingScript(this.#random, options.tasksPerWorld));
    upstream.clear();
    // What this process's own loop lost counts for its upstream, which lives in it.
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const storm = [this.#freezing(), this.#changing(), this.#restarting()];
    const left = Array.from({ length: options.tasksPerWorld }, () => makeTask(this.#random)).values();
    const lane = async (): Promise<void> => {
      for (const task of left) await this.#ask(task);
    };
    await Promise.all(Array.from({ length: tasksAtOnce }, lane));
    this.#isOver = true;
    await Promise.all(storm);
    // What a frozen process still held must have come, or been dropped, by now.
    await pause(boundMs);
    delay.disable();
    for (const request of upstream.requests) this.#authorize(request, boundMs + delay.max / 1e6);
  }

  async #ask(task: WorldTask): Promise<void> {
    const { system, figures } = this.#around;
    const id = newId();
    const asked: Asked = { task, overAtMs: Number.POSITIVE_INFINITY };
    this.#asked.set(id, asked);
    figures.tasks += 1;
    const { project, reflex, dataClass, model, inputTokens, ...facts } = task;
    try {
      await system.client.run({
        ...facts,
        ...(project !== undefined && { project }),
        ...(reflex !== undefined && { reflex }),
        ...(dataClass !== undefined && { dataClass }),
        ...(model !== undefined && { model }),
        // Its owner's name stands in it, so that the upstream's log tells whose content came.
        input: `${id} of ${task.client} `.padEnd(3 * inputTokens),
        timeoutMs: 4_000,
      });
      figures.answered += 1;
    } catch {
      // A refusal, or a task that the storm ended: what counts is what was called.
    }
    asked.overAtMs = Date.now();
  }

  async #freezing(): Promise<void> {
    const { system, options, figures } = this.#around;
    while (!this.#isOver) {
      const process = this.#random.pick(frozen.flatMap((service) => system.of(service).filter(isRunning)));
      process.signal('SIGSTOP');
      figures.freezes += 1;
      await pause(20 + this.#random.below(options.maxFreezeMs));
      process.signal('SIGCONT');
      await pause(this.#random.below(300));
    }
  }

  async #changing(): Promise<void> {
    const { system, figures, addresses } = this.#around;
    while (!this.#isOver) {
      await pause(100 + this.#random.below(600));
      const documents = changeDocuments(this.#timeline.newest, this.#random, optionsOf(this.#name, addresses));
      const done = this.#timeline.begin(documents, Date.now());
      const applied = await apply(system, fileOf(documents), { prune: true });
      if (applied.problems.length > 0) throw new Error(JSON.stringify(applied.problems.slice(0, 3)));
      figures.applies += 1;
      done(Math.max(Date.now(), ...applied.laggards.map(({ oldRulesUntilUnixMs }) => Number(oldRulesUntilUnixMs))));
    }
  }

  async #restarting(): Promise<void> {
    const { system, figures } = this.#around;
    while (!this.#isOver) {
      await pause(1_500 + this.#random.below(1_500));
      const service = this.#random.pick(frozen);
      const [oldest] = system.of(service).filter(isRunning);
      await system.add(service);
      await oldest?.kill();
      figures.restarts += 1;
    }
  }

  #authorize(request: SeenRequest, slackMs: number): void {
    const { figures } = this.#around;
    figures.calls += 1;
    const [world, slug = ''] = request.model.split('.');
    const asked = this.#asked.get(idOf(request));
    if (!asked || world !== this.#name)
      return void figures.forbidden.push(`${request.model}: of no task of this world`);
    const lateMs = request.atMs - asked.overAtMs;
    figures.maxAfterEndMs = Math.max(figures.maxAfterEndMs, lateMs);
    if (lateMs > slackMs) figures.afterEnd.push(`${request.model}: ${lateMs} ms after its task`);
    const spans = this.#timeline.between(request.atMs - slackMs, request.atMs);
    const why = spans.map(({ documents }) => this.#whyNot(documents, asked.task, slug, request.atMs, slackMs));
    const allowedBy = why.indexOf(undefined);
    if (allowedBy < 0) figures.forbidden.push(`${request.model}: ${why.join(' | ')}: ${JSON.stringify(asked.task)}`);
    const successor = spans[allowedBy - 1];
    if (successor) figures.maxOldRulesMs = Math.max(figures.maxOldRulesMs, request.atMs - successor.fromMs);
  }

  /** Tags end while it runs: what was right a moment before the call arrived, or is right now, was right. */
  #whyNot(
    documents: readonly AnyDocument[],
    task: WorldTask,
    slug: string,
    atMs: number,
    slackMs: number,
  ): string | undefined {
    const isPrivate = (url: string): boolean =>
      this.#around.addresses.find((address) => address.url === url)?.isPrivate === true;
    const why = [atMs - slackMs, atMs].map((when) => whyForbidden(documents, task, slug, when, isPrivate));
    return why.includes(undefined) ? undefined : why.join(', ');
  }
}

const isRunning = (one: ServiceProcess): boolean => one.isRunning;

function idOf({ body }: SeenRequest): string {
  const messages = body['messages'] as readonly { readonly role: string; readonly content: string }[];
  return messages.find(({ role }) => role === 'user')?.content.split(' ')[0] ?? '';
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
