import { create, fromBinary } from '@bufbuild/protobuf';
import { cooldownsOf, type Cooldowns } from '@will/bus';
import { dataClassToWire, openRefusals, priorityToWire, wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type ProviderFailure } from '@will/core';
import type { ModelConnection, Provider, ProviderOutcome } from '@will/providers';
import { exactClock } from '@will/testkit';
import { Policy } from '../../services/policy/src/service.ts';
import { judgeBy } from '../../services/provider-worker/src/judge.ts';
import type { Groups, IncomingCall } from '../../services/provider-worker/src/ports.ts';
import { CallIndex } from '../../services/provider-worker/src/served-model.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { Decisions } from '../../services/router/src/decisions.ts';
import type { Calls, CallSignal } from '../../services/router/src/ports.ts';
import { Router } from '../../services/router/src/service.ts';
import { SlotQueues } from '../../services/router/src/slots.ts';
import { noPayloads, unlimited } from '../policy/short-rests.ts';
import { Network } from './network.ts';
import { RestServer } from './rest-server.ts';
import { Actor, VirtualTime } from './virtual-time.ts';

const probeLeaseMs = 15_000;
/** Three signs of life missed. */
const seenDeadAfterMs = 9_000;
const pollEveryMs = 250;
/** After its deadline a task has its end within this. */
const graceMs = 2_000;
/** Longer than any rest, and a probe whose prober died. */
const backWithinMs = 120_000;
const longestTaskMs = 30_000;
/** A probe that told nothing is given back within this. */
const probeBackWithinMs = 5_000;
const client = 'acme';

/** How the provider of a model behaves for now. */
type Mood = 'well' | 'failing' | 'limited' | 'silent';

interface LiveWorker {
  readonly actor: Actor;
  readonly calls: CallIndex;
  readonly rests: Cooldowns;
  readonly inFlight: Map<string, number>;
}

interface Member {
  readonly actor: Actor;
  readonly take: (call: IncomingCall) => void;
}

interface Asked {
  readonly deadlineMs: number;
  readonly model: string;
  ends: number;
  /** An attempt that was given up may still speak, and the caller was told which one counts. */
  wasChosen: boolean;
  how: string;
}

/**
 * Routers and workers of a few models whose providers fail, set limits and are silent: the router's task and attempt, its
 * queues, the worker's model with its slots and rests, policy, and the bus's own agreement on rests, on a simulated bucket.
 * Workers are killed and started again.
 *
 * Always: no call starts that its worker knows must rest; one probe at a time over all workers; never more calls than
 * slots; each task has an end by its deadline. When all is well again: each model is back by itself.
 */
export async function simulateRests(seed: number): Promise<void> {
  const time = new VirtualTime(seed);
  await time.run(() => new RestsWorld(time).play());
}

class RestsWorld {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #server: RestServer;
  readonly #slots: number;
  readonly #models: readonly string[];
  readonly #snapshot: ReturnType<typeof snapshotOf>;
  readonly #moods = new Map<string, Mood>();
  readonly #renewedUntilMs = new Map<string, number>();
  readonly #groups = new Map<string, Set<Member>>();
  readonly #workers = new Set<LiveWorker>();
  readonly #watchers = new Map<Actor, Set<() => void>>();
  readonly #routers: { readonly router: Router; readonly actor: Actor; readonly slots: SlotQueues }[] = [];
  /** Probes under way, by model and worker: since when, and after which rest. */
  readonly #probes = new Map<string, Map<Actor, { readonly sinceMs: number; readonly restMs: number }>>();
  readonly #asked = new Map<string, Asked>();
  #started = 0;
  #isCalm = false;

