import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AlertBucket, KeptAlert } from '@will/bus';
import { create, wire } from '@will/contracts';
import {
  alertRetryMs,
  type AlertsDocument,
  type AlertThreshold,
  counterKey,
  maxAlertAttempts,
  quote,
  reachedThresholds,
  type CallRecord,
  type Snapshot,
} from '@will/core';
import type { LimitState } from '../ledger.ts';
import { QuestionError } from '../service.ts';

/** Delivers one alert. @returns why it failed; undefined: it was delivered. Never throws. */
export type Deliver = (to: AlertsDocument, alert: wire.BudgetAlert) => Promise<string | undefined>;

/** The end of an attempt to deliver. */
export type DeliveryResult = 'delivered' | 'retried' | 'dead';

export interface AlertsDeps {
  readonly bucket: Pick<AlertBucket, 'known' | 'raise' | 'replace'>;
  readonly states: () => readonly LimitState[];
  readonly snapshot: () => Snapshot | undefined;
  readonly deliver: Deliver;
  readonly nowMs: () => number;
  readonly onDelivery: (result: DeliveryResult, alert: wire.BudgetAlert) => void;
}

/** While one process delivers an alert, no other one does. */
const deliveringMs = 30_000;

/**
 * Tells operators how much of a budget is used: each threshold once in a period, whichever replica sees it, and again
 * until the webhook took it. An alert is stored before it is sent, so that no restart loses one.
 */
export class BudgetAlerts {
  readonly #deps: AlertsDeps;

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
  }

  /** Raises what the present use of budgets has reached. Rejects when an alert could not be stored; the next turn raises it. */
  async raise(): Promise<void> {
    for (const state of this.#budgets())
      for (const threshold of reachedThresholds(state.used, state.limit.most)) await this.#raise(state, threshold);
  }

  /**
   * Raises the alert of budgets that tasks were rejected for: of each task, the budget of its project or client that is
   * used most. Rejects as above; the records are then delivered once more.
   */
  async rejected(records: readonly CallRecord[]): Promise<void> {
    for (const record of records) {
      if (record.status !== 'BudgetExhausted') continue;
      const [state] = this.#budgets()
        .filter(({ limit, period }) => isOf(record, limit) && isWithin(record.startedAtMs, period))
        .toSorted((a, b) => shareOf(b) - shareOf(a));
      if (state) await this.#raise(state, 'exhausted');
    }
  }

  /** Sends what is due, the oldest first. */
  async deliver(): Promise<void> {
    const nowMs = this.#deps.nowMs();
    const due = [...this.#deps.bucket.known.values()]
      .filter(({ alert }) => alert.state === 'pending' && Number(alert.nextUnixMs) <= nowMs)
      .toSorted((a, b) => Number(a.alert.reachedUnixMs - b.alert.reachedUnixMs));
    await Promise.all(due.map((kept) => this.#deliver(kept)));
  }

  /** Newest first. */
  list(): readonly wire.BudgetAlert[] {
    return [...this.#deps.bucket.known.values()]
      .map(({ alert }) => alert)
      .toSorted((a, b) => Number(b.reachedUnixMs - a.reachedUnixMs) || (a.id < b.id ? -1 : 1));
  }

  /** Has a dead alert tried again. @throws {QuestionError} there is none of that id. */
  async retry(id: string): Promise<void> {
    const kept = this.#deps.bucket.known.get(id);
    if (kept?.alert.state !== 'dead') throw new QuestionError(`no dead alert has the id ${quote(id)}`);
    await this.#replace(kept, { state: 'pending', attempts: 0, nextUnixMs: 0n });
  }

  #budgets(): readonly LimitState[] {
    return this.#deps.states().filter(({ limit: { scope, id } }) => this.#webhookOf(scope, id) !== undefined);
  }

  #webhookOf(scope: string, slug: string): AlertsDocument | undefined {
    const snapshot = this.#deps.snapshot();
    const documents = scope === 'client' ? snapshot?.clients : scope === 'project' ? snapshot?.projects : undefined;
    return documents?.get(slug)?.budget?.alerts;
  }

  async #raise({ limit, period, used }: LimitState, threshold: AlertThreshold): Promise<void> {
    const id = `${counterKey(limit, period)}.${threshold}`;
    if (this.#deps.bucket.known.has(id)) return;
    const nowMs = BigInt(Math.round(this.#deps.nowMs()));
    await this.#deps.bucket.raise(
      create(wire.BudgetAlertSchema, {
        id,
        scope: limit.scope,
        slug: limit.id,
        metric: limit.metric,
        period: limit.period,
        periodStartsUnixMs: BigInt(period.startMs),
        periodEndsUnixMs: BigInt(period.endMs),
        threshold,
        used,
        most: limit.most,
        reachedUnixMs: nowMs,
        state: 'pending',
        nextUnixMs: nowMs,
      }),
    );
  }

  async #deliver(kept: KeptAlert): Promise<void> {
    const { alert } = kept;
    const webhook = this.#webhookOf(alert.scope, alert.slug);
    if (!webhook) return this.#die(kept, 'no document names a webhook for it any more');
    const attempts = alert.attempts + 1;
    const untilUnixMs = BigInt(Math.round(this.#deps.nowMs() + deliveringMs));
    const own = await this.#replace(kept, { attempts, nextUnixMs: untilUnixMs });
    if (!own) return;
    const problem = await this.#deps.deliver(webhook, own.alert);
    if (problem === undefined) {
      await this.#replace(own, { state: 'delivered', lastError: '' });
      return this.#deps.onDelivery('delivered', own.alert);
    }
    if (attempts >= maxAlertAttempts) return this.#die(own, problem);
    const nextUnixMs = BigInt(Math.round(this.#deps.nowMs()) + alertRetryMs(attempts));
    await this.#replace(own, { lastError: problem, nextUnixMs });
    this.#deps.onDelivery('retried', own.alert);
  }

  async #die(kept: KeptAlert, lastError: string): Promise<void> {
    if (await this.#replace(kept, { state: 'dead', lastError })) this.#deps.onDelivery('dead', kept.alert);
  }

  /** Undefined: another process changed it. */
  async #replace(
    kept: KeptAlert,
    change: MessageInitShape<typeof wire.BudgetAlertSchema>,
  ): Promise<KeptAlert | undefined> {
    const alert = create(wire.BudgetAlertSchema, { ...kept.alert, ...change });
    return (await this.#deps.bucket.replace(kept, alert)) ? this.#deps.bucket.known.get(alert.id) : undefined;
  }
}

const isOf = ({ client, project }: CallRecord, { scope, id }: LimitState['limit']): boolean =>
  (scope === 'client' && id === client) || (scope === 'project' && id === project);
const isWithin = (atMs: number, { startMs, endMs }: LimitState['period']): boolean => atMs >= startMs && atMs < endMs;
const shareOf = ({ used, limit }: LimitState): number => (limit.most === 0n ? 1 : Number(used) / Number(limit.most));
