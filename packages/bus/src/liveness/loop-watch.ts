/**
 * How often the event loop shows that it runs: each time wakes an idle process. A standstill is found to be shorter than
 * it was by at most so much.
 */
const tickEveryMs = 50;
/** What is read right after a standstill may have come during it. */
const suspectForMs = 100;

/**
 * Knows how long this process's event loop stood still. It compares the present with the last tick when it is asked, so
 * that a process that was stopped finds out with the first message it reads, before any of its timers fires.
 */
export class LoopWatch {
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastTickMs: number;
  /** The last standstill that was found: when it ended, and how long it was. */
  #foundAtMs = Number.NEGATIVE_INFINITY;
  #foundMs = 0;
  readonly #maximum = new Maximum();
  readonly #maxima = [this.#maximum];

  /** @param nowMs a monotonic clock. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#lastTickMs = nowMs();
    this.#timer = setInterval(() => this.tick(), tickEveryMs);
    this.#timer.unref();
  }

  /**
   * How long the loop stood still until now or a moment ago, in milliseconds; 0: it runs. @param sinceMs what was found
   * before this instant of the clock does not count.
   */
  stoodStillMs(sinceMs = Number.NEGATIVE_INFINITY): number {
    this.tick();
    const isRecent = this.#lastTickMs - this.#foundAtMs <= suspectForMs;
    return isRecent && this.#foundAtMs > sinceMs ? this.#foundMs : 0;
  }

  /** The longest delay of the loop since this was last asked, in milliseconds. */
  takeMaxDelayMs(): number {
    this.tick();
    return this.#maximum.take();
  }

  /** The same for somebody else, who asks at other times. */
  beside(): { takeMaxDelayMs(): number } {
    const maximum = new Maximum();
    this.#maxima.push(maximum);
    return {
      takeMaxDelayMs: () => {
        this.tick();
        return maximum.take();
      },
    };
  }

  /** The loop runs now. */
  tick(): void {
    const nowMs = this.#nowMs();
    const delayMs = nowMs - this.#lastTickMs - tickEveryMs;
    this.#lastTickMs = nowMs;
    if (delayMs <= 0) return;
    for (const maximum of this.#maxima) maximum.see(delayMs);
    if (delayMs < this.#foundMs && nowMs - this.#foundAtMs <= suspectForMs) return;
    this.#foundAtMs = nowMs;
    this.#foundMs = delayMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The largest of some values since it was last asked for. */
class Maximum {
  #value = 0;

  see(value: number): void {
    if (value > this.#value) this.#value = value;
  }

  take(): number {
    const value = this.#value;
    this.#value = 0;
    return value;
  }
}
