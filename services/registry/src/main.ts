import { mkdir } from 'node:fs/promises';
import { announce, beat, connectBus, openKeyBucket, openSnapshotPublisher, watchProcesses } from '@will/bus';
import { measures, observe } from '@will/observe';
import { createLogger, newProcessId, runMain, untilStopped } from '@will/runtime';
import { storesAt } from '@will/store';
import { serveRegistry } from './adapters/bus-door.ts';
import { busLateDecisions } from './adapters/bus-late-decisions.ts';
import { busProcesses, busPublication } from './adapters/bus-publication.ts';
import { readDocumentFolder } from './adapters/document-folder.ts';
import { serveKeys } from './adapters/bus-keys.ts';
import { parseConfig } from './config.ts';
import { Keys } from './keys.ts';
import { seedStore } from './seed.ts';
import { Registry } from './service.ts';

const logger = createLogger('registry');

await runMain(logger, async (ready) => {
  const config = parseConfig(process.env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  await mkdir(config.dataDir, { recursive: true });
  const store = await storesAt(config).documents();
  // Before the bus: a bad document is told at once, and nothing of it is ever published.
  const { documents: folder } = config;
  const seeded =
    folder === undefined ? undefined : await seedStore(store, () => readDocumentFolder(folder), Date.now());
  if (seeded !== undefined) logger.info({ documents: seeded }, 'the empty store was filled');

  const observing = await observe('registry', process.env, logger);
  const bus = await connectBus({
    servers: config.natsUrl,
    processId: newProcessId('registry'),
    inboxScope: 'registry',
    waitForServer: true,
    onError,
  });
  const publisher = await openSnapshotPublisher(bus, { incarnation: store.incarnation, onError });
  const processes = await watchProcesses(bus);
  const registry = new Registry({
    store,
    publication: busPublication(publisher),
    processes: busProcesses(processes),
    lateDecisions: busLateDecisions(bus),
    nowMs: Date.now,
    onError,
  });
  await registry.start();
  const keys = new Keys({ bucket: await openKeyBucket(bus), nowMs: Date.now });
  const stopBeating = beat(bus);
  const door = serveRegistry({ bus, registry, incarnation: store.incarnation, processes, onError });
  const keysDoor = serveKeys({
    bus,
    keys,
    onChange: async (action, author, { id, client }) =>
      logger.info({ action, author, keyId: id, client }, 'key changed'),
    onError,
  });
  observing.watch(measures.busConnected, () => [[bus.isConnected ? 1 : 0]]);
  observing.watch(measures.revision, () => [[registry.publishedRevision]]);
  observing.ready(() => (bus.isConnected ? undefined : 'the bus is away'));
  const presence = await announce(bus, 'registry', () => ({
    revision: registry.publishedRevision,
    metricsUrl: observing.url,
  }));
  registry.onPublished(() => presence.update());
  ready();
  logger.info({ processId: bus.processId, revision: registry.publishedRevision }, 'serving');

  await untilStopped();
  await door.stop();
  await keysDoor.stop();
  await registry.stop();
  await publisher.stop();
  await presence.stop();
  stopBeating();
  await processes.stop();
  await bus.close();
  await store.close();
  await observing.stop();
});
