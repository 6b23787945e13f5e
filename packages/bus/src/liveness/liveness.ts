import { contain, TransientSet } from '@will/core';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Subscription } from '@nats-io/nats-core';
import { create, fromBinary, isInbox, patterns, subjects, toBinary, wire } from '@will/contracts';
import { BusError, type Bus } from '../api.ts';
import { LoopWatch } from './loop-watch.ts';
import type { ProcessesView } from './presence.ts';

// Evidence of death, not silence: docs/decisions/0011-evidence-of-death.md.

/** The interval at which a process shows that it lives. */
export const heartbeatMs = 250;
/** A process that was silent for longer is asked whether it is there. Silence by itself is never death. */
export const askAfterMs = heartbeatMs + 75;
export const askAgainMs = 50;
export const answerWithinMs = 1_000;
/** A process that lives and lost its connection is back within this, and within some delays of its own loop more. */
export const reconnectMs = 350;
const loopDelaysToReconnect = 3;
const maxReconnectMs = 5_000;
/** After this process itself changed its connection, so long nobody's absence proves anything. */
const graceMs = 5_000;
/** Of two words of an owner that it does not have the work, the first may have met it on its way. */
export const goneAfterAnswers = 2;
/** Work that lasts is asked after this often: what was said of it may have been lost with a connection of its owner. */
const defaultAskEveryMs = 2_500;
/** A subscription outlives its last watcher by this, so that busy callers do not subscribe for every task. */
const lingerMs = 10_000;
const tickMs = 50;

/**
 * Shows every 250 ms that this process lives, and how long its event loop was delayed. Only a process that has the work
 * of others needs to. Returns how to stop.
 */
export function heartbeat(bus: Bus, loop = new LoopWatch()): () => void {
  const subject = subjects.heartbeat(bus.processId);
  const say = (): void => {
    if (!bus.isConnected) return;
    const loopDelayMs = Math.round(loop.takeMaxDelayMs());
    bus.publish(subject, toBinary(wire.HeartbeatSchema, create(wire.HeartbeatSchema, { loopDelayMs })));
  };
  const timer = setInterval(
    contain(say, (error) => bus.report('the heartbeat', error)),
    heartbeatMs,
  );
  say();
  return () => {
    clearInterval(timer);
    loop.stop();
  };
}

/** A task of a client, or an attempt of one, that another process has. */
export interface Work {
  readonly client: string;
  readonly id: string;
}

/** Answers those who ask whether work is still under way here. `onWanted`: its caller says that it still waits for it. */
export function answerInFlight(
  bus: Bus,
  isHere: (work: Work) => boolean,
  onWanted: (work: Work) => void = () => {},
): { stop(): void } {
  const asked = bus.listen(patterns.inFlights(bus.processId), ({ subject, data, reply }) => {
    const client = subject.slice(subject.lastIndexOf('.') + 1);
    const { ids, wanted } = fromBinary(wire.InFlightRequestSchema, data);
    for (const id of wanted) onWanted({ client, id });
    answer(bus, reply, { gone: ids.filter((id) => !isHere({ client, id })) });
  });
  return { stop: () => asked.unsubscribe() };
}

/** Tells those who ask all routers which ones there are, those included that died a moment ago. */
export function answerForRouters(bus: Bus, { processes }: Pick<ProcessesView, 'processes'>): { stop(): void } {
  const asked = bus.listen(patterns.inFlightsAtRouters, ({ reply }) => {
    const routers = [...processes.values()].filter(({ service }) => service === 'router');
    answer(bus, reply, { routers: routers.map(({ processId }) => processId) });
  });
  return { stop: () => asked.unsubscribe() };
}

function answer(bus: Bus, reply: string, response: MessageInitShape<typeof wire.InFlightResponseSchema>): void {
  if (!bus.isConnected || !isInbox(reply)) return;
  bus.publish(reply, toBinary(wire.InFlightResponseSchema, create(wire.InFlightResponseSchema, response)));
}

/** The way that work was lost: its process is dead, or says that it does not have it. */
export type Loss = 'dead' | 'gone';

