import { type CallRecord, counterKey, type Limit, periodAt, type Usage } from '@will/core';
import { repeat } from '@will/runtime';
import { answerRecalls, BusLedger, PresenceLease } from '../../services/provider-worker/src/adapters/bus-ledger.ts';
import { Allowances } from '../../services/provider-worker/src/quota/allowances.ts';
import { serveLimits } from '../../services/telemetry/src/adapters/bus-limits.ts';
import { Absences } from '../../services/telemetry/src/absences.ts';
import { LedgerKeeper } from '../../services/telemetry/src/ledger.ts';
import { CallBook } from './call-book.ts';
import { CounterServer } from './counter-server.ts';
import { calm, drawnWeather, Network } from './network.ts';
import { Switchboard } from './simulated-bus.ts';
import { Actor, defaultStartMs, VirtualTime } from './virtual-time.ts';

const heartbeatMs = 3_000;
const expiryMs = 10_000;
const keepEveryMs = 5_000;
const maxCallMs = 8_000;
/** A worker that is silent for so long has lost its lease, and is not yet taken for dead. */
const leaseLostMs = 20_000;
/** By then a heartbeat has renewed the lease, and what lies idle was given back. */
const leaseBackMs = 5_000;
/** By then a worker's last batch of records is out. */
const recordsOutMs = 200;
/** Longer than a dead process keeps what it holds, and once more for what is heard late. */
const untilQuietMs = 100_000;
const maxRounds = 4;

interface LiveWorker {
  readonly actor: Actor;
  readonly allowances: Allowances;
  readonly ledger: BusLedger;
  /** As far as it knows the server's clock. */
  readonly nowMs: () => number;
  /** What its calls came to, by counter. */
  readonly spent: Map<string, bigint>;
  inFlight: number;
}

/** What a call really comes to of one limit: its reserve while it is under way. */
interface Spending {
  readonly limit: Limit;
  /** Of the counter of the period it began in. */
  readonly key: string;
  amount: bigint;
}

/**
 * Workers that take from limits they share, and the keeper that looks after the dead: the worker's allowances, its ledger
 * and lease, and telemetry's keeper and server, on a simulated server of counters. Workers and keeper are killed and started
 * again, stand still, and lose their connection; messages are lost, late and repeated.
 *
 * Always: calls never take more of a limit than it allows in its period, whatever is killed. When all is quiet: each
 * counter says exactly what the log of calls does, so that nobody's limit is short of anything.
 */
export async function simulateLimits(seed: number): Promise<void> {
  const startMs = seed % 4 === 0 ? defaultStartMs + 12 * 3_600_000 - 40_000 : defaultStartMs;
  const time = new VirtualTime(seed, startMs);
  await time.run(() => new LimitsWorld(time).play());
}

class LimitsWorld {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #board: Switchboard;
  readonly #server: CounterServer;
  readonly #book: CallBook;
  readonly #limits: readonly Limit[];
  readonly #spent = new Map<string, bigint>();
  #calls = 0;
  readonly #heartbeats = new Map<string, number>();
  readonly #workers = new Set<LiveWorker>();
  #keeper: Actor | undefined;
  #stopKeeper = async (): Promise<void> => {};
  #started = 0;
  #isOpen = true;
  /** No message was lost or late, and nobody stood still or was cut off. */
  #isUndisturbed: boolean;

  constructor(time: VirtualTime) {
    const { random } = time;
    this.#time = time;
    const weather = drawnWeather(time);
    this.#isUndisturbed = weather === calm;
    this.#network = new Network(time, weather);
    this.#board = new Switchboard(time, this.#network);
    // In some runs the stream is younger than the day: what the log knows of it is put into the counter.
    this.#server = new CounterServer(time, this.#network, time.nowMs - (random.chance(0.3) ? 0 : 40 * 24 * 3_600_000));
    this.#book = new CallBook(time);
    const limit = (most: number, over: Partial<Limit>): Limit => ({
      scope: 'model',
      id: 'm',
      metric: 'requests',
      period: 'day',
      zone: 'UTC',
      warnAt: undefined,
      most: BigInt(most),
      ...over,
    });
    const daily = limit(10 + random.below(90), { metric: random.pick(['requests', 'tokens']) });
    const perMinute = limit(5 + random.below(20), { period: 'minute', metric: daily.metric });
    this.#limits = random.pick([[daily], [perMinute], [perMinute, daily]]);
  }

