import type { CounterKind, CounterName, Counters, Increment } from '@will/bus';
import {
  allLimits,
  amountsOf,
  counterKey,
  endOfHold,
  type Limit,
  limitInWords,
  type LimitMetric,
  type Period,
  periodAt,
  periodOfKey,
  processOfHolder,
  type Snapshot,
} from '@will/core';
import type { CallFilter, CallLog } from '@will/store';
import type { Absences } from './absences.ts';
import type { StreamProgress } from './ports.ts';

export interface LedgerDeps {
  readonly counters: Pick<Counters, 'add' | 'total' | 'compact' | 'bornMs'>;
  readonly log: Pick<CallLog, 'calls' | 'openIntents'>;
  readonly progress: StreamProgress;
  readonly snapshot: () => Snapshot | undefined;
  readonly absences: Pick<Absences, 'deadAmong'>;
  /** By the bus server's clock. */
  readonly nowMs: () => number;
  /** A budget or cap has reached the share at which operators are warned. */
  readonly onWarning: (limit: string, usedShare: number) => void;
}

/** One limit, and how much of it is used in its present period. */
export interface LimitState {
  readonly limit: Limit;
  readonly period: Period;
  /** Used, or in the hands of workers. */
  readonly used: bigint;
  readonly warns: boolean;
}

/** A counter that cannot be opened now; the message says why. */
export class NotOpenedError extends Error {
  override readonly name = 'NotOpenedError';
}

/** Records of a process that died are here by then. */
const recordsWithinMs = 5_000;
const callsPerPage = 5_000;
const maxIntents = 10_000;
/** Longer than any period lasts, and calls that began in it. */
const forgottenAfterMs = 33 * 24 * 3_600_000;

interface Held {
  /** What all its increments come to. */
  amount: bigint;
  /** When it first took something. */
  readonly sinceMs: number;
  /** The name it held by last. */
  holder: string;
  /** How often what was held by each name was ended; an increment that was under way may be heard after an end. */
  readonly ends: Map<string, number>;
  /** Nothing was heard since the last end. */
  isEnded: boolean;
}

interface Counter {
  readonly name: CounterName;
  total: bigint;
  lastAtMs: number;
  readonly held: Map<string, Held>;
}

/**
 * Keeps the ledger true: gives back what dead workers held and did not use, puts what the log knows into counters that
 * are younger than their period, and tells how much of each limit is used.
 */
export class LedgerKeeper {
  readonly #deps: LedgerDeps;
  readonly #counters = new Map<string, Counter>();
  readonly #warned = new Set<string>();
  /** What the log knows of limits whose counter no call has opened yet, by the key of the counter. */
  #unopened: ReadonlyMap<string, bigint> = new Map();

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  take({ kind, key, amount, total, holder, id, atMs }: Increment): void {
    const counter = this.#counters.get(key) ?? { name: { kind, key }, total, lastAtMs: atMs, held: new Map() };
    this.#counters.set(key, counter);
    counter.total = total;
    counter.lastAtMs = atMs;
    if (holder === '') return;
    const process = processOfHolder(holder);
    const held = counter.held.get(process) ?? { amount: 0n, sinceMs: atMs, holder, ends: new Map(), isEnded: false };
    counter.held.set(process, held);
    held.amount += amount;
    held.holder = holder;
    const ends = held.ends.get(holder) ?? 0;
    held.isEnded = id === endOfHold(holder, key, ends);
    if (held.isEnded) held.ends.set(holder, ends + 1);
  }

