import {
  announce,
  answerForRouters,
  heartbeat,
  connectBus,
  ensureStreams,
  followServerClock,
  followSnapshot,
  LivenessMonitor,
  LoopWatch,
  openCooldowns,
  openSessions,
  Outbox,
  type ServerClock,
  watchProcesses,
} from '@will/bus';
import { FirstTokenTimes, HedgeBudget } from '@will/core';
import { mayAnswerOn, refusalsOnBus, type Stray, strayInWords, subjects } from '@will/contracts';
import { measures, observe, type Observing } from '@will/observe';
import { busAddressOf, createLogger, newProcessId, runService, type Environment, type Service } from '@will/runtime';
import { busCalls } from './adapters/bus-calls.ts';
import { serveTasks } from './adapters/bus-api.ts';
import { busPolicy } from './adapters/bus-policy.ts';
import { busRecords } from './adapters/bus-records.ts';
import { busWorkers, followFreeSlots } from './adapters/bus-workers.ts';
import { observeRouter, observedTasks } from './adapters/observed-tasks.ts';
import { parseConfig } from './config.ts';
import { Decisions } from './decisions/decisions.ts';
import { Demand } from './decisions/demand.ts';
import type { BusClock } from './ports.ts';
import { Router } from './service.ts';
import { SlotQueues } from './task/slots.ts';

const policyTimeoutMs = 250;
const logger = createLogger('router');

const busClock = (clock: ServerClock, systemMs: () => number): BusClock => ({
  nowMs: clock.nowMs,
  boundMs: () => clock.boundMs(),
  untilBound: (timeoutMs) => clock.untilBound(timeoutMs),
  systemMs,
});

const strayReporter =
  (observing: Observing) =>
  (subject: string, stray: Stray): void => {
    observing.count(measures.strays, 1, { reason: stray.reason });
    logger.warn({ reason: stray.reason }, strayInWords(subject, stray));
  };

/** Runs tasks of callers. Resolves once it serves. @throws its settings are wrong, or what it needs is taken. */
export async function start(env: Environment): Promise<Service> {
  const config = parseConfig(env);
  const onError = (what: string, error: unknown): void => logger.error({ error: (error as Error).message }, what);
  const observing = await observe('router', env, logger);
  const bus = await connectBus({
    ...busAddressOf(config),
    user: 'router',
    processId: newProcessId('router'),
    inboxScope: 'router',
    waitForServer: true,
    onError,
  });
  await ensureStreams(bus);
  const snapshots = await followSnapshot(bus);
  const processes = await watchProcesses(bus);
  const cooldowns = await openCooldowns(bus, Date.now);
  const sessions = await openSessions(bus);
  const outbox = new Outbox(bus, { service: 'router', kind: 'records', onError });
  const life = new LivenessMonitor(bus);
  const loop = new LoopWatch();
  const clock = await followServerClock(bus);
  const slots = new SlotQueues();
  const calls = busCalls(bus, life, loop);
  const nowMs = Date.now;
  const decisions = new Decisions(busPolicy(bus, policyTimeoutMs), snapshots, nowMs);
  const demand = new Demand(slots, nowMs);
  const isKnownType = (type: string): boolean => snapshots.current?.routes.has(type) ?? false;
  const router = new Router({
    routerId: bus.processId,
    decisions,
    calls,
    workers: busWorkers(processes),
    cooldowns,
    sessions,
    slots,
    records: busRecords(outbox),
    nowMs,
    clock: busClock(clock, nowMs),
    hedging: { budget: new HedgeBudget(), times: new FirstTokenTimes() },
    newSeed: () => Math.floor(Math.random() * 2 ** 32),
    snapshot: () => snapshots.current,
    maxTasks: config.maxTasks,
    refusals: refusalsOnBus(config.natsSeedFile),
    observer: observedTasks({ observing, demand, nowMs, isKnownType }),
  });

  const stopHeartbeat = heartbeat(bus, loop);
  const freeSlots = followFreeSlots(bus, slots);
  const edges = bus.listen(subjects.policyEdge, () => decisions.edgePassed(nowMs()));
  const whereabouts = answerForRouters(bus, processes);
  const onStray = strayReporter(observing);
  const api = serveTasks(bus, router, loop, mayAnswerOn(config.natsSeedFile), onStray);
  observeRouter(observing, { router, decisions, demand });
  observing.watchOutbox(outbox);
  observing.watchDocuments(bus, snapshots);
  observing.watchClock(clock, loop.beside());
  const presence = await announce(bus, 'router', () => ({
    revision: snapshots.current?.revision ?? 0,
    metricsUrl: observing.url,
    clockBoundMs: clock.boundMs(),
  }));
  snapshots.onChange(() => presence.update());
  logger.info({ processId: bus.processId }, 'serving');

  return {
    async stop() {
      await api.stop();
      await router.drain(config.drainMs);
      api.close();
      whereabouts.stop();
      const lost = await outbox.close();
      if (lost > 0) logger.error({ lost }, 'records could not be sent before the end');
      await presence.stop();
      stopHeartbeat();
      freeSlots.stop();
      edges.unsubscribe();
      calls.stop();
      life.close();
      clock.stop();
      await processes.stop();
      cooldowns.stop();
      await sessions.stop();
      snapshots.stop();
      await bus.close();
      await observing.stop();
    },
  };
}

if (import.meta.main) await runService(logger, start);
