import { create, fromBinary } from '@bufbuild/protobuf';
import { cooldownsOf, type Cooldowns, type Work } from '@will/bus';
import { dataClassToWire, openRefusals, priorityToWire, wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type ProviderFailure } from '@will/core';
import type { ModelConnection, Provider, ProviderOutcome } from '@will/providers';
import { exactClock } from '@will/testkit';
import { Policy } from '../../services/policy/src/service.ts';
import { authorizeBy } from '../../services/provider-worker/src/call/authorize.ts';
import type { Groups, IncomingCall } from '../../services/provider-worker/src/ports.ts';
import { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { Decisions } from '../../services/router/src/decisions/decisions.ts';
import type { Calls, CallSignal } from '../../services/router/src/ports.ts';
import { Router } from '../../services/router/src/service.ts';
import { SlotQueues } from '../../services/router/src/task/slots.ts';
import { noPayloads, unlimited } from '../policy/short-cooldowns.ts';
import { Network } from './network.ts';
import { CooldownServer } from './cooldown-server.ts';
import { Actor, VirtualTime } from './virtual-time.ts';

const trialLeaseMs = 15_000;
/** Three heartbeats missed. */
const seenDeadAfterMs = 9_000;
const pollEveryMs = 250;
/** After its deadline a task has its end within this. */
const graceMs = 2_000;
/** Longer than any cooldown, and a trial call whose holder died. */
const backWithinMs = 120_000;
const maxTaskMs = 30_000;
/** A trial call that told nothing is released within this. */
const trialReleasedWithinMs = 5_000;
/** A router asks so often whether a worker still has its work, and believes this many denials in a row. */
const askInFlightEveryMs = 2_500;
const goneAfterAnswers = 2;
/** A message that is read so soon after a standstill may have come during it. */
const suspectForMs = 100;
const client = 'acme';

/** How the provider of a model behaves for now. */
type Mood = 'well' | 'failing' | 'limited' | 'silent';

interface LiveWorker {
  readonly actor: Actor;
  readonly calls: CallIndex;
  readonly cooldowns: Cooldowns;
  readonly inFlight: Map<string, number>;
}

interface Member {
  readonly actor: Actor;
  readonly take: (call: IncomingCall) => void;
}

interface LiveRouter {
  readonly router: Router;
  readonly actor: Actor;
  readonly slots: SlotQueues;
}

/** The last standstill of a process. */
interface Standstill {
  readonly endedAtMs: number;
  readonly forMs: number;
}

interface Asked {
  readonly deadlineMs: number;
  readonly model: string;
  ends: number;
  /** An attempt that was given up may still speak, and the caller was told which one counts. */
  wasChosen: boolean;
  /** The worker whose word ended it; undefined: its router's. */
  answeredBy: Actor | undefined;
  how: string;
}

/**
 * Routers and workers of a few models whose providers fail, set limits and are silent: the router's task and attempt, its
 * queues, the worker's model with its slots and cooldowns, policy, and the bus's own agreement on cooldowns, on a simulated bucket.
 * Workers and routers are killed and started again, and stand still; messages between them are late, lost and repeated.
 *
 * Always: no call starts of a model that its worker knows is cooling down; one trial call at a time over all workers; never more calls than
 * slots; each task has an end by its deadline, unless its router died. When all is well again: each model is back by itself.
 */
export async function simulateCooldowns(seed: number): Promise<void> {
  const time = new VirtualTime(seed);
  await time.run(() => new CooldownsWorld(time).play());
}

class CooldownsWorld {
  readonly #time: VirtualTime;
  /** To the server of the bucket. What is written there is compared and set, and so never made twice. */
  readonly #network: Network;
  /** Between routers and workers. */
  readonly #messages: Network;
  readonly #server: CooldownServer;
  /** Messages are lost: a trial call that was released may stand until its lease ends. */
  readonly #isLossy: boolean;
  readonly #slots: number;
  readonly #models: readonly string[];
  readonly #snapshot: ReturnType<typeof snapshotOf>;
  readonly #moods = new Map<string, Mood>();
  readonly #renewedUntilMs = new Map<string, number>();
  readonly #groups = new Map<string, Set<Member>>();
  readonly #workers = new Set<LiveWorker>();
  readonly #watchers = new Map<Actor, Set<() => void>>();
  readonly #routers = new Set<LiveRouter>();
  readonly #standstills = new Map<Actor, Standstill>();
  /** Attempts whose acceptance was told: it is told again where a router asks. */
  readonly #accepted = new Set<string>();
  /** Trial calls under way, by model and worker: until when nobody else may, and after which cooldown. */
  readonly #trials = new Map<string, Map<Actor, { readonly untilMs: number; readonly cooldownMs: number }>>();
  readonly #asked = new Map<string, Asked>();
  #started = 0;
  #isCalm = false;

  constructor(time: VirtualTime) {
    const { random } = time;
    this.#time = time;
    const late = random.chance(0.5) ? 0.05 : 0;
    const drop = random.pick([0, 0, 0.01, 0.05]);
    this.#isLossy = drop > 0;
    this.#network = new Network(time, { drop, late, latestMs: 950, duplicate: 0 });
    const duplicate = random.pick([0, 0, 0.05]);
    this.#messages = new Network(time, { drop, late, latestMs: 950, duplicate });
    this.#server = new CooldownServer(time, this.#network);
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
    for (const network of [this.#network, this.#messages])
      network.weather = { ...network.weather, drop: 0, duplicate: 0 };
    this.#time.note('all is well from here on');
    for (const { actor } of [...this.#workers, ...this.#routers]) this.#goOn(actor);
    for (const model of this.#models) this.#moods.set(model, 'well');
    await Promise.all(asking);
    await Promise.all(this.#models.map((model) => this.#checkBack(model)));
    // Calls of silent providers hold their slots until their deadlines.
    await this.#time.pause(maxTaskMs);
    for (const model of this.#models) await this.#checkTurns(model);
  }

  /** More tasks at once than there are slots: each has its turn. */
  async #checkTurns(model: string): Promise<void> {
    const count = this.#slots * this.#workers.size + 2;
    const ends = await Promise.all(Array.from({ length: count }, () => this.#ask(model, maxTaskMs)));
    const inVain = ends.filter((how) => how !== 'end');
    if (inVain.length > 0) this.#time.fail(`${inVain.length} of ${count} tasks of ${model} wait in vain: ${inVain[0]}`);
  }

  async #trouble(forMs: number): Promise<void> {
    const { random } = this.#time;
    const untilMs = this.#time.sinceStartMs + forMs;
    const meanMs = random.pick([300, 2_000, 8_000]);
    while (this.#time.sinceStartMs < untilMs) {
      await this.#time.pause(random.next() * 2 * meanMs);
      const fault = random.next();
      if (fault < 0.12) await this.#replaceWorker();
      else if (fault < 0.17) await this.#replaceRouter();
      else if (fault < 0.3) this.#standStill(random.pick([...this.#workers, ...this.#routers]).actor);
      else this.#change(random.pick(this.#models), random.pick(['well', 'well', 'failing', 'limited', 'silent']));
    }
  }

  #change(model: string, mood: Mood): void {
    this.#time.note(`${model} is ${mood}`);
    this.#moods.set(model, mood);
  }

  #standStill(actor: Actor): void {
    if (actor.isFrozen) return;
    const { nowMs, random } = this.#time;
    const forMs = random.pick([150, 400, 1_000, 2_000, 20_000]);
    this.#time.note(`${actor.name} stands still for ${forMs} ms`);
    actor.freeze();
    this.#standstills.set(actor, { endedAtMs: nowMs + forMs, forMs });
    this.#time.surelyAfter(forMs, () => this.#standstills.get(actor)?.endedAtMs === nowMs + forMs && this.#goOn(actor));
  }

  #goOn(actor: Actor): void {
    if (!actor.isFrozen) return;
    const { nowMs } = this.#time;
    const { endedAtMs, forMs } = this.#standstills.get(actor) as Standstill;
    this.#standstills.set(actor, { endedAtMs: nowMs, forMs: forMs - (endedAtMs - nowMs) });
    this.#time.note(`${actor.name} goes on`);
    this.#time.thaw(actor);
  }

  /** As a process finds out by itself, with the first message that it reads. */
  #stoodStillMs(actor: Actor, sinceMs = Number.NEGATIVE_INFINITY): number {
    const last = this.#standstills.get(actor);
    const isRecent = last !== undefined && this.#time.nowMs - last.endedAtMs <= suspectForMs;
    return isRecent && last.endedAtMs > sinceMs ? last.forMs : 0;
  }

  #clockOf(actor: Actor) {
    return { ...exactClock(), stoodStillMs: (sinceMs?: number) => this.#stoodStillMs(actor, sinceMs) };
  }

  /** One is killed, another one starts. Its callers hear no more of their tasks than the workers tell them. */
  async #replaceRouter(): Promise<void> {
    const router = this.#time.random.pick([...this.#routers]);
    await this.#startRouter();
    this.#time.note(`${router.actor.name} is killed`);
    router.actor.kill();
    this.#routers.delete(router);
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
    this.#started += 1;
    const actor = new Actor(`router${this.#started}`);
    this.#time.note(`${actor.name} starts`);
    const { snapshot } = this;
    await this.#time.as(actor, async () => {
      const cooldowns = await this.#cooldownsOf(actor);
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
        cooldowns,
        slots,
        records: { decided() {}, intent() {}, call() {} },
        nowMs: Date.now,
        clock: this.#clockOf(actor),
        newSeed: () => random.below(2 ** 32),
        snapshot: () => snapshot.current,
        maxTasks: 1_000,
        refusals: openRefusals,
      });
      this.#routers.add({ router, actor, slots });
    });
  }

  /** As a process that does not come up is started again. */
  async #cooldownsOf(actor: Actor): Promise<Cooldowns> {
    try {
      return await cooldownsOf(this.#server.clientOf(actor), actor.name, Date.now);
    } catch {
      return this.#cooldownsOf(actor);
    }
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
      const cooldowns = await this.#cooldownsOf(actor);
      const calls = new CallIndex();
      const live: LiveWorker = { actor, calls, cooldowns, inFlight: new Map() };
      const worker = new Worker({
        workerId: actor.name,
        groups: this.#groupsOf(actor),
        snapshots: this.snapshot,
        authorize: authorizeBy(15_000),
        records: { call() {} },
        cooldowns,
        allowances: unlimited,
        payloads: noPayloads,
        hooks: [],
        nowMs: Date.now,
        startClock: this.#clockOf(actor),
        draw: () => random.next(),
        calls,
        providers: new Map([['openai-compatible', this.#providerOf(live)]]),
        selects: () => true,
        scheduleHealthChecks: () => ({ stop() {} }),
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
          this.#messages.send(() => slots.free(model, toAll, kept), router);
      },
    };
  }

  /** A call is accepted right before it starts: not after the instant that its router gave it. */
  #checkInTime({ attemptId, model, startUntilUnixMs }: wire.CallRequest): void {
    if (this.#accepted.has(attemptId)) return;
    this.#accepted.add(attemptId);
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
        const { random } = this.#time;
        const { drop, duplicate } = this.#messages.weather;
        let isOpen = true;
        let lastAtMs = 0;
        // What one worker says comes in its order. After a lost connection it is said again.
        const hear = (signal: CallSignal, mayRepeat = true): void => {
          if (random.chance(drop)) return;
          if (mayRepeat && random.chance(duplicate)) hear(signal, false);
          const { sinceStartMs } = this.#time;
          lastAtMs = Math.max(lastAtMs, sinceStartMs + this.#time.between(0.1, 5));
          this.#time.after(lastAtMs - sinceStartMs, () => isOpen && onSignal(signal), router);
        };
        // A group gives each request to one worker, once.
        let isGiven = false;
        this.#messages.send(() => {
          if (isGiven) return;
          isGiven = true;
          const member = this.#memberOf(`${dataClass} ${model}`);
          if (!member) return hear({ kind: 'nobody' });
          const { actor, take } = member;
          const toRouter = (kind: wire.CallEvent['kind']): void => {
            if (kind.case === 'accepted') this.#checkInTime(request);
            hear({ kind: 'event', event: create(wire.CallEventSchema, { attemptId, workerId: actor.name, kind }) });
          };
          const call = { request, dataClass, toRouter, toCaller: (frame: wire.Frame) => this.#frame(frame, actor) };
          this.#time.after(this.#time.between(0.1, 5), () => take(call), actor);
        });
        return { close: () => void (isOpen = false) };
      },
      command: (workerId, attemptId, command, startUntilUnixMs = 0) => {
        const worker = [...this.#workers].find(({ actor }) => actor.name === workerId);
        const control = { attemptId, command, startUntilUnixMs: BigInt(startUntilUnixMs) };
        if (command === wire.CallCommand.START) this.#renewedUntilMs.set(attemptId, startUntilUnixMs);
        if (worker) this.#messages.send(() => worker.calls.obey(control), worker.actor);
      },
      isInTouch: async () => {
        if (this.#stoodStillMs(router) > suspectForMs) return false;
        await this.#time.pause(1);
        return this.#stoodStillMs(router) <= suspectForMs;
      },
      watch: (workerId, onLost, work) => {
        const worker = [...this.#workers].find(({ actor }) => actor.name === workerId);
        if (!worker) {
          const lost = this.#time.after(seenDeadAfterMs, onLost, router);
          return () => void (lost.work = undefined);
        }
        const watchers = this.#watchers.get(worker.actor) ?? new Set();
        this.#watchers.set(worker.actor, watchers);
        let isWatched = true;
        const lost = (): void => void this.#time.after(0, () => isWatched && onLost(), router);
        watchers.add(lost);
        const stopAsking = this.#askInFlight(worker, work, router, lost);
        return () => {
          isWatched = false;
          watchers.delete(lost);
          stopAsking();
        };
      },
    };
  }

  /** Asks a worker again and again whether it has some work. Returns how to stop. */
  #askInFlight({ calls, actor }: LiveWorker, work: Work, router: Actor, onGone: () => void): () => void {
    let denials = 0;
    const ask = (): void => {
      let isAnswered = false;
      const answer = (isHere: boolean): void => {
        if (isAnswered) return;
        isAnswered = true;
        denials = isHere ? 0 : denials + 1;
        if (denials === goneAfterAnswers) onGone();
      };
      this.#messages.send(() => {
        const isHere = calls.has(work);
        this.#messages.send(() => answer(isHere), router);
      }, actor);
    };
    const timer = setInterval(ask, askInFlightEveryMs);
    return () => clearInterval(timer);
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
        checkHealth: async () => ({ healthy: true, detail: '' }),
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
    const isTrial = this.#checkStart(worker, model);
    const { inFlight, actor } = worker;
    inFlight.set(model, (inFlight.get(model) ?? 0) + 1);
    let isCancelled = false;
    try {
      const outcome = await this.#answer(model, onDelta, signal);
      isCancelled = !outcome.ok && outcome.failure.status === 'Cancelled';
      return outcome;
    } finally {
      inFlight.set(model, (inFlight.get(model) ?? 0) - 1);
      if (isTrial) this.#trials.get(model)?.delete(actor);
      if (isTrial && isCancelled) this.#checkGivenBack(worker, model);
    }
  }

  /** Of its last one, or of the one it is in; 0: it never stood still. */
  #standstillEndMs(actor: Actor): number {
    return this.#standstills.get(actor)?.endedAtMs ?? 0;
  }

  /** The trial call that just ended told nothing: its lease must not stand until it runs out. */
  #checkGivenBack({ actor }: LiveWorker, model: string): void {
    if (this.#isLossy) return;
    const { nowMs } = this.#time;
    this.#time.surelyAfter(trialReleasedWithinMs, () => {
      const value = this.#server.entries.get(model)?.value;
      if (!value || actor.isDead || this.#standstillEndMs(actor) > nowMs) return;
      const { trialHolder, trialUntilUnixMs } = fromBinary(wire.CooldownSchema, value);
      const takenAtMs = Number(trialUntilUnixMs) - trialLeaseMs;
      if (trialHolder === actor.name && takenAtMs < nowMs && Number(trialUntilUnixMs) > this.#time.nowMs)
        this.#time.wrong(`${actor.name} keeps the trial call of ${model}, which told nothing`);
    });
  }

  /** @returns whether it finds out if the model is well after a cooldown. */
  #checkStart({ actor, cooldowns, inFlight }: LiveWorker, model: string): boolean {
    const { nowMs } = this.#time;
    const cooldown = cooldowns.cooldownOf(model);
    this.#time.note(`${actor.name} calls ${model}${cooldown ? ', as a trial call' : ''}`);
    if (cooldown && cooldown.untilMs > Math.floor(nowMs))
      this.#time.wrong(`${actor.name} calls ${model}, which it knows is cooling down`);
    if ((inFlight.get(model) ?? 0) >= this.#slots)
      this.#time.wrong(`${actor.name} has more calls of ${model} than slots`);
    if (!cooldown) return false;
    const trials = this.#trials.get(model) ?? new Map<Actor, { untilMs: number; cooldownMs: number }>();
    this.#trials.set(model, trials);
    // Another cooldown that began meanwhile has a trial call of its own.
    for (const [other, { untilMs, cooldownMs }] of trials)
      if (!other.isDead && cooldownMs === cooldown.untilMs && nowMs < untilMs)
        this.#time.wrong(`${actor.name} makes the trial call of ${model} while ${other.name} does`);
    trials.set(actor, { untilMs: this.#leaseEndMs(actor, model), cooldownMs: cooldown.untilMs });
    return true;
  }

  /** It acquired the trial call a while before it calls. */
  #leaseEndMs(actor: Actor, model: string): number {
    const value = this.#server.entries.get(model)?.value;
    const word = value && fromBinary(wire.CooldownSchema, value);
    return word?.trialHolder === actor.name ? Number(word.trialUntilUnixMs) : this.#time.nowMs + trialLeaseMs;
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
      await this.#ask(random.chance(0.3) ? random.pick(this.#models) : '', random.pick([1_000, 5_000, maxTaskMs]));
    }
  }

  /** Gives a task to some router; resolves with its end. */
  async #ask(model: string, withinMs: number): Promise<string> {
    const { random, nowMs } = this.#time;
    const taskId = `task-${String(this.#asked.size).padStart(8, '0')}`;
    const asked: Asked = {
      deadlineMs: nowMs + withinMs,
      model,
      ends: 0,
      wasChosen: false,
      answeredBy: undefined,
      how: '',
    };
    this.#asked.set(taskId, asked);
    const { router, actor } = random.pick([...this.#routers]);
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
      if (actor.isDead) return 'its router died';
      if (this.#time.nowMs <= Math.max(asked.deadlineMs, this.#standstillEndMs(actor)) + graceMs) continue;
      this.#time.wrong(`${taskId} has no end ${graceMs} ms after its deadline`);
      break;
    }
    return asked.how;
  }

  #frame({ taskId, kind }: wire.Frame, worker?: Actor): void {
    const asked = this.#asked.get(taskId);
    if (asked && kind.case === 'counts') asked.wasChosen = true;
    if (!asked || (kind.case !== 'end' && kind.case !== 'failure')) return;
    asked.ends += 1;
    const how = kind.case === 'end' ? 'end' : (wire.FailureCode[kind.value.code] ?? '');
    this.#time.note(`${taskId}: ${how}${kind.case === 'failure' ? `, ${kind.value.message}` : ''}`);
    // Of several attempts that may have content the caller was told which counts. At its deadline its router and its worker may both say how it ended: the caller goes by the first word. So it does where a worker died whose last words to the router were lost.
    if (
      asked.ends > 1 &&
      !asked.answeredBy?.isDead &&
      how !== 'DEADLINE' &&
      asked.how !== 'DEADLINE' &&
      !asked.wasChosen
    )
      this.#time.wrong(`${taskId} ends by ${how}, and ended by ${asked.how} before`);
    if (asked.ends === 1) asked.answeredBy = worker;
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
  status: ProviderFailure['status'],
  reason: ProviderFailure['reason'],
  retryAfterMs?: number,
): ProviderOutcome => ({
  ok: false,
  failure: {
    status,
    reason,
    message: reason,
    httpStatus: undefined,
    isRetryable: status !== 'Cancelled',
    retryAfterMs,
  },
  usage: undefined,
});