  async play(): Promise<void> {
    const { random } = this.#time;
    const overdue = setInterval(() => this.#book.closeOverdue(), 1_000);
    this.#server.onAdded = (key) => this.#checkCovered(key);
    this.#startKeeper();
    for (let n = 0; n < 1 + random.below(3); n += 1) this.#startWorker();
    await this.#trouble(20_000 + random.below(100_000));
    await this.#quiet();
    await this.#checkExact();
    clearInterval(overdue);
  }

  async #trouble(forMs: number): Promise<void> {
    const { random } = this.#time;
    const untilMs = this.#time.sinceStartMs + forMs;
    const meanMs = random.pick([1_000, 4_000, 20_000]);
    while (this.#time.sinceStartMs < untilMs) {
      await this.#time.pause(random.next() * 2 * meanMs);
      this.#oneFault();
    }
  }

  #oneFault(): void {
    const { random } = this.#time;
    const workers = [...this.#workers];
    const worker = workers.length === 0 ? undefined : random.pick(workers);
    const fault = random.below(7);
    if (!worker || (fault === 0 && workers.length < 4)) return void this.#startWorker();
    if (fault === 1) return this.#kill(worker);
    if (fault === 2) return this.#freeze(worker.actor, random.pick([200, 5_000, 20_000, 60_000]));
    if (fault === 3) return this.#cut(worker.actor, random.pick([200, 5_000, 20_000]));
    if (fault === 4) return void this.#stop(worker);
    if (fault === 5) this.#startKeeper();
    if (fault === 6 && this.#keeper) this.#cut(this.#keeper, random.pick([200, 5_000]));
  }

  #startWorker(): LiveWorker {
    const { random } = this.#time;
    this.#started += 1;
    const actor = new Actor(`w${this.#started}`);
    const bus = this.#board.busOf(actor);
    const aheadMs = random.next() * 40 - 20;
    const nowMs = (): number => this.#time.nowMs + aheadMs;
    this.#time.note(`${actor.name} starts`);
    return this.#time.as(actor, () => {
      const lease = new PresenceLease(actor.name);
      const ledger = new BusLedger(bus, this.#server.clientOf(actor), lease);
      const allowances = new Allowances({
        ledger,
        lease,
        nowMs,
        processes: () => [...this.#heartbeats.values()].filter((atMs) => this.#time.nowMs - atMs < expiryMs).length,
      });
      answerRecalls(bus, allowances);
      const heartbeat = async (): Promise<void> => {
        const saidAtMs = performance.now();
        await this.#network
          .ask(() => void this.#heartbeats.set(actor.name, this.#time.nowMs), 2_000)
          .then(
            () => lease.confirm(saidAtMs),
            () => {},
          );
      };
      void heartbeat();
      setInterval(() => void heartbeat(), heartbeatMs);
      const worker = { actor, allowances, ledger, nowMs, spent: new Map<string, bigint>(), inFlight: 0 };
      this.#workers.add(worker);
      for (let n = 0; n < 1 + random.below(4); n += 1) void this.#caller(worker);
      return worker;
    });
  }

  async #caller(worker: LiveWorker): Promise<void> {
    const { random } = this.#time;
    const meanMs = random.pick([20, 200, 1_500]);
    while (this.#isOpen && this.#workers.has(worker)) {
      await this.#time.pause(random.next() * 2 * meanMs);
      if (!this.#isOpen || !this.#workers.has(worker)) return;
      worker.inFlight += 1;
      await this.#call(worker);
      worker.inFlight -= 1;
    }
  }

  async #call(worker: LiveWorker): Promise<void> {
    const { actor, allowances, nowMs, spent } = worker;
    const { random } = this.#time;
    const most = 1 + random.below(6);
    const hold = await allowances.take(this.#limits, amounts(most));
    if (!('settle' in hold)) return;
    const startedAtMs = nowMs();
    this.#calls += 1;
    this.#time.note(`${actor.name} begins call ${this.#calls}, of at most ${most} tokens`);
    const spendings = this.#limits.map((limit) => this.#spend(limit, startedAtMs, amounts(most)[limit.metric]));
    const record = recordOf(`${actor.name}-${this.#calls}`, actor.name, startedAtMs, most);
    this.#book.intend({ ...record, writtenBy: 'router' }, startedAtMs + maxCallMs + 2_000);
    await this.#time.pause(random.chance(0.1) ? random.next() * maxCallMs : random.next() * 300);
    const used = random.chance(0.5) ? most : random.below(most + 1);
    for (const spending of spendings) {
      const amount = amounts(used)[spending.limit.metric];
      this.#settle(spending, amount);
      spent.set(spending.key, (spent.get(spending.key) ?? 0n) + amount);
    }
    hold.settle(amounts(used));
    this.#book.add({ ...record, usage: usageOf(used), writtenBy: 'worker' });
  }

  #spend(limit: Limit, startedAtMs: number, amount: bigint): Spending {
    const key = counterKey(limit, periodAt(limit.period, limit.zone, startedAtMs));
    const spent = (this.#spent.get(key) ?? 0n) + amount;
    this.#spent.set(key, spent);
    if (spent > limit.most) this.#time.fail(`${key}: calls take ${spent} where ${limit.most} are allowed`);
    this.#checkCovered(key);
    return { limit, key, amount };
  }

  #settle({ key, amount }: Spending, used: bigint): void {
    this.#spent.set(key, (this.#spent.get(key) ?? 0n) - amount + used);
  }

