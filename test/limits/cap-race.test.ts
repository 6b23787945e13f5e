import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bus, connectBus, type Counters, openCounters } from '@will/bus';
import { counterKey, type CallRecord, type Limit, type LimitMetric, periodAt } from '@will/core';
import { newId } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveLimits } from '../../services/telemetry/src/adapters/bus-limits.ts';
import { Absences } from '../../services/telemetry/src/absences.ts';
import { LedgerKeeper } from '../../services/telemetry/src/ledger.ts';

// Processes race for a limit on a real server, and die. `WILL_CAP_RACES` sets how often, `WILL_RATE_WINDOWS` for how many windows of a rate, `WILL_CAP_KILLS` how many die in one
// race in which they follow each other.

const races = Number(process.env['WILL_CAP_RACES'] ?? 4);
const manyKills = Number(process.env['WILL_CAP_KILLS'] ?? 8);
const windows = Number(process.env['WILL_RATE_WINDOWS'] ?? 4);
const atOnce = 3;
const callers = 64;
let nats: NatsServer;
let bus: Bus;
let counters: Counters;
let dir: string;

beforeAll(async () => {
  nats = await startNatsServer();
  bus = await connectBus({ servers: nats.url, processId: 'test', inboxScope: 'telemetry' });
  counters = await openCounters(bus);
  dir = await mkdtemp(join(tmpdir(), 'will-limits-'));
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
  await rm(dir, { recursive: true });
});

const capOf = (most: number, metric: LimitMetric = 'requests'): Limit => ({
  scope: 'model',
  id: `m-${newId()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')}`,
  metric,
  period: 'day',
  zone: 'UTC',
  most: BigInt(most),
  warnAt: undefined,
});

interface Taker {
  readonly id: string;
  readonly child: ChildProcess;
  /** Takes until it is refused. Resolves with the reason; undefined: it died. */
  take(): Promise<string | undefined>;
  /** Takes, again and again, for so long. */
  demandFor(ms: number): Promise<unknown>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** As far as the keeper looks at it. */
const anyCall = { attempt: 1, usage: undefined, costNanoUsd: undefined } as CallRecord;

/** A limit, the processes that race for it, what they were granted, and the keeper that looks after the dead. */
class Race {
  readonly limit: Limit;
  readonly file: string;
  readonly keeper: LedgerKeeper;
  readonly living = new Set<string>();
  /** How many times faster than the wall the clock of takers and keeper runs. */
  readonly speed: number;
  #reading: FileHandle | undefined;
  #readBytes = 0;
  #counted = 0;
  heardTotal: bigint | undefined;
  /** Of each counter of the limit, as heard. */
  readonly totals = new Map<string, bigint>();
  /** How far the keeper's clock is ahead. */
  aheadMs = 0;
  readonly closers: (() => Promise<unknown>)[] = [];

  constructor(limit: Limit, speed = 1) {
    this.speed = speed;
    this.limit = limit;
    this.file = join(dir, limit.id);
    this.keeper = new LedgerKeeper({
      counters,
      log: { calls: async ({ toMs }) => (toMs === undefined ? [] : await this.records()), openIntents: async () => [] },
      progress: { readUntilMs: async () => this.nowMs() },
      snapshot: () => undefined,
      absences: new Absences(
        () => this.living,
        () => this.nowMs(),
      ),
      nowMs: () => this.nowMs(),
      onWarning: () => {},
    });
  }

  nowMs(): number {
    return Date.now() * this.speed + this.aheadMs;
  }

  async start(): Promise<void> {
    await writeFile(this.file, '');
    this.closers.push(
      await counters.follow(this.limit.period === 'minute' ? 'rate' : 'ledger', (increment) => {
        this.keeper.take(increment);
        if (increment.key.startsWith(`model.${this.limit.id}.`)) this.totals.set(increment.key, increment.total);
        if (increment.key === this.key()) this.heardTotal = increment.total;
      }),
    );
    const server = serveLimits(bus, this.keeper, (what, error) => {
      throw new Error(what, { cause: error });
    });
    this.closers.push(() => server.stop());
    await bus.connection.flush();
  }

  async stop(): Promise<void> {
    for (const close of this.closers.reverse()) await close();
    await this.#reading?.close();
  }

  /** What was granted, as the takers wrote it down themselves. */
  async grants(): Promise<string[]> {
    const lines = (await readFile(this.file, 'utf8')).split('\n');
    return lines.filter((line) => line !== '');
  }

