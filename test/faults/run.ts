import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, connectBus, openCooldowns, type Incoming } from '@will/bus';
import { newId, patterns, subjects, wire } from '@will/contracts';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { Random } from '../policy/random.ts';
import type { ServiceName, ServiceProcess } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';
import { type Logs, type CooldownLine, type Violation, violationsIn } from './checker.ts';
import { Load } from './load.ts';
import { recordsIn, seenCalls } from './read-logs.ts';
import { type Fault, faultInWords, points, scheduleOf } from './schedule.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { documentsOf, kindly, moodsOf, rulesOf } from './world.ts';

/** How a run went. */
export interface RunReport {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly violations: readonly Violation[];
  readonly counts: {
    readonly tasks: number;
    readonly succeeded: number;
    readonly durable: number;
    readonly calls: number;
    readonly records: number;
    readonly cooldowns: number;
  };
}

/** There is one of each, of its file or its ports. */
const isOne: ReadonlySet<ServiceName> = new Set(['registry', 'telemetry', 'tasks', 'gateway']);
const workers = 2;
const callersPerClient = 3;
/** A worker's hold is ended half a minute after its last heartbeat. */
const settleWithinMs = 75_000;
const calmForMs = 2_000;

/** One system, one load, the faults of one seed, and what the checker says of it. */
export async function runWithFaults(
  seed: number,
  faultCount: number,
  say: (stage: string) => void = () => {},
): Promise<RunReport> {
  const upstream = await startReplayingUpstream();
  const run = await FaultRun.start(seed, upstream, say);
  try {
    return await run.report(scheduleOf(seed, faultCount));
  } finally {
    await run.stop();
    await upstream.close();
  }
}

class FaultRun {
  readonly #seed: number;
  readonly #say: (stage: string) => void;
  readonly #upstream: ReplayingUpstream;
  readonly #system: System;
  readonly #proxy: TcpProxy;
  readonly #observer: Bus;
  readonly #load: Load;
  readonly #living = new Map<ServiceName, ServiceProcess[]>();
  readonly #cooldowns: CooldownLine[] = [];
  /** The last messages that were sent to queues and streams, to be sent once more. */
  readonly #heard: Incoming[] = [];
  readonly #turns = new Map<ServiceName, Promise<void>>();
  readonly #ongoing: Promise<unknown>[] = [];
  #started = 0;

  static async start(seed: number, upstream: ReplayingUpstream, say: (stage: string) => void): Promise<FaultRun> {
    const system = await startSystem({
      documents: documentsOf(upstream.url),
      counts: { router: 2, 'provider-worker': workers, tasks: 1, policy: 2, gateway: 1 },
      env: { WILL_DRAIN_MS: '5000' },
    });
    await system.untilServed('flaky', 'steady', 'capped');
    const proxy = await startTcpProxy(system.nats.port);
    const observer = await connectBus({ servers: system.nats.url, processId: `o-${newId()}`, inboxScope: 'test' });
    const run = new FaultRun(seed, upstream, system, proxy, observer, say);
    await run.#observe();
    return run;
  }

  constructor(
    seed: number,
    upstream: ReplayingUpstream,
    system: System,
    proxy: TcpProxy,
    observer: Bus,
    say: (stage: string) => void,
  ) {
    this.#say = say;
    this.#seed = seed;
    this.#upstream = upstream;
    this.#system = system;
    this.#proxy = proxy;
    this.#observer = observer;
    this.#load = new Load(seed, system.nats.url, system.grpcAddress);
    for (const service of ['registry', 'policy', 'telemetry', 'provider-worker', 'router', 'tasks', 'gateway'] as const)
      this.#living.set(service, [...system.of(service)]);
  }

