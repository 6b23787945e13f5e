import {
  announce,
  heartbeat,
  connectBus,
  ContentOutbox,
  ensureStreams,
  followServerClock,
  followSnapshot,
  LoopWatch,
  openCooldowns,
  openCounters,
  openPayloads,
  Outbox,
  type ProcessesView,
  type ServerClock,
  watchProcesses,
} from '@will/bus';
import { loadExtensions } from '@will/extension';
import { createProviders, type Provider } from '@will/providers';
import { observe } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { busGroups, obeyCommands } from './adapters/bus-groups.ts';
import { answerRecalls, BusLedger, PresenceLease } from './adapters/bus-ledger.ts';
import { scheduleHealthChecks } from './adapters/health-check-schedule.ts';
import { observedCalls, observeModels } from './adapters/observed-calls.ts';
import { parseConfig } from './config.ts';
import { authorizeBy } from './call/authorize.ts';
import { Allowances } from './quota/allowances.ts';
import type { StartClock } from './ports.ts';
import { parseSelection } from './model/selection.ts';
import { CallIndex } from './call/call-index.ts';
import { Worker } from './service.ts';

const logger = createLogger('provider-worker');

/** One of an extension takes the place of ours that has its name. */
const withMore = (own: ReadonlyMap<string, Provider>, more: readonly Provider[]): ReadonlyMap<string, Provider> =>
  new Map([...own, ...more.map((provider) => [provider.name, provider] as const)]);

const providerSettingsOf = ({
  dataDir,
  ggufThreads,
  containerEngine,
  modelMemoryMb,
}: ReturnType<typeof parseConfig>) => ({
  dataDir,
  threads: ggufThreads,
  containerEngine,
  ...(modelMemoryMb > 0 && { modelMemoryBytes: modelMemoryMb * 1024 * 1024 }),
});

const startClockOf = (clock: ServerClock, loop: LoopWatch): StartClock => ({
  nowMs: clock.nowMs,
  boundMs: () => clock.boundMs(),
  monotonicMs: () => performance.now(),
  stoodStillMs: (sinceMs) => loop.stoodStillMs(sinceMs),
});

const workersOf = ({ processes }: ProcessesView): number =>
  [...processes.values()].filter(({ service }) => service === 'provider-worker').length;

/** Calls models for routers. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const observing = await observe('provider-worker', env, logger);
  const extensions = await loadExtensions(config.extensions, process.cwd());
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'provider-worker',
    processId: newProcessId('worker'),
    inboxScope: 'worker',
    waitForServer: true,
    onError,
  });
  await ensureStreams(bus);
  const snapshots = await followSnapshot(bus);
  const cooldowns = await openCooldowns(bus, Date.now);
  const clock = await followServerClock(bus);
  const loop = new LoopWatch();
  const processes = await watchProcesses(bus);
  const lease = new PresenceLease(bus.processId);
  const ledger = new BusLedger(bus, await openCounters(bus), lease);
  const allowances = new Allowances({ ledger, lease, nowMs: clock.nowMs, processes: () => workersOf(processes) });
  const outbox = new Outbox(bus, { service: 'worker', kind: 'records', onError });
  const contents = new ContentOutbox(bus, onError);
  const calls = new CallIndex();
  const worker = new Worker({
    workerId: bus.processId,
    groups: busGroups(bus, onError),
    snapshots,
    authorize: authorizeBy(config.staleAfterMs),
    records: { call: (record) => outbox.add({ $typeName: 'will.v1.Event', kind: { case: 'call', value: record } }) },
    contents,
    cooldowns,
    allowances,
    payloads: openPayloads(bus),
    nowMs: Date.now,
    startClock: startClockOf(clock, loop),
    draw: Math.random,
    calls,
    hooks: extensions.hooks,
    providers: withMore(createProviders(providerSettingsOf(config)), extensions.providers),
    selects: parseSelection(config.models),
    scheduleHealthChecks: scheduleHealthChecks(config.healthSchedule),
    onError,
    observer: observedCalls(observing),
  });

  const stopHeartbeat = heartbeat(bus, loop);
  const commands = obeyCommands(bus, calls);
  const recalls = answerRecalls(bus, allowances);
  const said = () => ({
    revision: snapshots.current?.revision ?? 0,
    models: worker.states(),
    providers: worker.providers,
    metricsUrl: observing.url,
    clockBoundMs: clock.boundMs(),
  });
  const presence = await announce(bus, 'provider-worker', said, (saidAtMs) => lease.confirm(saidAtMs));
  observing.watchOutbox(outbox);
  observing.watchDocuments(bus, snapshots);
  observing.watchClock(clock, loop.beside());
  observeModels(observing, worker);
  snapshots.onChange(() => presence.update());
  cooldowns.onChange(() => presence.update());
  await worker.start(() => presence.update());
  presence.update();
  const served = worker.states().filter(({ reason }) => reason === '');
  logger.info({ processId: bus.processId, models: served.map(({ model }) => model) }, 'serving');

  return {
    async stop() {
      await worker.stop(config.drainMs);
      allowances.close();
      const unpaid = await ledger.close();
      if (unpaid > 0) logger.error({ unpaid }, 'what was not used of limits could not be given back before the end');
      await contents.close();
      const lost = await outbox.close();
      if (lost > 0) logger.error({ lost }, 'records could not be sent before the end');
      await presence.stop();
      commands.stop();
      recalls.unsubscribe();
      stopHeartbeat();
      snapshots.stop();
      cooldowns.stop();
      clock.stop();
      await processes.stop();
      await bus.close();
      await observing.stop();
    },
  };
}

if (import.meta.main) await runService(logger, start);