  /** What calls take stands in the counter before they begin, and does not go out of it. */
  #checkCovered(key: string): void {
    const spent = this.#spent.get(key) ?? 0n;
    const total = this.#server.totals.get(key) ?? 0n;
    if (total < spent) this.#time.fail(`${key}: the counter says ${total}, and calls take ${spent}`);
  }

  #kill(worker: LiveWorker): void {
    this.#time.note(`${worker.actor.name} is killed`);
    worker.actor.kill();
    this.#workers.delete(worker);
  }

  #freeze(actor: Actor, forMs: number): void {
    this.#isUndisturbed = false;
    this.#time.note(`${actor.name} stands still for ${forMs} ms`);
    actor.freeze();
    this.#time.surelyAfter(forMs, () => {
      this.#time.note(`${actor.name} goes on`);
      this.#time.thaw(actor);
    });
  }

  #cut(actor: Actor, forMs: number): void {
    this.#isUndisturbed = false;
    this.#time.note(`${actor.name} loses its connection for ${forMs} ms`);
    this.#network.cut(actor);
    this.#time.surelyAfter(forMs, () => this.#network.mend(actor));
  }

  /** As main.ts ends: calls in flight end first, then what is in hand goes back. */
  async #stop(worker: LiveWorker): Promise<void> {
    if (!this.#workers.delete(worker)) return;
    const { actor, allowances, ledger } = worker;
    this.#time.note(`${actor.name} is told to stop`);
    await this.#time.as(actor, async () => {
      while (worker.inFlight > 0) await this.#time.pause(50);
      await this.#time.pause(recordsOutMs);
      allowances.close();
      await ledger.close();
      if (this.#isUndisturbed) this.#checkHolds(worker, 'stopped');
      if (this.#network.isConnected(actor)) this.#heartbeats.delete(actor.name);
      actor.kill();
    });
  }

  /** The one that gave back what it did not use holds what its calls came to, and no more. */
  #checkHolds({ actor, spent }: LiveWorker, after: string): void {
    for (const [key, held] of this.#server.held.get(actor.name) ?? [])
      if (held !== (spent.get(key) ?? 0n))
        this.#time.wrong(
          `${actor.name} ${after}: it holds ${held} of ${key}, its calls came to ${spent.get(key) ?? 0n}`,
        );
  }

  /** In place of the one that runs, which is killed. */
  #startKeeper(): void {
    if (this.#keeper) {
      this.#time.note('the keeper is killed and starts again');
      this.#keeper.kill();
      void this.#stopKeeper();
    }
    this.#started += 1;
    const actor = new Actor(`t${this.#started}`);
    const bus = this.#board.busOf(actor);
    this.#keeper = actor;
    this.#time.as(actor, () => {
      const counters = this.#server.clientOf(actor);
      const keeper = new LedgerKeeper({
        counters,
        log: this.#book.log,
        progress: this.#book.progress,
        snapshot: () => undefined,
        absences: new Absences(
          () => this.#living(),
          () => this.#time.nowMs,
        ),
        nowMs: () => this.#time.nowMs,
        onWarning: () => {},
      });
      for (const kind of ['ledger', 'rate'] as const) void counters.follow(kind, (increment) => keeper.take(increment));
      repeat(
        keepEveryMs,
        async () => void (bus.isConnected && (await keeper.sweep())),
        () => {},
      );
      const server = serveLimits(bus, keeper, (what, error) => this.#time.fail(`${what}: ${(error as Error).message}`));
      this.#stopKeeper = () => server.stop();
    });
  }

  #living(): ReadonlySet<string> {
    const isFresh = ([, atMs]: [string, number]): boolean => this.#time.nowMs - atMs < expiryMs;
    return new Set([...this.#heartbeats].filter(isFresh).map(([name]) => name));
  }

  /** No new calls, and no more faults; some workers end as they should, the others die. */
  async #quiet(): Promise<void> {
    const { random } = this.#time;
    this.#isOpen = false;
    this.#network.weather = calm;
    this.#network.mendAll();
    this.#time.note('all is calm from here on');
    await this.#time.pause(random.pick([100, 65_000]));
    if (random.chance(0.5)) await this.#loseLeaseTwice();
    for (const worker of this.#workers) {
      if (random.chance(0.5)) this.#kill(worker);
      else void this.#stop(worker);
    }
    await this.#time.pause(untilQuietMs);
  }

  /** A worker without a call in flight loses its lease twice and lives on: it keeps nothing of either name. */
  async #loseLeaseTwice(): Promise<void> {
    const { random } = this.#time;
    const worker = this.#startWorker();
    for (let losses = 1; losses <= 2; losses += 1) {
      await this.#time.pause(leaseBackMs);
      await this.#time.as(worker.actor, () => this.#call(worker));
      if (random.chance(0.5)) this.#freeze(worker.actor, leaseLostMs);
      else this.#cut(worker.actor, leaseLostMs);
      await this.#time.pause(leaseLostMs);
    }
    await this.#time.pause(leaseBackMs);
    this.#checkHolds(worker, 'lost its lease twice');
  }

  async #checkExact(): Promise<void> {
    const [daily] = this.#limits.filter(({ period }) => period === 'day');
    if (!daily) return;
    for (let round = 1; ; round += 1) {
      const wrong = this.#wrongTotal(daily);
      if (wrong === undefined) return;
      if (round > maxRounds) this.#time.fail(wrong);
      await this.#time.pause(untilQuietMs);
    }
  }

  #wrongTotal(limit: Limit): string | undefined {
    for (const [key, total] of this.#server.totals) {
      if (!key.includes('.d')) continue;
      const records = [...this.#book.records.values()];
      const inPeriod = records.filter(
        ({ startedAtMs }) => counterKey(limit, periodAt('day', 'UTC', startedAtMs)) === key,
      );
      const used = inPeriod.reduce(
        (sum, { usage }) => sum + (limit.metric === 'requests' ? 1n : BigInt(usage?.inputTokens ?? 0)),
        0n,
      );
      if (total !== used) return `${key}: the counter says ${total}, the log of calls ${used}, for good`;
    }
    return undefined;
  }
}

const amounts = (tokens: number) => ({ requests: 1n, tokens: BigInt(tokens), nano_usd: 0n });

const usageOf = (inputTokens: number): Usage => ({
  inputTokens,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
});

/** As far as anybody here looks at it. */
const recordOf = (attemptId: string, workerId: string, startedAtMs: number, reserve: number): CallRecord =>
  ({
    attemptId,
    taskId: attemptId,
    attempt: 1,
    model: 'm',
    client: 'c',
    workerId,
    startedAtMs,
    durationMs: 0,
    usage: usageOf(reserve),
    writtenBy: 'worker',
  }) as CallRecord;