interface Watcher {
  readonly onLost: (loss: Loss) => void;
  readonly work: Work;
  readonly sinceMs: number;
  goneAnswers: number;
  /** Ends the watch; says whether it was there still. */
  leave: () => boolean;
}

const notThere = (): boolean => false;

/** Another process, as far as something depends on it. */
class Watched {
  readonly watchers = new TransientSet<Watcher>();
  readonly subscription: Subscription;
  lastWordMs: number;
  lastWantedMs: number;
  lastAskedMs = Number.NEGATIVE_INFINITY;
  isAsked = false;
  #loopDelayMs = 0;
  /** Since when, and how often in a row, nobody listened on its own subject. */
  #absence: { readonly sinceMs: number; answers: number } | undefined;

  constructor(bus: Bus, processId: string, nowMs: () => number) {
    this.lastWordMs = nowMs();
    this.lastWantedMs = nowMs();
    this.subscription = bus.listen(subjects.heartbeat(processId), ({ data }) => {
      this.#loopDelayMs = loopDelayIn(data);
      this.heard(nowMs());
    });
  }

  heard(nowMs: number): void {
    this.lastWordMs = nowMs;
    this.#absence = undefined;
  }

  /** Nobody listened on its own subject when it was asked at an instant. */
  absent(askedAtMs: number): void {
    this.#absence ??= { sinceMs: askedAtMs, answers: 0 };
    this.#absence.answers += 1;
  }

  /** It is there, and too busy to answer; or it is not known whether it is. */
  present(): void {
    this.#absence = undefined;
  }

  /** It is known not to be there, for longer than it would need to come back. */
  isGone(nowMs: number): boolean {
    if (!this.#absence || this.#absence.answers < 2) return false;
    const backWithinMs = Math.min(maxReconnectMs, reconnectMs + loopDelaysToReconnect * this.#loopDelayMs);
    return nowMs - this.#absence.sinceMs >= backWithinMs;
  }
}

/** What a process of another version says may not be readable: then nothing is known of its loop. */
function loopDelayIn(data: Uint8Array): number {
  try {
    return fromBinary(wire.HeartbeatSchema, data).loopDelayMs;
  } catch {
    return 0;
  }
}

/**
 * Watches other processes, as long as something depends on them. One is dead when the server says twice that nobody
 * listens on the process's own subject, for longer than it takes a living process to come back; and only what the
 * server says on a connection that was there for all that time counts. A process that is there and does not answer is busy.
 */
export class LivenessMonitor {
  readonly #bus: Bus;
  readonly #nowMs: () => number;
  readonly #askEveryMs: number;
  readonly #watched = new Map<string, Watched>();
  /** Runs while something depends on somebody. */
  #timer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #stopListening: () => void;
  #connectedAtMs = Number.NEGATIVE_INFINITY;
  #lastAskMs: number;

  constructor(bus: Bus, nowMs: () => number = () => performance.now(), askEveryMs = defaultAskEveryMs) {
    this.#bus = bus;
    this.#askEveryMs = askEveryMs;
    this.#nowMs = nowMs;
    this.#lastAskMs = nowMs();
    this.#failed = (error) => bus.report('watching processes', error);
    this.#stopListening = bus.onConnectionChange((isConnected) => {
      if (isConnected) this.#connectedAtMs = nowMs();
      for (const watched of this.#watched.values()) watched.present();
    });
  }

  /**
   * Calls `onLost` once when the process is dead, or says that it does not have the work, which then ended without our
   * hearing of it. Returns how to stop watching.
   */
  watch(processId: string, onLost: (loss: Loss) => void, work: Work): () => void {
    const watched = this.#watched.get(processId) ?? new Watched(this.#bus, processId, this.#nowMs);
    this.#watched.set(processId, watched);
    const sinceMs = this.#nowMs();
    watched.lastWantedMs = sinceMs;
    const watcher: Watcher = { onLost, work, sinceMs, goneAnswers: 0, leave: notThere };
    watcher.leave = watched.watchers.add(watcher);
    this.#timer ??= setInterval(
      contain(() => this.#tick(), this.#failed),
      tickMs,
    ).unref();
    return watcher.leave;
  }

  /** Any other word from the process is a heartbeat too. */
  heard(processId: string): void {
    this.#watched.get(processId)?.heard(this.#nowMs());
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#lingerTimer);
    this.#stopListening();
    for (const watched of this.#watched.values()) watched.subscription.unsubscribe();
    this.#watched.clear();
  }

  #tick(): void {
    if (!this.#bus.isConnected) return;
    const nowMs = this.#nowMs();
    const isTimeToAsk = nowMs - this.#lastAskMs >= this.#askEveryMs;
    if (isTimeToAsk) this.#lastAskMs = nowMs;
    for (const [processId, watched] of this.#watched) {
      if (watched.watchers.size > 0) watched.lastWantedMs = nowMs;
      else if (nowMs - watched.lastWantedMs > lingerMs) this.#forget(processId, watched);
      if (isTimeToAsk) this.#askAfter(processId, watched, nowMs);
      else if (nowMs - watched.lastWordMs > askAfterMs) this.#askWhetherThere(processId, watched, nowMs);
    }
    if ([...this.#watched.values()].every(({ watchers }) => watchers.size === 0)) this.#rest();
  }

  /** An idle process does not wake for this. */
  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#watched.size === 0) return;
    this.#lingerTimer ??= setTimeout(
      contain(() => {
        this.#lingerTimer = undefined;
        this.#tick();
      }, this.#failed),
      lingerMs + tickMs,
    ).unref();
  }

  /** Whether it is there at all: one question, in the name of one client that has work there. */
  #askWhetherThere(processId: string, watched: Watched, nowMs: number): void {
    const [first] = watched.watchers;
    if (!first || watched.isAsked || nowMs - watched.lastAskedMs < askAgainMs) return;
    watched.isAsked = true;
    watched.lastAskedMs = nowMs;
    const { client } = first.work;
    const watchers = [...watched.watchers].filter(({ work }) => work.client === client);
    void this.#ask(processId, watched, client, watchers).finally(() => {
      watched.isAsked = false;
    });
  }

