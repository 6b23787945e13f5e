import { nanoPerUsd } from '@will/core';
import { measures, type Observing } from '@will/observe';
import type { Logger } from '@will/runtime';
import type { AlertsDeps } from '../alerts/budget-alerts.ts';
import type { LedgerKeeper } from '../ledger.ts';
import type { EventStream } from './event-stream.ts';

/** Every cap, rate and budget that a document states: how much of it is used, and what is left. */
export function observeLedger(observing: Pick<Observing, 'watch'>, keeper: Pick<LedgerKeeper, 'states'>): void {
  const each = (value: (used: bigint, most: bigint, metric: string) => number) =>
    function* () {
      for (const { limit, used } of keeper.states()) {
        const { scope, id, metric, period, most } = limit;
        const unit = metric === 'nano_usd' ? 'usd' : metric;
        yield [value(used, most, metric), { scope, id, metric: unit, period }] as const;
      }
    };
  observing.watch(
    measures.limitUsed,
    each((used, most) => (most === 0n ? 1 : Number((used * 10_000n) / most) / 10_000)),
  );
  observing.watch(
    measures.limitLeft,
    each((used, most, metric) => Number(used > most ? 0n : most - used) / (metric === 'nano_usd' ? nanoPerUsd : 1)),
  );
}

/** Measures how far telemetry is behind, and what it could not read. */
export function observeEvents(
  observing: Pick<Observing, 'watch'>,
  events: Pick<EventStream, 'pending' | 'malformed'>,
): void {
  observing.watch(measures.eventsPending, () => [[events.pending]]);
  observing.watch(measures.eventsMalformed, function* () {
    for (const [kind, count] of events.malformed) yield [count, { kind }] as const;
  });
}

/** Counts attempts to deliver alerts; a dead one is logged, since nobody tries it again by itself. */
export const observeAlerts =
  (observing: Pick<Observing, 'count'>, logger: Pick<Logger, 'error'>): AlertsDeps['onDelivery'] =>
  (result, { id, threshold, lastError }) => {
    observing.count(measures.alerts, 1, { threshold, result });
    if (result === 'dead')
      logger.error({ id, lastError }, 'a budget alert could not be delivered; `willm alerts` shows it');
  };
