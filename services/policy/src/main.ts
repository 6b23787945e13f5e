import { announce, connectBus, followSnapshot } from '@will/bus';
import { StatsBook } from '@will/core';
import { loadExtensions } from '@will/extension';
import { observe } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { busEdges } from './adapters/bus-edges.ts';
import { foldEvents } from './adapters/bus-stats.ts';
import { servePolicy } from './adapters/bus-policy-api.ts';
import { parseConfig } from './config.ts';
import { Edges } from './adapters/cron-edges.ts';
import { Policy } from './service.ts';

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
  const folding = await foldEvents(bus, book, () => snapshots.current, onError);
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
  const presence = await announce(bus, 'policy', () => ({
    revision: snapshots.current?.revision ?? 0,
    metricsUrl: observing.url,
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
      await presence.stop();
      snapshots.stop();
      await bus.close();
      await observing.stop();
    },
  };
}

if (import.meta.main) await runService(logger, start);
