import { announce, connectBus, followSnapshot, Outbox } from '@will/bus';
import { create, wire } from '@will/contracts';
import { ChangeBook, type ModelChange, retiringModels, type Snapshot, StatsBook } from '@will/core';
import { loadExtensions } from '@will/extension';
import { measures, observe } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { busEdges } from './adapters/bus-edges.ts';
import { foldEvents } from './adapters/bus-stats.ts';
import { servePolicy } from './adapters/bus-policy-api.ts';
import { parseConfig } from './config.ts';
import { ModelChanges } from './model-changes.ts';
import { Edges } from './adapters/cron-edges.ts';
import { Policy } from './service.ts';

/** A change that was found so long ago is not told again. */
const tellWithinMs = 300_000;
const logger = createLogger('policy');

/** Answers which models may do a task. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const observing = await observe('policy', env, logger);
  const { ranking } = await loadExtensions(config.extensions, process.cwd());
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'policy',
    processId: newProcessId('policy'),
    inboxScope: 'policy',
    waitForServer: true,
    onError,
  });
  const snapshots = await followSnapshot(bus, { onError });
  const book = new StatsBook();
  const changes = new ModelChanges();
  const outbox = new Outbox(bus, { service: 'policy', kind: 'changes', onError });
  const onChange = (change: ModelChange): void => {
    changes.add(change);
    // What was found in the past, which is read again at each start, was told then.
    if (Date.now() - change.atMs > tellWithinMs) return;
    const { model, taskType = '', signal, words } = change;
    logger.warn({ model, taskType, signal, words }, 'a model answers otherwise than before');
    observing.count(measures.modelChanges, 1, { model, signal });
    outbox.add(eventOf(change));
  };
  const books = { stats: book, changes: new ChangeBook(), onChange };
  const folding = await foldEvents(bus, books, () => snapshots.current, onError);
  const policy = new Policy({
    snapshots,
    ranking,
    staleAfterMs: config.staleAfterMs,
    nowMs: Date.now,
    measures: book,
    onError,
  });

  const api = servePolicy(bus, policy, onError);
  observing.watchDocuments(bus, snapshots);
  observing.watch(measures.retiresIn, () => retirementsAt(snapshots.current, Date.now()));
  const presence = await announce(bus, 'policy', () => ({
    revision: snapshots.current?.revision ?? 0,
    metricsUrl: observing.url,
    modelChanges: changes.inWords(Date.now()),
  }));
  const edges = new Edges(busEdges(bus), Date.now);
  edges.follow(snapshots.current);
  snapshots.onChange(() => {
    edges.follow(snapshots.current);
    presence.update();
  });
  logger.info({ processId: bus.processId }, 'serving');

  return {
    async stop() {
      await api.stop();
      edges.follow(undefined);
      await folding.stop();
      await outbox.close();
      await presence.stop();
      snapshots.stop();
      await bus.close();
      await observing.stop();
    },
  };
}

const eventOf = ({ taskType, atMs, ...change }: ModelChange): wire.Event =>
  create(wire.EventSchema, {
    kind: { case: 'modelChange', value: { ...change, taskType: taskType ?? '', atUnixMs: BigInt(atMs) } },
  });

/** Seconds until each model retires, of those that do soon. */
const retirementsAt = (snapshot: Snapshot | undefined, nowMs: number) =>
  (snapshot ? retiringModels(snapshot, nowMs) : []).map(
    ({ slug, retiredAtMs }) => [(retiredAtMs - nowMs) / 1_000, { model: slug }] as const,
  );

if (import.meta.main) await runService(logger, start);