  async report(faults: readonly Fault[]): Promise<RunReport> {
    this.#upstream.script('flaky', ...moodsOf(this.#seed, 2_000));
    const random = new Random(this.#seed);
    for (const model of ['steady', 'capped'])
      this.#upstream.script(model, ...Array.from({ length: 2_000 }, () => kindly(random)));
    await this.#load.start(callersPerClient);
    const startMs = Date.now();
    for (const fault of faults) {
      await pause(startMs + fault.atMs - Date.now());
      this.#say(faultInWords(fault));
      this.#ongoing.push(this.#strike(fault));
    }
    await Promise.all(this.#ongoing);
    this.#say('the faults are over');
    this.#upstream.script('flaky', kindly(random));
    await this.#system.untilServed('flaky', 'steady', 'capped');
    const calmMs = Date.now();
    await pause(calmForMs);
    await this.#load.stop();
    this.#say('the immediate tasks have ended');
    await this.#load.readResults(settleWithinMs);
    this.#say('the durable tasks have ended');
    await this.#sayWhereTheyAre();
    const logs = await this.#settled(calmMs);
    const { tasks, seen, records, cooldowns } = logs;
    return {
      seed: this.#seed,
      faults,
      violations: violationsIn(logs),
      counts: {
        tasks: tasks.length,
        succeeded: tasks.filter(({ ends }) => ends[0]?.code === 'Success').length,
        durable: tasks.filter(({ acceptedAs }) => acceptedAs.length > 0).length,
        calls: seen.length,
        records: records.length,
        cooldowns: cooldowns.length,
      },
    };
  }

  /** Of each task without an end: which process says that it has it. */
  async #sayWhereTheyAre(): Promise<void> {
    for (const { taskId, client, lane, ends, acceptedAs, lastSeenAs } of this.#load.tasks) {
      if (lane !== 'durable' || acceptedAs.length === 0 || ends.length > 0) continue;
      const request = toBinary(wire.InFlightRequestSchema, create(wire.InFlightRequestSchema, { ids: [taskId] }));
      const places: string[] = [];
      for (const [id, { service }] of this.#system.processes.processes) {
        if (!['router', 'provider-worker'].includes(service)) continue;
        const answer = await this.#observer
          .request(subjects.inFlight(id, client), request, 1_000)
          .catch(() => undefined);
        if (answer && fromBinary(wire.InFlightResponseSchema, answer).gone.length === 0) places.push(id);
      }
      const calls = seenCalls(this.#upstream).filter((call) => call.taskId === taskId);
      this.#say(
        `${taskId} of ${client} is ${lastSeenAs}; at ${places.join(', ') || 'nobody'}; calls ${JSON.stringify(calls)}`,
      );
    }
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#ongoing);
    await this.#load.close();
    await this.#observer.close();
    await this.#proxy.close();
    await this.#system.stop();
  }

  async #observe(): Promise<void> {
    const cooldowns = await openCooldowns(this.#observer, Date.now);
    cooldowns.onChange((model) => {
      const cooldown = cooldowns.cooldownOf(model);
      if (cooldown && cooldown.untilMs > Date.now())
        this.#cooldowns.push({ model, knownMs: Date.now(), untilMs: cooldown.untilMs });
    });
    for (const pattern of [patterns.taskQueues, patterns.events])
      this.#observer.listen(pattern, (message) => {
        this.#heard.push(message);
        if (this.#heard.length > 50) this.#heard.shift();
      });
  }