  /** Resolves after so many grants; looks all the time, since a race takes some tens of milliseconds. */
  async untilGranted(count: number): Promise<void> {
    while ((await this.#countGrants()) < count) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Reads only what was written since it looked last. */
  async #countGrants(): Promise<number> {
    this.#reading ??= await open(this.file, 'r');
    const { bytesRead, buffer } = await this.#reading.read(Buffer.alloc(1 << 16), 0, 1 << 16, this.#readBytes);
    this.#readBytes += bytesRead;
    this.#counted += buffer.subarray(0, bytesRead).filter((byte) => byte === 10).length;
    return this.#counted;
  }

  async records(): Promise<CallRecord[]> {
    return (await this.grants()).map((line, n) => {
      const [workerId = '', atMs = ''] = line.split(' ');
      return { ...anyCall, attemptId: `${n}`, workerId, startedAtMs: Number(atMs), model: this.limit.id };
    });
  }

  async taker(): Promise<Taker> {
    const id = `w${newId()}`;
    const limit = JSON.stringify({ ...this.limit, most: `${this.limit.most}` });
    const file = fileURLToPath(new URL('taker.ts', import.meta.url));
    const child = fork(file, [nats.url, id, this.file, limit, `${callers}`, `${atOnce}`, `${this.speed}`], {
      execArgv: [],
    });
    const exited = once(child, 'exit');
    await once(child, 'message');
    this.living.add(id);
    return {
      id,
      child,
      async take() {
        const answer = once(child, 'message').then(([word]) => (word as { reason: string }).reason);
        child.send('take');
        return Promise.race([answer, exited.then(() => undefined)]);
      },
      demandFor(ms) {
        const answer = once(child, 'message');
        child.send(ms);
        return answer;
      },
      kill: async () => {
        child.kill('SIGKILL');
        await exited;
        this.living.delete(id);
      },
      stop: async () => {
        child.send('stop');
        await exited;
        this.living.delete(id);
      },
    };
  }

  /** Time passes until those who died count as dead, and the keeper ends what they held. */
  async sweep(): Promise<number> {
    // What the keeper hears of is a moment behind; in life half a minute passes here.
    while (this.heardTotal !== (await this.total())) await new Promise((resolve) => setImmediate(resolve));
    await this.keeper.sweep();
    this.aheadMs += 31_000;
    return this.keeper.sweep();
  }

  key(): string {
    return counterKey(this.limit, periodAt('day', 'UTC', Date.now()));
  }

  /** All of it is granted, and nothing is held beside. */
  async isUsedUp(most: number): Promise<boolean> {
    return (await this.grants()).length === most && (await this.total()) === BigInt(most);
  }

  async total(): Promise<bigint | undefined> {
    return counters.total({ kind: 'ledger', key: this.key() });
  }
}

async function inRace(most: number, work: (race: Race) => Promise<void>): Promise<void> {
  await inRaceFor(new Race(capOf(most)), work);
}

async function inRaceFor(race: Race, work: (race: Race) => Promise<void>): Promise<void> {
  await race.start();
  try {
    await work(race);
  } finally {
    await race.stop();
  }
}

test(
  `${atOnce} processes of ${callers} callers race for 500, and one of them dies: never above, and in the end all of it`,
  async () => {
    const lost: number[] = [];
    for (let n = 0; n < races; n += 1) {
      await inRace(500, async (race) => {
        const takers = await Promise.all(Array.from({ length: atOnce }, () => race.taker()));
        const taking = takers.map((taker) => taker.take());
        const victim = takers[n % atOnce] as Taker;
        await race.untilGranted((n * 61) % 450);
        await victim.kill();
        await Promise.all(taking);
        const before = (await race.grants()).length;
        expect(before).toBeLessThanOrEqual(500);
        lost.push(500 - before);
        await Promise.all(takers.filter((taker) => taker !== victim).map((taker) => taker.stop()));
        const late = await race.taker();
        // What the dead one had sent may arrive after its hold was ended: then that is ended as well.
        for (let round = 0; round < 20 && !(await race.isUsedUp(500)); round += 1) {
          await race.sweep();
          expect(await late.take()).toContain('is reached');
        }
        await late.stop();
        expect((await race.grants()).length).toBe(500);
        expect(await race.total()).toBe(500n);
      });
    }
    process.stdout.write(
      `${races} races for 500: short by ${lost.join(', ')} before the dead one’s hold was ended, by 0 after\n`,
    );
  },
  60_000 + races * 10_000,
);

test(
  `${manyKills} processes die one after the other with something in hand, and nothing is spent that nobody used`,
  async () => {
    const most = manyKills * 400;
    await inRace(most, async (race) => {
      let used = 0;
      for (let n = 0; n < manyKills; n += 1) {
        const taker = await race.taker();
        const taking = taker.take();
        await race.untilGranted(used + ((n * 17) % 90));
        await taker.kill();
        used = (await race.grants()).length;
        await taking;
        // Each took a twelfth of what was left: without an end of their holds nothing would be left for the hundredth.
        if (n % 10 === 9) await race.sweep();
      }
      expect(used).toBeLessThanOrEqual(most);
      const held = await race.total();
      await race.sweep();
      const after = (await race.grants()).length;
      for (let round = 0; round < 20 && (await race.total()) !== BigInt(after); round += 1) await race.sweep();
      expect(await race.total()).toBe(BigInt(after));
      process.stdout.write(
        `${manyKills} kills: ${used} used, ${(held ?? 0n) - BigInt(used)} in the hands of the dead, 0 after the sweep\n`,
      );
    });
  },
  60_000 + manyKills * 2_000,
);

test(
  `under demand each window of ${atOnce} processes grants all of its limit, and never more`,
  async () => {
    const most = 300;
    // A minute of theirs is half a second of ours.
    const speed = 120;
    const limit: Limit = { ...capOf(most), period: 'minute' };
    await inRaceFor(new Race(limit, speed), async (race) => {
      const takers = await Promise.all(Array.from({ length: atOnce }, () => race.taker()));
      await Promise.all(takers.map((taker) => taker.demandFor((windows + 1) * (60_000 / speed))));
      await Promise.all(takers.map((taker) => taker.stop()));
      // What a window granted is what its counter says: a grant may be written down a moment after the window's end.
      const counts = [...race.totals.values()].map(Number);
      const written = (await race.grants()).length;
      process.stdout.write(`windows of ${most}: ${counts.join(', ')}, in all ${written} grants\n`);
      expect(Math.max(...counts)).toBeLessThanOrEqual(most);
      expect(written).toBeLessThanOrEqual(counts.reduce((sum, count) => sum + count, 0));
      // At the end of a window each process may have a block left.
      expect(written).toBeGreaterThanOrEqual((windows - 1) * (most - atOnce * Math.ceil(most / (4 * atOnce))));
    });
  },
  60_000 + windows * 1_000,
);