  constructor(time: VirtualTime) {
    const { random } = time;
    this.#time = time;
    const isWild = random.chance(0.5);
    this.#network = new Network(time, {
      drop: 0,
      late: isWild ? 0.05 : 0,
      latestMs: 950,
      duplicate: 0,
    });
    this.#server = new RestServer(time, this.#network);
    this.#slots = 1 + random.below(3);
    this.#models = ['m0', 'm1', 'm2'].slice(0, 1 + random.below(3));
    this.#snapshot = snapshotOf(this.#models, this.#slots, random.pick([undefined, 0.5, 5]));
    for (const model of this.#models) this.#moods.set(model, 'well');
  }

  async play(): Promise<void> {
    const { random } = this.#time;
    for (let n = 0; n < 1 + random.below(2); n += 1) await this.#startRouter();
    for (let n = 0; n < 1 + random.below(3); n += 1) await this.#startWorker();
    const asking = Array.from({ length: 1 + random.below(6) }, () => this.#askOn());
    await this.#trouble(10_000 + random.below(50_000));
    this.#isCalm = true;
    this.#time.note('all is well from here on');
    for (const model of this.#models) this.#moods.set(model, 'well');
    await Promise.all(asking);
    await Promise.all(this.#models.map((model) => this.#checkBack(model)));
    // Calls of silent providers hold their slots until their deadlines.
    await this.#time.pause(longestTaskMs);
    for (const model of this.#models) await this.#checkTurns(model);
  }

  /** More tasks at once than there are slots: each has its turn. */
  async #checkTurns(model: string): Promise<void> {
    const count = this.#slots * this.#workers.size + 2;
    const ends = await Promise.all(Array.from({ length: count }, () => this.#ask(model, longestTaskMs)));
    const inVain = ends.filter((how) => how !== 'end');
    if (inVain.length > 0) this.#time.fail(`${inVain.length} of ${count} tasks of ${model} wait in vain: ${inVain[0]}`);
  }

  async #trouble(forMs: number): Promise<void> {
    const { random } = this.#time;
    const untilMs = this.#time.sinceStartMs + forMs;
    const meanMs = random.pick([300, 2_000, 8_000]);
    while (this.#time.sinceStartMs < untilMs) {
      await this.#time.pause(random.next() * 2 * meanMs);
      if (random.chance(0.15)) await this.#replaceWorker();
      else this.#change(random.pick(this.#models), random.pick(['well', 'well', 'failing', 'limited', 'silent']));
    }
  }

  #change(model: string, mood: Mood): void {
    this.#time.note(`${model} is ${mood}`);
    this.#moods.set(model, mood);
  }

  /** One is killed, another one starts. */
  async #replaceWorker(): Promise<void> {
    const { actor } = this.#time.random.pick([...this.#workers]);
    this.#time.note(`${actor.name} is killed`);
    actor.kill();
    for (const worker of this.#workers) if (worker.actor === actor) this.#workers.delete(worker);
    for (const members of this.#groups.values())
      for (const member of members) if (member.actor === actor) members.delete(member);
    for (const lost of this.#watchers.get(actor) ?? []) this.#time.surelyAfter(seenDeadAfterMs, lost);
    await this.#startWorker();
  }

  async #startRouter(): Promise<void> {
    const { random } = this.#time;
    const actor = new Actor(`router${this.#routers.length}`);
    const { snapshot } = this;
    await this.#time.as(actor, async () => {
      const rests = await cooldownsOf(this.#server.clientOf(actor), actor.name, Date.now);
      const slots = new SlotQueues();
      const policy = new Policy({ snapshots: snapshot, staleAfterMs: 15_000, nowMs: Date.now });
      setInterval(() => slots.poll(), pollEveryMs);
      const router = new Router({
        routerId: actor.name,
        decisions: new Decisions(
          { decide: async (facts) => ({ setId: 'set', set: policy.decide(facts) }) },
          snapshot,
          Date.now,
        ),
        calls: this.#callsOf(actor),
        workers: { unserved: () => new Map(), isServed: () => true },
        rests,
        slots,
        records: { decided() {}, intent() {}, call() {} },
        nowMs: Date.now,
        clock: exactClock(),
        newSeed: () => random.below(2 ** 32),
        snapshot: () => snapshot.current,
        maxTasks: 1_000,
        refusals: openRefusals,
      });
      this.#routers.push({ router, actor, slots });
    });
  }

  get snapshot() {
    const current = this.#snapshot;
    return { current, ageMs: () => 0, untilRevision: async () => true, onChange: () => () => {} };
  }

  async #startWorker(): Promise<void> {
    const { random } = this.#time;
    this.#started += 1;
    const actor = new Actor(`worker${this.#started}`);
    this.#time.note(`${actor.name} starts`);
    await this.#time.as(actor, async () => {
      const rests = await cooldownsOf(this.#server.clientOf(actor), actor.name, Date.now);
      const calls = new CallIndex();
      const live: LiveWorker = { actor, calls, rests, inFlight: new Map() };
      const worker = new Worker({
        workerId: actor.name,
        groups: this.#groupsOf(actor),
        snapshots: this.snapshot,
        judge: judgeBy(15_000),
        records: { call() {} },
        rests,
        allowances: unlimited,
        payloads: noPayloads,
        hooks: [],
        nowMs: Date.now,
        startClock: exactClock(),
        draw: () => random.next(),
        calls,
        providers: new Map([['openai-compatible', this.#providerOf(live)]]),
        selects: () => true,
        lookBySchedule: () => ({ stop() {} }),
        onError: (what, error) => this.#time.note(`${actor.name}: ${what}: ${(error as Error).message}`),
      });
      this.#workers.add(live);
      await worker.start(() => {});
    });
  }

  #groupsOf(actor: Actor): Groups {
    return {
      join: (model, classes, take) => {
        const member = { actor, take };
        const groups = classes.map((dataClass) => this.#group(`${dataClass} ${model}`));
        for (const group of groups) group.add(member);
        return {
          // Calls that are on their way still come.
          leave: async () => {
            await this.#time.pause(this.#time.between(0.1, 5));
            for (const group of groups) group.delete(member);
          },
        };
      },
      announceFree: (model, { toAll, kept }) => {
        for (const { slots, actor: router } of this.#routers)
          this.#network.send(() => slots.free(model, toAll, kept), router);
      },
    };
  }

  /** A call is accepted right before it starts: not after the instant that its router gave it. */
  #checkInTime({ attemptId, model, startUntilUnixMs }: wire.CallRequest): void {
    const untilMs = Math.max(Number(startUntilUnixMs), this.#renewedUntilMs.get(attemptId) ?? 0);
    if (Date.now() > untilMs)
      this.#time.fail(`a call of ${model} began ${Date.now() - untilMs} ms after its delivery expired`);
  }

  #group(key: string): Set<Member> {
    const group = this.#groups.get(key) ?? new Set();
    this.#groups.set(key, group);
    return group;
  }

  #callsOf(router: Actor): Calls {
    return {
      send: ({ request, dataClass }, onSignal) => {
        const { attemptId, model } = request;
        let isOpen = true;
        let lastAtMs = 0;
        // What one worker says comes in its order.
        const hear = (signal: CallSignal): void => {
          const { sinceStartMs } = this.#time;
          lastAtMs = Math.max(lastAtMs, sinceStartMs + this.#time.between(0.1, 5));
          this.#time.after(lastAtMs - sinceStartMs, () => isOpen && onSignal(signal), router);
        };
        this.#network.send(() => {
          const member = this.#memberOf(`${dataClass} ${model}`);
          if (!member) return hear({ kind: 'nobody' });
          const { actor, take } = member;
          const toRouter = (kind: wire.CallEvent['kind']): void => {
            if (kind.case === 'accepted') this.#checkInTime(request);
            hear({ kind: 'event', event: create(wire.CallEventSchema, { attemptId, workerId: actor.name, kind }) });
          };
          const call = { request, dataClass, toRouter, toCaller: (frame: wire.Frame) => this.#frame(frame) };
          this.#time.after(this.#time.between(0.1, 5), () => take(call), actor);
        });
        return { close: () => void (isOpen = false) };
      },
      command: (workerId, attemptId, command, startUntilUnixMs = 0) => {
        const worker = [...this.#workers].find(({ actor }) => actor.name === workerId);
        const control = { attemptId, command, startUntilUnixMs: BigInt(startUntilUnixMs) };
        if (command === wire.CallCommand.START) this.#renewedUntilMs.set(attemptId, startUntilUnixMs);
        if (worker) this.#network.send(() => worker.calls.obey(control), worker.actor);
      },
      isInTouch: () => new Promise((resolve) => void this.#time.after(1, () => resolve(true), router)),
      watch: (workerId, onLost) => {
        const actor = [...this.#workers].find((worker) => worker.actor.name === workerId)?.actor;
        if (!actor) {
          const lost = this.#time.after(seenDeadAfterMs, onLost, router);
          return () => void (lost.work = undefined);
        }
        const watchers = this.#watchers.get(actor) ?? new Set();
        this.#watchers.set(actor, watchers);
        let isWatched = true;
        const lost = (): void => void this.#time.after(0, () => isWatched && onLost(), router);
        watchers.add(lost);
        return () => {
          isWatched = false;
          watchers.delete(lost);
        };
      },
    };
  }

  #memberOf(key: string): Member | undefined {
    const members = [...this.#group(key)];
    return members.length === 0 ? undefined : this.#time.random.pick(members);
  }

  #providerOf(worker: LiveWorker): Provider {
    return {
      name: 'openai-compatible',
      open: async ({ slug }): Promise<ModelConnection> => ({
        naturalConcurrency: undefined,
        probe: async () => ({ healthy: true, detail: '' }),
        close: async () => {},
        run: (_call, onDelta, signal) => this.#upstream(worker, slug, onDelta, signal),
      }),
    };
  }

  async #upstream(
    worker: LiveWorker,
    model: string,
    onDelta: Parameters<ModelConnection['run']>[1],
    signal: AbortSignal,
  ): Promise<ProviderOutcome> {
    const isProbe = this.#checkStart(worker, model);
    const { inFlight, actor } = worker;
    inFlight.set(model, (inFlight.get(model) ?? 0) + 1);
    let isCancelled = false;
    try {
      const outcome = await this.#answer(model, onDelta, signal);
      isCancelled = !outcome.ok && outcome.failure.fine === 'Cancelled';
      return outcome;
    } finally {
      inFlight.set(model, (inFlight.get(model) ?? 0) - 1);
      if (isProbe) this.#probes.get(model)?.delete(actor);
      if (isProbe && isCancelled) this.#checkGivenBack(worker, model);
    }
  }

  /** The probe that just ended told nothing: its lease must not stand until it runs out. */
  #checkGivenBack({ actor }: LiveWorker, model: string): void {
    const { nowMs } = this.#time;
    this.#time.surelyAfter(probeBackWithinMs, () => {
      const value = this.#server.entries.get(model)?.value;
      if (!value || actor.isDead) return;
      const { prober, probeUntilUnixMs } = fromBinary(wire.CooldownSchema, value);
      const takenAtMs = Number(probeUntilUnixMs) - probeLeaseMs;
      if (prober === actor.name && takenAtMs < nowMs && Number(probeUntilUnixMs) > this.#time.nowMs)
        this.#time.wrong(`${actor.name} keeps the probe of ${model}, which told nothing`);
    });
  }

  /** @returns whether it finds out if the model is well after a rest. */
  #checkStart({ actor, rests, inFlight }: LiveWorker, model: string): boolean {
    const { nowMs } = this.#time;
    const rest = rests.restOf(model);
    this.#time.note(`${actor.name} calls ${model}${rest ? ', as a probe' : ''}`);
    if (rest && rest.untilMs > Math.floor(nowMs))
      this.#time.wrong(`${actor.name} calls ${model}, which it knows rests`);
    if ((inFlight.get(model) ?? 0) >= this.#slots)
      this.#time.wrong(`${actor.name} has more calls of ${model} than slots`);
    if (!rest) return false;
    const probes = this.#probes.get(model) ?? new Map<Actor, { sinceMs: number; restMs: number }>();
    this.#probes.set(model, probes);
    // Another rest that began meanwhile has a probe of its own.
    for (const [other, { sinceMs, restMs }] of probes)
      if (!other.isDead && restMs === rest.untilMs && nowMs - sinceMs < probeLeaseMs)
        this.#time.wrong(`${actor.name} probes ${model} while ${other.name} does`);
    probes.set(actor, { sinceMs: nowMs, restMs: rest.untilMs });
    return true;
  }

  async #answer(
    model: string,
    onDelta: Parameters<ModelConnection['run']>[1],
    signal: AbortSignal,
  ): Promise<ProviderOutcome> {
    const { random } = this.#time;
    const mood = this.#moods.get(model) as Mood;
    if (mood === 'silent') return this.#untilAborted(signal);
    await Promise.race([this.#time.pause(20 + random.next() * random.pick([100, 2_000])), this.#untilAborted(signal)]);
    if (signal.aborted) return failed('Cancelled', 'cancelled');
    if (mood === 'failing') return failed('Overloaded', 'server_error');
    if (mood === 'limited') return failed('RateLimited', 'rate_limit', random.pick([300, 2_000, 10_000]));
    onDelta({ text: 'word' });
    return { ok: true, finish: 'stop', usage: noUsage, output: undefined };
  }

  #untilAborted(signal: AbortSignal): Promise<ProviderOutcome> {
    return new Promise((resolve) => {
      const end = (): void => resolve(failed(signal.reason === 'deadline' ? 'Deadline' : 'Cancelled', 'cancelled'));
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  async #askOn(): Promise<void> {
    const { random } = this.#time;
    const meanMs = random.pick([50, 500, 3_000]);
    while (!this.#isCalm) {
      await this.#time.pause(random.next() * 2 * meanMs);
      await this.#ask(random.chance(0.3) ? random.pick(this.#models) : '', random.pick([1_000, 5_000, longestTaskMs]));
    }
  }

  /** Gives a task to some router; resolves with its end. */
  async #ask(model: string, withinMs: number): Promise<string> {
    const { random, nowMs } = this.#time;
    const taskId = `task-${String(this.#asked.size).padStart(8, '0')}`;
    const asked: Asked = { deadlineMs: nowMs + withinMs, model, ends: 0, wasChosen: false, how: '' };
    this.#asked.set(taskId, asked);
    const { router, actor } = random.pick(this.#routers);
    const task = create(wire.TaskSchema, {
      taskId,
      type: 'text_gen',
      model,
      priority: priorityToWire(random.pick(['high', 'normal', 'background'])),
      dataClass: dataClassToWire('open'),
      deadlineUnixMs: BigInt(Math.floor(asked.deadlineMs)),
      stream: true,
      inputTokens: 1,
      inputKind: 'chat',
      input: new TextEncoder().encode('{"messages":[{"role":"user","content":"x"}]}'),
    });
    this.#time.after(
      1,
      () => router.take(task, client, { inbox: `_INBOX.${client}.c.t`, send: (frame) => this.#frame(frame) }),
      actor,
    );
    while (asked.ends === 0) {
      await this.#time.pause(20);
      if (this.#time.nowMs <= asked.deadlineMs + graceMs) continue;
      this.#time.wrong(`${taskId} has no end ${graceMs} ms after its deadline`);
      break;
    }
    return asked.how;
  }

  #frame({ taskId, kind }: wire.Frame): void {
    const asked = this.#asked.get(taskId);
    if (asked && kind.case === 'counts') asked.wasChosen = true;
    if (!asked || (kind.case !== 'end' && kind.case !== 'failure')) return;
    asked.ends += 1;
    const how = kind.case === 'end' ? 'end' : (wire.FailureCode[kind.value.code] ?? '');
    this.#time.note(`${taskId}: ${how}${kind.case === 'failure' ? `, ${kind.value.message}` : ''}`);
    // Of several attempts that may have content the caller was told which counts. At its deadline its router and its worker may both say how it ended: the caller goes by the first word.
    if (asked.ends > 1 && how !== 'DEADLINE' && asked.how !== 'DEADLINE' && !asked.wasChosen)
      this.#time.wrong(`${taskId} ends by ${how}, and ended by ${asked.how} before`);
    asked.how = how;
  }

  async #checkBack(model: string): Promise<void> {
    const untilMs = this.#time.sinceStartMs + backWithinMs;
    for (;;) {
      const how = await this.#ask(model, 5_000);
      if (how === 'end' && this.#server.entries.get(model)?.value === undefined) return;
      if (this.#time.sinceStartMs > untilMs) this.#time.fail(`${model} is well, and not back: ${how}`);
      await this.#time.pause(500);
    }
  }
}

function snapshotOf(models: readonly string[], concurrency: number, cooldownSeconds: number | undefined) {
  const documents: AnyDocument[] = models.map((slug) => ({
    kind: 'model',
    body: {
      name: slug,
      slug,
      aliases: [],
      tags: ['text_gen'],
      capabilities: [],
      tier: 'standard',
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
      provider: 'openai-compatible',
      call_method: 'API',
      endpoint: 'http://10.0.0.5:8000/v1',
      limits: { concurrency, ...(cooldownSeconds !== undefined && { cooldown_seconds: cooldownSeconds }) },
    },
  }));
  const steps = models.map((model, n) => ({ step: n === 0 ? 'primary' : `fallback_${n}`, model }));
  const route = { kind: 'route', body: { name: 'text_gen', slug: 'text_gen', steps, wait_ms: 20 } } as AnyDocument;
  const compiled = compileSnapshot(1, [...documents, route, { kind: 'client', body: { name: client, slug: client } }]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

const noUsage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };

const failed = (
  fine: ProviderFailure['fine'],
  reason: ProviderFailure['reason'],
  retryAfterMs?: number,
): ProviderOutcome => ({
  ok: false,
  failure: { fine, reason, message: reason, status: undefined, isRetryable: fine !== 'Cancelled', retryAfterMs },
  usage: undefined,
});