  async #strike(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        return this.#inTurn(fault.service, () => this.#killOne(fault.service));
      case 'kill at': {
        const { pattern, service } = points[fault.point];
        return this.#inTurn(service, async () => {
          await this.#nextMessage(pattern);
          await this.#killOne(service);
        });
      }
      case 'restart':
        return this.#inTurn(fault.service, async () => {
          const replaced = this.#living.get(fault.service)?.shift();
          // It goes before the next one comes.
          if (isOne.has(fault.service)) await replaced?.stop();
          await this.#start(fault.service);
          await replaced?.stop();
        });
      case 'freeze': {
        const victim = this.#living.get(fault.service)?.at(-1);
        victim?.signal('SIGSTOP');
        await pause(fault.lastsMs);
        victim?.signal('SIGCONT');
        return;
      }
      case 'kill bus':
        await this.#system.nats.kill();
        await pause(fault.lastsMs);
        return this.#system.nats.restart();
      case 'freeze bus':
        this.#system.nats.suspend();
        await pause(fault.lastsMs);
        return this.#system.nats.resume();
      case 'slow bus':
      case 'half-open bus':
      case 'cut bus':
        this.#proxy.setWeather(weathers[fault.kind]);
        await pause(fault.lastsMs);
        return this.#proxy.setWeather('fine');
      case 'poison':
        return this.#poison(new Random(fault.salt));
      case 'duplicate':
        for (const { subject, data } of this.#heard.splice(0)) this.#publish(subject, data);
        return;
    }
  }

  /** Resolves at the next message; after a while without one all the same. */
  async #nextMessage(pattern: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, 3_000);
    const listening = this.#observer.listen(pattern, () => resolve());
    await promise;
    clearTimeout(timer);
    listening.unsubscribe();
  }

  async #killOne(service: ServiceName): Promise<void> {
    await this.#living.get(service)?.shift()?.kill();
    await this.#start(service);
  }

  /** One death of a service at a time, as the one that looks after its processes would have it. */
  #inTurn(service: ServiceName, work: () => Promise<void>): Promise<void> {
    const after = (this.#turns.get(service) ?? Promise.resolve()).then(work);
    this.#turns.set(service, after);
    return after;
  }

  /** Every second process of those that replace others comes over the proxy. */
  async #start(service: ServiceName): Promise<void> {
    this.#started += 1;
    const env = this.#started % 2 === 1 ? { NATS_URL: `nats://127.0.0.1:${this.#proxy.port}` } : {};
    for (;;) {
      try {
        this.#living.get(service)?.push(await this.#system.add(service, env));
        return;
      } catch (error) {
        // A service that cannot start says why and ends; the one that looks after it starts it again.
        this.#say(`${service} did not start: ${(error as Error).message.slice(0, 300)}`);
        await pause(200);
      }
    }
  }

  #poison(random: Random): void {
    const garbage = (): Uint8Array => Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    const targets = [
      subjects.taskRun('one'),
      subjects.task('submit', 'one'),
      subjects.task('get', 'two'),
      subjects.taskQueue('normal', 'one', 'plain'),
      subjects.taskQueue('background', 'two', 'capped'),
      subjects.call('open', 'steady'),
      subjects.event('router', 'calls'),
      subjects.event('worker', 'calls'),
      subjects.policyDecide,
      subjects.registry('apply'),
      subjects.telemetry('calls'),
      subjects.free('steady'),
      subjects.content,
      subjects.json('run', 'one'),
      ...[...this.#system.processes.processes.keys()].flatMap((id) => [
        subjects.control(id),
        subjects.cancel(id, 'one'),
        subjects.inFlight(id, 'one'),
      ]),
    ];
    for (const subject of targets) this.#publish(subject, garbage());
  }

  #publish(subject: string, data: Uint8Array): void {
    if (this.#observer.isConnected) this.#observer.publish(subject, data);
  }

  /** The logs as soon as they show no violation; at the latest after a while, with those that stay. */
  async #settled(calmMs: number): Promise<Logs> {
    const giveUpMs = Date.now() + settleWithinMs;
    for (let round = 0; ; round += 1) {
      const logs = await this.#collect(calmMs, round);
      if (violationsIn(logs).length === 0 || Date.now() > giveUpMs) return logs;
      await pause(500);
    }
  }

  async #collect(calmMs: number, round: number): Promise<Logs> {
    const willm = willmAt(this.#system.nats.url);
    const file = join(this.#system.dataDir, `calls-${round}.jsonl`);
    await willm('logs', 'export', '--format', 'jsonl', '--out', file);
    const exported = await readFile(file, 'utf8').catch(() => '');
    const limits = JSON.parse((await willm('limits', '--json')).out || '[]') as { id: string; used: string }[];
    const audit = await willm('audit', 'verify');
    return {
      rules: rulesOf(workers + 1),
      tasks: this.#load.tasks,
      seen: seenCalls(this.#upstream),
      records: recordsIn(exported),
      cooldowns: this.#cooldowns,
      used: Object.fromEntries(limits.map(({ id, used }) => [id, Number(used)])),
      calmMs,
      auditFault: audit.code === 0 ? '' : audit.err + audit.out,
      leaks: [],
    };
  }
}

const weathers = { 'slow bus': 'slow', 'half-open bus': 'half-open', 'cut bus': 'cut' } as const;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
