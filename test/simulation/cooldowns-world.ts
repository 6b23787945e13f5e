import { cooldownsOf, type Cooldowns } from '@will/bus';
import { openRefusals } from '@will/contracts';
import { Policy } from '../../services/policy/src/service.ts';
import { authorizeBy } from '../../services/provider-worker/src/call/authorize.ts';
import { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { Decisions } from '../../services/router/src/decisions/decisions.ts';
import { Router } from '../../services/router/src/service.ts';
import { SlotQueues } from '../../services/router/src/task/slots.ts';
import { noPayloads, unlimited } from '../policy/short-cooldowns.ts';
import { CooldownCallers, maxTaskMs, type AskedRouter } from './cooldown-callers.ts';
import { snapshotOf } from './cooldown-documents.ts';
import { CooldownMessages, type ReachedRouter, type ReachedWorker } from './cooldown-messages.ts';
import { CooldownProviders, type CallingWorker, type Mood } from './cooldown-providers.ts';
import { CooldownServer } from './cooldown-server.ts';
import { Network } from './network.ts';
import { Standstills } from './standstills.ts';
import { Actor, VirtualTime } from './virtual-time.ts';

const pollEveryMs = 250;
const client = 'acme';

type LiveWorker = CallingWorker & ReachedWorker;
type LiveRouter = AskedRouter & ReachedRouter;

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
  readonly #between: Network;
  readonly #server: CooldownServer;
  readonly #slots: number;
  readonly #models: readonly string[];
  readonly #snapshot: ReturnType<typeof snapshotOf>;
  readonly #standstills: Standstills;
  readonly #providers: CooldownProviders;
  readonly #messages: CooldownMessages;
  readonly #callers: CooldownCallers;
  readonly #workers = new Set<LiveWorker>();
  readonly #routers = new Set<LiveRouter>();
  #started = 0;

  constructor(time: VirtualTime) {
    const { random } = time;
    this.#time = time;
    const late = random.chance(0.5) ? 0.05 : 0;
    const drop = random.pick([0, 0, 0.01, 0.05]);
    this.#network = new Network(time, { drop, late, latestMs: 950, duplicate: 0 });
    const duplicate = random.pick([0, 0, 0.05]);
    this.#between = new Network(time, { drop, late, latestMs: 950, duplicate });
    this.#server = new CooldownServer(time, this.#network);
    this.#slots = 1 + random.below(3);
    this.#models = ['m0', 'm1', 'm2'].slice(0, 1 + random.below(3));
    this.#snapshot = snapshotOf(client, this.#models, this.#slots, random.pick([undefined, 0.5, 5]));
    this.#standstills = new Standstills(time);
    this.#providers = new CooldownProviders(time, this.#server, this.#standstills, this.#slots, drop > 0);
    this.#callers = new CooldownCallers(time, this.#standstills, client, this.#models, this.#routers);
    const toCaller = this.#callers.frame.bind(this.#callers);
    this.#messages = new CooldownMessages(
      time,
      this.#between,
      this.#standstills,
      this.#workers,
      this.#routers,
      toCaller,
    );
  }

  async play(): Promise<void> {
    const { random } = this.#time;
    for (let n = 0; n < 1 + random.below(2); n += 1) await this.#startRouter();
    for (let n = 0; n < 1 + random.below(3); n += 1) await this.#startWorker();
    const asking = Array.from({ length: 1 + random.below(6) }, () => this.#callers.askOn());
    await this.#trouble(10_000 + random.below(50_000));
    this.#callers.calm();
    for (const network of [this.#network, this.#between])
      network.weather = { ...network.weather, drop: 0, duplicate: 0 };
    this.#time.note('all is well from here on');
    for (const { actor } of [...this.#workers, ...this.#routers]) this.#standstills.end(actor);
    for (const model of this.#models) this.#providers.setMood(model, 'well');
    await Promise.all(asking);
    const isBack = (model: string): boolean => this.#server.entries.get(model)?.value === undefined;
    await Promise.all(this.#models.map((model) => this.#callers.checkBack(model, () => isBack(model))));
    // Calls of silent providers hold their slots until their deadlines.
    await this.#time.pause(maxTaskMs);
    for (const model of this.#models) await this.#callers.checkTurns(model, this.#slots * this.#workers.size + 2);
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
      else if (fault < 0.3) this.#standstills.begin(random.pick([...this.#workers, ...this.#routers]).actor);
      else this.#change(random.pick(this.#models), random.pick(['well', 'well', 'failing', 'limited', 'silent']));
    }
  }

  #change(model: string, mood: Mood): void {
    this.#time.note(`${model} is ${mood}`);
    this.#providers.setMood(model, mood);
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
    this.#messages.lose(actor);
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
        calls: this.#messages.callsOf(actor),
        workers: {
          unserved: () => new Map(),
          isServed: () => true,
          serving: () => new Set([...this.#workers].map((worker) => worker.actor.name)),
        },
        cooldowns,
        slots,
        records: { decided() {}, intent() {}, call() {} },
        nowMs: Date.now,
        clock: this.#standstills.clockOf(actor),
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
        groups: this.#messages.groupsOf(actor),
        snapshots: this.snapshot,
        authorize: authorizeBy(15_000),
        records: { call() {} },
        cooldowns,
        allowances: unlimited,
        payloads: noPayloads,
        hooks: [],
        nowMs: Date.now,
        startClock: this.#standstills.clockOf(actor),
        draw: () => random.next(),
        calls,
        providers: new Map([['openai-compatible', this.#providers.of(live)]]),
        selects: () => true,
        scheduleHealthChecks: () => ({ stop() {} }),
        onError: (what, error) => this.#time.note(`${actor.name}: ${what}: ${(error as Error).message}`),
      });
      this.#workers.add(live);
      await worker.start(() => {});
    });
  }
}
