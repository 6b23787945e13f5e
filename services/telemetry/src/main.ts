import { join } from 'node:path';
import {
  announce,
  type Bus,
  auditNotes,
  type AuditWords,
  connectBus,
  ensureStreams,
  openAlerts,
  followServerClock,
  followSnapshot,
  noteInAuditLog,
  openCounters,
  Outbox,
  readContents,
  watchProcesses,
} from '@will/bus';
import type { Snapshot } from '@will/core';
import { observe } from '@will/observe';
import {
  busAddressOf,
  createLogger,
  newProcessId,
  repeat,
  runService,
  type Environment,
  type Service,
} from '@will/runtime';
import { storesAt } from '@will/store';
import { serveAlerts } from './adapters/bus-alerts.ts';
import { serveQueries, type AuthoredWords } from './adapters/bus-queries.ts';
import { serveFeedback } from './adapters/bus-feedback.ts';
import { serveLimits } from './adapters/bus-limits.ts';
import { serveProofs } from './adapters/bus-proofs.ts';
import { contentFromWire } from './adapters/content-wire.ts';
import { hourly } from './adapters/cron-hourly.ts';
import { busEventHistory } from './adapters/event-history.ts';
import { eventConsumer, EventStream } from './adapters/event-stream.ts';
import { BudgetAlerts, type AlertsDeps } from './alerts/budget-alerts.ts';
import { webhook } from './alerts/webhook.ts';
import { observeAlerts, observeEvents, observeLedger } from './adapters/observed-log.ts';
import { parseConfig } from './config.ts';
import { Absences } from './absences.ts';
import { LedgerKeeper } from './ledger.ts';
import { Proofs } from './proofs/proofs.ts';
import { signingKeyAt, type SigningKey } from './proofs/signing-key.ts';
import { Retention, type Kept } from './retention.ts';
import { Sealing, type SealingDeps } from './seals/sealing.ts';
import { Telemetry } from './service.ts';
import { inTurn } from './turns.ts';

const sweepEveryMs = 1_000;
const keepLedgerEveryMs = 5_000;
const deliverEveryMs = 1_000;
const dropContentEveryMs = 60_000;
const sealEveryMs = 60_000;
const logger = createLogger('telemetry');