  #askAfter(processId: string, watched: Watched, nowMs: number): void {
    const lasting = [...watched.watchers].filter(({ sinceMs }) => nowMs - sinceMs >= this.#askEveryMs);
    for (const [client, asked] of Map.groupBy(lasting, ({ work }) => work.client))
      void this.#ask(processId, watched, client, asked);
  }

  /** Never rejects. */
  async #ask(processId: string, watched: Watched, client: string, watchers: readonly Watcher[]): Promise<void> {
    const askedAtMs = this.#nowMs();
    const request = create(wire.InFlightRequestSchema, { ids: watchers.map(({ work }) => work.id) });
    try {
      const subject = subjects.inFlight(processId, client);
      const answer = await this.#bus.request(subject, toBinary(wire.InFlightRequestSchema, request), answerWithinMs);
      watched.heard(this.#nowMs());
      this.#answered(watched, watchers, fromBinary(wire.InFlightResponseSchema, answer).gone);
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'no_responders') return watched.present();
      watched.absent(askedAtMs);
      this.#checkLiveness(watched);
    }
  }

  #answered(watched: Watched, watchers: readonly Watcher[], goneIds: readonly string[]): void {
    const gone = new Set(goneIds);
    for (const watcher of watchers) {
      watcher.goneAnswers = gone.has(watcher.work.id) ? watcher.goneAnswers + 1 : 0;
      if (watcher.goneAnswers >= goneAfterAnswers && watcher.leave()) watcher.onLost('gone');
    }
  }

  /** What depends on a process that is gone is lost, as far as this connection was there for all that time. */
  #checkLiveness(watched: Watched): void {
    const nowMs = this.#nowMs();
    if (!watched.isGone(nowMs)) return;
    const isSettled = nowMs - this.#connectedAtMs >= graceMs;
    // Taken out first: who is told may watch again.
    const lost = [...watched.watchers].filter(({ sinceMs }) => isSettled || sinceMs >= this.#connectedAtMs);
    for (const watcher of lost) {
      watcher.leave();
      watcher.onLost('dead');
    }
  }

  #forget(processId: string, watched: Watched): void {
    this.#watched.delete(processId);
    watched.subscription.unsubscribe();
  }
}
