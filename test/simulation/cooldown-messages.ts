import { create } from '@bufbuild/protobuf';
import type { Loss, Work } from '@will/bus';
import { wire } from '@will/contracts';
import type { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import type { Groups, IncomingCall, LastWord } from '../../services/provider-worker/src/ports.ts';
import type { Calls, CallSignal, Dispatch } from '../../services/router/src/ports.ts';
import type { SlotQueues } from '../../services/router/src/task/slots.ts';
import type { Network } from './network.ts';
import { suspectForMs, type Standstills } from './standstills.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** Three heartbeats missed. */
const seenDeadAfterMs = 9_000;
/** A router asks so often whether a worker still has its work, and believes this many denials in a row. */
const askInFlightEveryMs = 2_500;
const goneAfterAnswers = 2;

/** A worker as routers reach it. */
export interface ReachedWorker {
  readonly actor: Actor;
  readonly calls: CallIndex;
}

/** A router as workers reach it. */
export interface ReachedRouter {
  readonly actor: Actor;
  readonly slots: SlotQueues;
}

interface Member {
  readonly actor: Actor;
  readonly take: (call: IncomingCall) => void;
}

/** Messages between routers and workers: queue groups, calls, commands and heartbeats, late, lost and repeated. */
export class CooldownMessages {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #standstills: Standstills;
  readonly #workers: ReadonlySet<ReachedWorker>;
  readonly #routers: ReadonlySet<ReachedRouter>;
  readonly #toCaller: (frame: wire.Frame, worker: Actor) => void;
  readonly #groups = new Map<string, Set<Member>>();
  readonly #watchers = new Map<Actor, Set<() => void>>();
  readonly #renewedUntilMs = new Map<string, number>();
  /** Attempts whose acceptance was told: it is told again where a router asks. */
  readonly #accepted = new Set<string>();

  constructor(
    time: VirtualTime,
    network: Network,
    standstills: Standstills,
    workers: ReadonlySet<ReachedWorker>,
    routers: ReadonlySet<ReachedRouter>,
    toCaller: (frame: wire.Frame, worker: Actor) => void,
  ) {
    this.#time = time;
    this.#network = network;
    this.#standstills = standstills;
    this.#workers = workers;
    this.#routers = routers;
    this.#toCaller = toCaller;
  }

  groupsOf(actor: Actor): Groups {
    return {
      join: (model, classes, take) => {
        const member = { actor, take };
        const groups = classes.map((dataClass) => this.#group(`${dataClass} ${model}`));
        for (const group of groups) group.add(member);
        return {
          // Calls that are on their way still come.
          leave: async () => {
            await this.#time.pause(this.#time.between(0.1, 5));
            for (const group of groups) group.delete(member);
          },
        };
      },
      announceFree: (model, { toAll, kept }) => {
        for (const { slots, actor: router } of this.#routers)
          this.#network.send(() => slots.free(model, toAll, kept), router);
      },
    };
  }

  /** A worker was killed: it takes nothing more, and routers see that after a while. */
  lose(actor: Actor): void {
    for (const members of this.#groups.values())
      for (const member of members) if (member.actor === actor) members.delete(member);
    for (const lost of this.#watchers.get(actor) ?? []) this.#time.surelyAfter(seenDeadAfterMs, lost);
  }

  callsOf(router: Actor): Calls {
    return {
      send: (dispatch, onSignal) => this.#send(router, dispatch, onSignal),
      command: (workerId, attemptId, command, startUntilUnixMs = 0) => {
        const worker = this.#workerOf(workerId);
        const control = { attemptId, command, startUntilUnixMs: BigInt(startUntilUnixMs) };
        if (command === wire.CallCommand.START) this.#renewedUntilMs.set(attemptId, startUntilUnixMs);
        if (worker) this.#network.send(() => worker.calls.obey(control), worker.actor);
      },
      connection: 1,
      whoHas: async () => 'nobody',
      isInTouch: async () => {
        if (this.#standstills.lastedMs(router) > suspectForMs) return false;
        await this.#time.pause(1);
        return this.#standstills.lastedMs(router) <= suspectForMs;
      },
      watch: (workerId, onLost, work) => this.#watch(router, workerId, onLost, work),
    };
  }

  #send(router: Actor, dispatch: Dispatch, onSignal: (signal: CallSignal) => void): { close(): void } {
    let isOpen = true;
    const hear = this.#listener(router, (signal) => isOpen && onSignal(signal));
    // A group gives each request to one worker, once.
    let isGiven = false;
    this.#network.send(() => {
      if (isGiven) return;
      isGiven = true;
      this.#give(dispatch, hear);
    });
    return { close: () => void (isOpen = false) };
  }

  /** Signals of one worker come in its order. After a lost connection they are said again. */
  #listener(router: Actor, onSignal: (signal: CallSignal) => void): (signal: CallSignal) => void {
    const { random } = this.#time;
    const { drop, duplicate } = this.#network.weather;
    let lastAtMs = 0;
    const hear = (signal: CallSignal, mayRepeat = true): void => {
      if (random.chance(drop)) return;
      if (mayRepeat && random.chance(duplicate)) hear(signal, false);
      const { sinceStartMs } = this.#time;
      lastAtMs = Math.max(lastAtMs, sinceStartMs + this.#time.between(0.1, 5));
      this.#time.after(lastAtMs - sinceStartMs, () => onSignal(signal), router);
    };
    return (signal) => hear(signal);
  }

  #give({ request, dataClass }: Dispatch, hear: (signal: CallSignal) => void): void {
    const { attemptId, model } = request;
    const member = this.#memberOf(`${dataClass} ${model}`);
    if (!member) return hear({ kind: 'nobody' });
    const { actor, take } = member;
    const toRouter = (kind: wire.CallEvent['kind']): void => {
      if (kind.case === 'accepted') this.#checkInTime(request);
      hear({ kind: 'event', event: create(wire.CallEventSchema, { attemptId, workerId: actor.name, kind }) });
    };
    const endToRouter = (kind: wire.CallEvent['kind']): LastWord => {
      toRouter(kind);
      return { sayAgain: () => toRouter(kind) };
    };
    const toCaller = (frame: wire.Frame): void => this.#toCaller(frame, actor);
    const call = { request, dataClass, toRouter, endToRouter, toCaller };
    this.#time.after(this.#time.between(0.1, 5), () => take(call), actor);
  }

  #watch(router: Actor, workerId: string, onLost: (loss: Loss) => void, work: Work): () => void {
    const worker = this.#workerOf(workerId);
    if (!worker) {
      const lost = this.#time.after(seenDeadAfterMs, () => onLost('dead'), router);
      return () => void (lost.work = undefined);
    }
    const watchers = this.#watchers.get(worker.actor) ?? new Set();
    this.#watchers.set(worker.actor, watchers);
    let isWatched = true;
    const tell = (loss: Loss): void => void this.#time.after(0, () => isWatched && onLost(loss), router);
    const lost = (): void => tell('dead');
    watchers.add(lost);
    const stopAsking = this.#askInFlight(worker, work, router, () => tell('gone'));
    return () => {
      isWatched = false;
      watchers.delete(lost);
      stopAsking();
    };
  }

  #workerOf(workerId: string): ReachedWorker | undefined {
    return [...this.#workers].find(({ actor }) => actor.name === workerId);
  }

  /** Asks a worker again and again whether it has some work. Returns how to stop. */
  #askInFlight({ calls, actor }: ReachedWorker, work: Work, router: Actor, onGone: () => void): () => void {
    let denials = 0;
    const ask = (): void => {
      let isAnswered = false;
      const answer = (isHere: boolean): void => {
        if (isAnswered) return;
        isAnswered = true;
        denials = isHere ? 0 : denials + 1;
        if (denials === goneAfterAnswers) onGone();
      };
      this.#network.send(() => {
        const isHere = calls.has(work);
        this.#network.send(() => answer(isHere), router);
      }, actor);
    };
    const timer = setInterval(ask, askInFlightEveryMs);
    return () => clearInterval(timer);
  }

  #memberOf(key: string): Member | undefined {
    const members = [...this.#group(key)];
    return members.length === 0 ? undefined : this.#time.random.pick(members);
  }

  /** A call is accepted right before it starts: not after the instant that its router gave it. */
  #checkInTime({ attemptId, model, startUntilUnixMs }: wire.CallRequest): void {
    if (this.#accepted.has(attemptId)) return;
    this.#accepted.add(attemptId);
    const untilMs = Math.max(Number(startUntilUnixMs), this.#renewedUntilMs.get(attemptId) ?? 0);
    if (Date.now() > untilMs)
      this.#time.fail(`a call of ${model} began ${Date.now() - untilMs} ms after its delivery expired`);
  }

  #group(key: string): Set<Member> {
    const group = this.#groups.get(key) ?? new Set();
    this.#groups.set(key, group);
    return group;
  }
}
