import { AsyncLocalStorage } from 'node:async_hooks';
import { Random } from '../policy/random.ts';

/** What a run found wrong. The message tells the seed and the last of what happened. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A process of the simulated system: it lives, stands still (as under SIGSTOP), or is dead (as after SIGKILL). */
export class Actor {
  readonly name: string;
  /** Runs something as this actor. Kept, since to make it anew for each step takes long. */
  enter: ((work: () => void) => void) | undefined;
  #state: 'lives' | 'frozen' | 'dead' = 'lives';
  /** What came due while it stood still. */
  #missed: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  /** Nothing of it runs any more: its timers, and what it waited for. */
  kill(): void {
    this.#state = 'dead';
    this.#missed = [];
  }

  freeze(): void {
    if (this.#state === 'lives') this.#state = 'frozen';
  }

  /** Yields what came due meanwhile, in its order. */
  thaw(): (() => void)[] {
    if (this.#state !== 'frozen') return [];
    this.#state = 'lives';
    return this.#missed.splice(0);
  }

  /** Whether it runs now; what cannot run now is kept where it will. */
  runsNow(work: () => void): boolean {
    if (this.#state === 'frozen') this.#missed.push(work);
    return this.#state === 'lives';
  }
}

interface Event {
  readonly atMs: number;
  readonly number: number;
  readonly actor: Actor | undefined;
  work: (() => void) | undefined;
}

interface VirtualTimer {
  event: Event | undefined;
  unref(): VirtualTimer;
  ref(): VirtualTimer;
  hasRef(): boolean;
}

const realTurn = setImmediate;
/** `WILL_SIMULATION_LINES` has a run tell more of what happened. */
const keptLines = Number(process.env['WILL_SIMULATION_LINES'] ?? 60);
const maxEvents = 400_000;
/** What every run begins at, unless its world says otherwise: a Monday at noon, UTC. */
export const defaultStartMs = Date.UTC(2026, 10, 23, 12);

/**
 * Time that passes only as far as something is due, so that a run of minutes takes milliseconds and repeats by its seed.
 * Within {@link run} the timers and clocks of the process are these: what is simulated is the product's own code, and reads
 * the clock as it always does. Each timer and each answer belongs to the actor that asked for it and dies with it.
 */
export class VirtualTime {
  readonly random: Random;
  readonly seed: number;
  readonly #startMs: number;
  readonly #queue: Event[] = [];
  readonly #acting = new AsyncLocalStorage<Actor>();
  readonly #lines: string[] = [];
  readonly #asNobody = AsyncLocalStorage.snapshot();
  #number = 0;
  #nowMs = 0;
  #failure: Error | undefined;
  #isOver = false;

  constructor(seed: number, startMs = defaultStartMs) {
    this.seed = seed;
    this.random = new Random(seed);
    this.#startMs = startMs;
  }

  /** Since the start. */
  get sinceStartMs(): number {
    return this.#nowMs;
  }

  /** UTC. */
  get nowMs(): number {
    return this.#startMs + this.#nowMs;
  }

  /** The actor whose code runs now; undefined: the network, a server, or the script of the run. */
  get actor(): Actor | undefined {
    return this.#acting.getStore();
  }

  /** Runs something as an actor: timers it sets and answers it awaits are the actor's. */
  as<T>(actor: Actor, work: () => T): T {
    return this.#acting.run(actor, work);
  }

  /** A line of the trace. */
  note(line: string): void {
    this.#lines.push(`${(this.#nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
    if (this.#lines.length > keptLines) this.#lines.shift();
  }

  /** Ends the run: something that must always be true is not. */
  fail(what: string): never {
    this.#failure ??= new Violation(`${what}\nseed ${this.seed}; what happened last:\n${this.#lines.join('\n')}`);
    throw this.#failure;
  }

  /** The same, and throws nothing into the code that runs. */
  wrong(what: string): void {
    try {
      this.fail(what);
    } catch {
      // The run knows it.
    }
  }

  /** Does something later, unless its actor is dead by then. */
  after(ms: number, work: () => void, actor = this.actor): Event {
    return this.#due(ms, work, actor);
  }

  /** Does something later, whichever process is dead by then: what is under way arrives. */
  surelyAfter(ms: number, work: () => void): Event {
    return this.#due(ms, work, undefined);
  }

  #due(ms: number, work: () => void, actor: Actor | undefined): Event {
    this.#number += 1;
    const event = { atMs: this.#nowMs + Math.max(0, ms), number: this.#number, actor, work };
    push(this.#queue, event);
    return event;
  }

  /** Resolves later, for the actor that asks, or for the script. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  thaw(actor: Actor): void {
    for (const work of actor.thaw()) this.after(0, work, actor);
  }

  /** From `least` to `most`, mostly near `least`. */
  between(least: number, most: number): number {
    return least + (most - least) * this.random.next() ** 3;
  }

  /** Runs a script, and all that it sets going, until it ends. @throws {Violation} */
  async run(script: () => Promise<void>): Promise<void> {
    const restore = this.#install();
    try {
      script().then(
        () => {
          this.#isOver = true;
        },
        (error: unknown) => {
          this.#failure ??= error instanceof Violation ? error : this.#asViolation(error);
        },
      );
      await this.#pass();
      if (this.#failure) throw this.#failure;
    } finally {
      restore();
    }
  }

  async #pass(): Promise<void> {
    await settled();
    while (!this.#isOver && !this.#failure) {
      const event = pop(this.#queue);
      if (!event) throw this.#asViolation(new Error('nothing is due any more, and the script waits'));
      if (event.number > maxEvents) throw this.#asViolation(new Error(`more than ${maxEvents} events`));
      if (!event.work) continue;
      this.#nowMs = event.atMs;
      this.#step(event);
      await settled();
    }
  }

  #step(event: Event): void {
    const { actor } = event;
    // Asked for when it is done: a timer may be cleared while what it would do is missed.
    const work = (): void => event.work?.();
    const safely = (): void => {
      try {
        work();
      } catch (error) {
        this.#failure ??= error instanceof Violation ? error : this.#asViolation(error);
      }
    };
    if (!actor) return this.#asNobody(safely);
    if (!actor.runsNow(work)) return;
    actor.enter ??= this.#acting.run(actor, () => AsyncLocalStorage.snapshot());
    actor.enter(safely);
  }

  #asViolation(error: unknown): Violation {
    const { stack, message } = error as Error;
    return new Violation(`${stack ?? message}\nseed ${this.seed}; what happened last:\n${this.#lines.join('\n')}`);
  }

  /** Puts this time into the place of the process's own. @returns how to put that back. */
  #install(): () => void {
    const kept = { setTimeout, clearTimeout, setInterval, clearInterval };
    const now = Date.now;
    const performanceNow = performance.now;
    const { stackTraceLimit } = Error;
    // Errors are a part of every run, and where each was made takes long to tell.
    Error.stackTraceLimit = 4;
    const timer = (ms: number, work: () => void, isRepeated: boolean): VirtualTimer => {
      const { actor } = this;
      const made: VirtualTimer = { event: undefined, unref: () => made, ref: () => made, hasRef: () => true };
      const set = (): void => {
        made.event = this.after(Math.max(1, ms), fire, actor);
      };
      const fire = (): void => {
        made.event = undefined;
        if (isRepeated) set();
        work();
      };
      set();
      return made;
    };
    const clear = (made: VirtualTimer | undefined): void => {
      if (made?.event) made.event.work = undefined;
      if (made) made.event = undefined;
    };
    Object.assign(globalThis, {
      setTimeout: (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
        timer(ms, () => work(...given), false),
      setInterval: (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
        timer(ms, () => work(...given), true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Date.now = () => Math.floor(this.nowMs);
    performance.now = () => 1_000 + this.#nowMs;
    return () => {
      Object.assign(globalThis, kept);
      Error.stackTraceLimit = stackTraceLimit;
      Date.now = now;
      performance.now = performanceNow;
    };
  }
}

/** All that can go on without time passing has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => void realTurn(resolve));

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as Event;
    if (!isBefore(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
  return first;
}