  /** Every limit that a document states, with its present use. */
  states(): LimitState[] {
    const snapshot = this.#deps.snapshot();
    return snapshot ? allLimits(snapshot).map((limit) => this.#stateOf(limit)) : [];
  }

  /**
   * Looks up what was used of limits that were stated in the midst of their day or month, and that no call has counted
   * against since. It opens no counter: that is for who calls.
   */
  async lookUpUnopened(): Promise<void> {
    const { snapshot, nowMs } = this.#deps;
    const documents = snapshot();
    if (!documents || !(await this.#isLogRead())) return;
    const known = new Map<string, bigint>();
    for (const limit of allLimits(documents)) {
      const period = periodAt(limit.period, limit.zone, nowMs());
      const key = counterKey(limit, period);
      const place = placeOf(limit.scope, limit.id);
      if (limit.period === 'minute' || this.#counters.has(key) || !place) continue;
      const calls = { ...place, fromMs: period.startMs, toMs: period.endMs };
      known.set(key, this.#unopened.get(key) ?? (await this.#used(calls, limit.metric, () => true)));
    }
    this.#unopened = known;
  }

  /** Says once per period of each limit that it is nearly used up. */
  warn(): void {
    for (const { limit, period, used, warns } of this.states()) {
      const key = counterKey(limit, period);
      if (!warns || this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#deps.onWarning(limitInWords(limit), Number((used * 100n) / (limit.most || 1n)) / 100);
    }
  }

  /**
   * Puts what the log knows of a period into its counter, once: a limit may be stated, or its stream lost, in the midst of one.
   * @throws {NotOpenedError}
   */
  async open(counter: CounterName, startMs: number, endMs: number): Promise<void> {
    const { counters } = this.#deps;
    // The one that added to it had it opened before.
    if ((await counters.total(counter)) !== undefined) return;
    if (!(await this.#isLogRead())) throw new NotOpenedError('what was used before is still being read');
    const [scope = '', id = '', metric = ''] = counter.key.split('.');
    const place = placeOf(scope, id);
    if (!place || !isMetric(metric)) throw new NotOpenedError(`no limit is counted as ${counter.key}`);
    const used = await this.#used({ ...place, fromMs: startMs, toMs: endMs }, metric, () => true);
    // The same id from the one that opens it, as long as the stream is the same. Written also where nothing was used: who asked at
    // the same time may see calls in the log by now that are counted already.
    await counters.add(counter, used, '', `${counters.bornMs(counter.kind)}:${counter.key}:open`);
  }

  /** Gives back what processes that died held and did not use. @returns how many holds were ended. */
  async sweep(): Promise<number> {
    const dead = this.#deadProcesses();
    let ended = 0;
    for (const counter of this.#counters.values()) {
      for (const [process, held] of counter.held) {
        if (held.isEnded || !dead.has(process) || !(await this.#end(counter, process, held))) continue;
        ended += 1;
      }
    }
    await this.#forget();
    return ended;
  }

  /** True where the log holds the calls of up to a few seconds ago. */
  async #isLogRead(): Promise<boolean> {
    const { progress, nowMs } = this.#deps;
    const readUntilMs = await progress.readUntilMs();
    return readUntilMs !== undefined && readUntilMs >= nowMs() - recordsWithinMs;
  }

  #stateOf(limit: Limit): LimitState {
    const period = periodAt(limit.period, limit.zone, this.#deps.nowMs());
    const key = counterKey(limit, period);
    const used = this.#counters.get(key)?.total ?? this.#unopened.get(key) ?? 0n;
    const share = limit.warnAt ?? Infinity;
    return { limit, period, used, warns: Number(used) >= share * Number(limit.most) };
  }

  #deadProcesses(): ReadonlySet<string> {
    const holders = new Set<string>();
    for (const { held } of this.#counters.values())
      for (const [process, { isEnded }] of held) if (!isEnded) holders.add(process);
    return this.#deps.absences.deadAmong(holders);
  }

  async #end({ name, lastAtMs }: Counter, process: string, held: Held): Promise<boolean> {
    const { amount, sinceMs, holder, ends } = held;
    const { counters, log } = this.#deps;
    if (!(await this.#isLogRead())) return false;
    // An attempt whose end is still open will be charged at its reserve: it is not given back meanwhile.
    const intents = await log.openIntents(Number.MAX_SAFE_INTEGER, maxIntents);
    if (intents.some(({ record }) => record.workerId === process)) return false;
    const [scope = '', id = '', metric = ''] = name.key.split('.');
    const place = placeOf(scope, id);
    if (!place || !isMetric(metric)) return false;
    const period = this.#periodOf(name.key);
    const calls: CallFilter = {
      ...place,
      fromMs: Math.max(Math.floor(sinceMs) - recordsWithinMs, period?.startMs ?? 0),
      toMs: period?.endMs ?? lastAtMs + forgottenAfterMs,
    };
    const used = await this.#used(calls, metric, (workerId) => workerId === process);
    // Written also where nothing goes back: who reads it later, when the log has forgotten those calls, leaves it alone.
    await counters.add(name, used - amount, holder, endOfHold(holder, name.key, ends.get(holder) ?? 0));
    return true;
  }

  /** Undefined: it depends on a zone, and no document states that limit any more. */
  #periodOf(key: string): Period | undefined {
    const counted = key.slice(0, key.lastIndexOf('.') + 1);
    const snapshot = this.#deps.snapshot();
    const limit =
      snapshot && allLimits(snapshot).find((one) => counterKey(one, { token: '', startMs: 0, endMs: 0 }) === counted);
    const zone = limit?.zone ?? (key.startsWith('model.') ? 'UTC' : undefined);
    return zone === undefined ? undefined : periodOfKey(key, zone);
  }

  /** What the calls of a filter came to, of those workers that count. */
  async #used(
    filter: CallFilter,
    metric: LimitMetric,
    counts: (workerId: string | undefined) => boolean,
  ): Promise<bigint> {
    let used = 0n;
    const seen = new Set<string>();
    let toMs = filter.toMs ?? Infinity;
    for (;;) {
      const page = await this.#deps.log.calls({ ...filter, toMs }, callsPerPage);
      const fresh = page.filter(({ attemptId }) => !seen.has(attemptId));
      for (const { attemptId, attempt, workerId, usage, price, costNanoUsd } of fresh) {
        seen.add(attemptId);
        if (attempt === 0 || !counts(workerId)) continue;
        const amounts = amountsOf(usage, price);
        used += metric === 'nano_usd' ? (costNanoUsd ?? 0n) : (amounts[metric] ?? 0n);
      }
      const last = page.at(-1);
      if (page.length < callsPerPage || fresh.length === 0 || !last) return used;
      // Of several that began within one millisecond some may be on the next page.
      toMs = last.startedAtMs + 1;
    }
  }

  async #forget(): Promise<void> {
    const nowMs = this.#deps.nowMs();
    for (const [key, { name, lastAtMs }] of this.#counters) {
      if (nowMs - lastAtMs < (keptMs[name.kind] ?? forgottenAfterMs)) continue;
      this.#counters.delete(key);
      this.#warned.delete(key);
      if (name.kind === 'ledger') await this.#deps.counters.compact(name);
    }
  }
}

const keptMs: Record<CounterKind, number> = { ledger: forgottenAfterMs, rate: 180_000 };

const placeOf = (scope: string, id: string): CallFilter | undefined =>
  scope === 'model'
    ? { model: id }
    : scope === 'client'
      ? { client: id }
      : scope === 'project'
        ? { project: id }
        : undefined;

const isMetric = (text: string): text is LimitMetric => text === 'requests' || text === 'tokens' || text === 'nano_usd';
