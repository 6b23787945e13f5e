import { announce, auditNotes, connectBus, followSnapshot } from '@will/bus';
import { connectClient, endOf, requestOf } from '@will/client';
import { mayAnswerOn, refusalsOnBus, type Stray, strayInWords } from '@will/contracts';
import { measures, observe, traceparent } from '@will/observe';
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
import { serveErase } from './adapters/bus-erase.ts';
import { serveTasks } from './adapters/bus-api.ts';
import { serveNaming } from './adapters/bus-naming.ts';
import { observeQueue } from './adapters/observed-queue.ts';
import { openTaskStream } from './adapters/task-stream.ts';
import { parseConfig } from './config.ts';
import { Runner } from './runner.ts';
import { Tasks } from './service.ts';
import { tracedRun } from './adapters/traced-run.ts';

const reconcileEveryMs = 5_000;
const forgetEveryMs = 60_000;
/** A task that is under way shows it every three seconds; its message is given out again after ten. */
const lostAfterMs = 20_000;
const logger = createLogger('tasks');

/** Keeps and runs durable tasks. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const observing = await observe('tasks', env, logger);
  const store = await storesAt(config).tasks();
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'tasks',
    processId: newProcessId('tasks'),
    inboxScope: 'tasks',
    waitForServer: true,
    tracesServing: true,
    onError,
  });
  const snapshots = await followSnapshot(bus);
  const queue = await openTaskStream(bus);
  const client = await connectClient({ bus });
  const nowMs = Date.now;
  const audit = auditNotes(bus, 'tasks', onError);
  const tasks = new Tasks({
    store,
    queue,
    snapshots,
    nowMs,
    traceparent,
    refusals: refusalsOnBus(config.natsSeedFile),
    noteRequeued: (client, object, detail) =>
      audit.note({ actor: `client ${client}`, action: 'task.requeued', object, detail }),
  });
  const runner = new Runner({
    store,
    queue,
    run: (name, task, { traceparent, ...options }) =>
      tracedRun(`run ${task.type}`, traceparent, async () =>
        endOf(await client.start({ ...requestOf(task), client: name, ...options }, false, () => {}), true),
      ),
    nowMs,
    monotonicMs: () => performance.now(),
    draw: Math.random,
    atOnce: config.atOnce,
    onError,
  });
  const reconciling = repeat(
    reconcileEveryMs,
    async () => {
      if (!bus.isConnected) return;
      const lost = await tasks.reconcile(nowMs() - lostAfterMs);
      if (lost > 0) logger.warn({ tasks: lost }, 'no message of these was under way; put into the queue again');
    },
    onError,
  );
  const forgetting = repeat(forgetEveryMs, () => tasks.forget(), onError);
  runner.start();
  const onStray = (subject: string, stray: Stray): void => {
    observing.count(measures.strays, 1, { reason: stray.reason });
    logger.warn({ reason: stray.reason }, strayInWords(subject, stray));
  };
  const api = serveTasks(bus, tasks, mayAnswerOn(config.natsSeedFile), onStray, onError);
  const erasing = serveErase(bus, tasks, (words) => audit.note(words), onError);
  const naming = serveNaming(bus, store, snapshots, onError);
  const presence = await announce(bus, 'tasks', () => ({
    revision: snapshots.current?.revision ?? 0,
    metricsUrl: observing.url,
  }));
  observing.watch(measures.tasksInFlight, () => [[runner.running]]);
  observing.watchDocuments(bus, snapshots);
  const queueObserver = await observeQueue(bus, observing, store, nowMs);
  snapshots.onChange(() => presence.update());
  logger.info({ processId: bus.processId }, 'serving');

  return {
    async stop() {
      await api.stop();
      await erasing.stop();
      await naming.stop();
      queueObserver.stop();
      await runner.stop(config.drainMs);
      tasks.stop();
      await reconciling.stop();
      await forgetting.stop();
      await presence.stop();
      await audit.stop();
      await client.close();
      snapshots.stop();
      await bus.close();
      await store.close();
      await observing.stop();
    },
  };
}

if (import.meta.main) await runService(logger, start);