/** Keeps the log of calls and the ledger of limits. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const log = await storesAt(config).calls();
  const observing = await observe('telemetry', env, logger);
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'telemetry',
    processId: newProcessId('telemetry'),
    inboxScope: 'telemetry',
    waitForServer: true,
    tracesServing: true,
    onError,
  });
  const events = new EventStream(bus, { onMalformed: warnOfMalformed, onError, nowMs: Date.now });
  const processes = await watchProcesses(bus);
  const absences = new Absences(() => new Set(processes.processes.keys()), Date.now);
  const turns = inTurn();
  const history = busEventHistory(bus, eventConsumer);
  const telemetry = new Telemetry({ log, inTurn: turns, progress: events, history, absences, onError });
  await events.start((delivery) => telemetry.take(delivery));
  const sweeper = repeat(sweepEveryMs, () => sweep(bus, telemetry), onError);
  await ensureStreams(bus);
  const snapshots = await followSnapshot(bus);
  const clock = await followServerClock(bus);
  const counters = await openCounters(bus);
  const { nowMs } = clock;
  const snapshot = (): Snapshot | undefined => snapshots.current;
  const onWarning = (limit: string, usedShare: number): void =>
    logger.warn({ limit, usedShare }, 'a limit is nearly used up');
  const keeper = new LedgerKeeper({ counters, log, progress: events, snapshot, absences, nowMs, onWarning });
  const onDelivery = observeAlerts(observing, logger);
  const { alerts, ...budgets } = await watchBudgets(bus, keeper, { snapshot, nowMs, onDelivery }, onError);
  telemetry.onStored((records) => alerts.rejected(records));
  const followed = await Promise.all(
    (['ledger', 'rate'] as const).map((kind) => counters.follow(kind, (increment) => keeper.take(increment))),
  );
  const ledgerKeeping = repeat(keepLedgerEveryMs, () => keepLedger(bus, keeper, alerts), onError);
  const proof = sealAndProve(bus, config, { log, progress: events, snapshot, nowMs: Date.now, inTurn: turns }, onError);
  const kept = await keepContentAndAge(bus, config, { log, sealing: proof.sealing }, onError);
  const notes = auditNotes(bus, 'telemetry', onError);
  const noted = ({ author, ...words }: AuthoredWords): void => notes.note({ actor: author || 'unknown', ...words });
  const api = serveQueries(bus, telemetry, onError, noted);
  const limits = serveLimits(bus, keeper, onError);
  const alertsApi = serveAlerts(bus, alerts, onError, noted);
  const feedbackOutbox = new Outbox(bus, { service: 'telemetry', kind: 'feedback', onError });
  const feedback = serveFeedback(bus, { log, outbox: feedbackOutbox, nowMs: Date.now, onError });
  observing.watchDocuments(bus, snapshots);
  observeLedger(observing, keeper);
  observeEvents(observing, events);
  const presence = await announce(bus, 'telemetry', () => ({
    revision: snapshots.current?.revision ?? 0,
    metricsUrl: observing.url,
  }));
  snapshots.onChange(() => presence.update());
  logger.info({ processId: bus.processId }, 'serving');

  return {
    async stop() {
      await api.stop();
      await proof.stop();
      await limits.stop();
      await alertsApi.stop();
      await notes.stop();
      await feedback.stop();
      await feedbackOutbox.close();
      await ledgerKeeping.stop();
      await budgets.stop();
      for (const stop of followed) await stop();
      await sweeper.stop();
      await kept.stop();
      await events.stop();
      await telemetry.drain();
      await presence.stop();
      await processes.stop();
      snapshots.stop();
      clock.stop();
      await bus.close();
      await log.close();
      await observing.stop();
    },
  };
}

function warnOfMalformed({ kind, message }: { readonly kind: string; readonly message: string }): void {
  logger.warn({ kind, message }, 'malformed event; later ones are only counted');
}

async function sweep(bus: Bus, telemetry: Telemetry): Promise<void> {
  if (!bus.isConnected) return;
  const written = await telemetry.sweep();
  if (written > 0) logger.warn({ attempts: written }, 'nobody reported the end of these; written as Unknown');
}

type Config = ReturnType<typeof parseConfig>;
type OnError = (what: string, error: unknown) => void;

/** Raises and delivers alerts of budgets, again and again. */
async function watchBudgets(
  bus: Bus,
  keeper: LedgerKeeper,
  deps: Pick<AlertsDeps, 'snapshot' | 'nowMs' | 'onDelivery'>,
  onError: OnError,
) {
  const bucket = await openAlerts(bus);
  const states = (): ReturnType<LedgerKeeper['states']> => keeper.states();
  const alerts = new BudgetAlerts({ ...deps, bucket, states, deliver: webhook(deps.nowMs) });
  const delivering = repeat(deliverEveryMs, async () => void (bus.isConnected && (await alerts.deliver())), onError);
  return {
    alerts,
    async stop() {
      await delivering.stop();
      bucket.stop();
    },
  };
}

async function keepLedger(bus: Bus, keeper: LedgerKeeper, alerts: BudgetAlerts): Promise<void> {
  if (!bus.isConnected) return;
  await keeper.lookUpUnopened();
  keeper.warn();
  await alerts.raise();
  const ended = await keeper.sweep();
  if (ended > 0) logger.info({ holds: ended }, 'given back what processes that died had in hand of limits');
}

/** Seals the calls of each hour, and answers who wants them proved. */
function sealAndProve(bus: Bus, config: Config, deps: Omit<SealingDeps, 'note'>, onError: OnError) {
  const note = (actor: string, words: Omit<AuditWords, 'actor'>): Promise<void> =>
    noteInAuditLog(bus, 'telemetry', { actor, ...words });
  const sealing = new Sealing({ ...deps, note: (words) => note('telemetry', words) });
  const hours = repeat(sealEveryMs, async () => void (bus.isConnected && (await sealing.run())), onError);
  const signingKey = (): Promise<SigningKey> =>
    signingKeyAt(config.proofKeyFile ?? join(config.dataDir, 'proof-key.pem'));
  const { log, nowMs } = deps;
  const proving = serveProofs(bus, { sealing, proofs: new Proofs(log), signingKey, note, nowMs, onError });
  return {
    sealing,
    async stop() {
      await proving.stop();
      await hours.stop();
    },
  };
}

/** Keeps content that workers send, and removes content and calls once their time is over. */
async function keepContentAndAge(bus: Bus, config: Config, { log, sealing }: Kept, onError: OnError) {
  const retention = new Retention({ log, sealing }, config, { nowMs: Date.now, logger, onError });
  const stopPruning = hourly(() => retention.run(), onError);
  const stopKeeping = await readContents(bus, (content) => log.keepContent(contentFromWire(content)), onError);
  const dropping = repeat(dropContentEveryMs, async () => void (await log.dropContent(Date.now())), onError);
  return {
    async stop() {
      await stopPruning();
      await dropping.stop();
      await stopKeeping();
    },
  };
}

if (import.meta.main) await runService(logger, start);
