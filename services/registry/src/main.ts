import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announce,
  connectBus,
  keptAuditEnd,
  openKeyBucket,
  openPayloads,
  openSnapshotPublisher,
  watchProcesses,
} from '@will/bus';
import type { Loosening } from '@will/core';
import { auditAnchorOf, measures, observe } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { openAuditLog, storesAt } from '@will/store';
import { serveRegistry } from './adapters/bus-api.ts';
import { busLateDecisions } from './adapters/bus-late-decisions.ts';
import { busProcesses, busPublication, providersOf } from './adapters/bus-publication.ts';
import { busTaskNamings } from './adapters/bus-task-namings.ts';
import { readDocumentFolder } from './adapters/document-folder.ts';
import { serveAudit } from './adapters/bus-audit.ts';
import { serveKeys } from './adapters/bus-keys.ts';
import { anchorHead } from './anchoring.ts';
import { Audit } from './audit.ts';
import { parseConfig } from './config.ts';
import { Keys } from './keys.ts';
import { seedStore } from './seed.ts';
import { Registry } from './service.ts';

const logger = createLogger('registry');

/** `2 created, 1 updated`. */
const inWords = (changes: readonly { readonly action: string }[]): string =>
  [...Map.groupBy(changes, ({ action }) => action)].map(([action, of]) => `${of.length} ${action}`).join(', ');

/** `; looser: client acme avoid_cloud, model gpt-4 data_residency`. */
const looserInWords = (loosenings: readonly Loosening[]): string => {
  const named = [...new Set(loosenings.map(({ kind, slug, field }) => `${kind} ${slug} ${field}`))];
  return named.length === 0 ? '' : `; looser: ${named.join(', ')}`;
};

/** Keeps the documents and publishes each revision. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const { anchor, everyMs } = auditAnchorOf(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const { store, seeded } = await openStore(config);

  const observing = await observe('registry', env, logger);
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'registry',
    processId: newProcessId('registry'),
    inboxScope: 'registry',
    waitForServer: true,
    tracesServing: true,
    onError,
  });
  const audit = new Audit(await openAuditLog(join(config.dataDir, 'audit.jsonl')), await keptAuditEnd(bus), onError);
  await audit.start();
  const noted = (actor: string, action: string, object: string, detail: string): Promise<void> =>
    audit.append([{ atMs: Date.now(), service: 'registry', actor, action, object, detail }]);
  if (seeded !== undefined) await noted('registry', 'documents.seeded', 'revision 1', `${seeded} documents`);
  const anchoring = anchor && anchorHead({ head: () => audit.head, anchor, everyMs, nowMs: Date.now, onError });
  const publisher = await openSnapshotPublisher(bus, { incarnation: store.incarnation, onError });
  const processes = await watchProcesses(bus);
  const keyBucket = await openKeyBucket(bus);
  const registry = new Registry({
    store,
    keys: () => keyBucket.list(),
    tasksNaming: busTaskNamings(bus),
    staleAfterMs: config.staleAfterMs,
    publication: busPublication(publisher),
    processes: busProcesses(processes),
    providers: () => providersOf(processes),
    lateDecisions: busLateDecisions(bus),
    nowMs: Date.now,
    onError,
    onCommitted: ({ author, revision, changes, loosenings }) =>
      noted(author, 'documents.changed', `revision ${revision}`, `${inWords(changes)}${looserInWords(loosenings)}`),
  });
  await registry.start();
  for (const problem of await registry.reader.unworkable())
    logger.warn({ problem }, 'a document can never work as it stands');
  const keys = new Keys({ bucket: keyBucket, nowMs: Date.now, snapshot: () => registry.reader.snapshot() });
  const api = serveRegistry({
    bus,
    registry,
    incarnation: store.incarnation,
    processes,
    payloads: openPayloads(bus),
    onError,
  });
  const keysApi = serveKeys({
    bus,
    keys,
    onChange: (action, author, { id, client, role }) => noted(author, action, id, `${role} of ${client}`),
    onError,
  });
  const auditApi = serveAudit(bus, audit, onError);
  observing.watch(measures.busConnected, () => [[bus.isConnected ? 1 : 0]]);
  observing.watch(measures.revision, () => [[registry.publishedRevision]]);
  observing.ready(() => (bus.isConnected ? undefined : 'NATS is not connected'));
  const presence = await announce(bus, 'registry', () => ({
    revision: registry.publishedRevision,
    metricsUrl: observing.url,
  }));
  registry.onPublished(() => presence.update());
  logger.info({ processId: bus.processId, revision: registry.publishedRevision }, 'serving');

  return {
    async stop() {
      await api.stop();
      await keysApi.stop();
      await auditApi.stop();
      await registry.stop();
      await publisher.stop();
      await presence.stop();
      await processes.stop();
      await anchoring?.stop();
      await audit.close();
      await bus.close();
      await store.close();
      await observing.stop();
    },
  };
}

/** Opens the store, and fills an empty one. `seeded`: so many documents; undefined: it was not filled. */
async function openStore(config: ReturnType<typeof parseConfig>) {
  await mkdir(config.dataDir, { recursive: true });
  const store = await storesAt(config).documents();
  // Before the bus: a bad document is told at once, and nothing of it is ever published.
  const { documents: folder } = config;
  const seeded =
    folder === undefined ? undefined : await seedStore(store, () => readDocumentFolder(folder), Date.now());
  if (seeded !== undefined) logger.info({ documents: seeded }, 'the empty store was filled');
  return { store, seeded };
}

if (import.meta.main) await runService(logger, start);
