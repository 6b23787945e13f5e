/** One question for the server's time. All in milliseconds. */
export interface ClockSample {
  /** By this process's monotonic clock: when the question left, and when its answer came. */
  readonly askedMs: number;
  readonly answeredMs: number;
  /** By this machine's system clock, at the answer. */
  readonly systemMs: number;
  /** UTC, as the server said. */
  readonly serverMs: number;
}

/** The bus clock's time at an instant, and how far that may be off. */
export interface ClockReading {
  readonly nowMs: number;
  readonly boundMs: number;
}

/** A slower answer says too little of the instant at which the server read its clock. */
const maxRoundTripMs = 20;
/** The server says whole milliseconds. */
const serverResolutionMs = 1;
/** Two clocks of ordinary machines part by at most this share of the time. */
const maxDrift = 200e-6;
/** System and monotonic clock part by this much only when the machine slept, or somebody set the clock. */
const maxClockShiftMs = 50;
/** An estimate that may be off by more is none. */
const maxBoundMs = 100;

/** The bus clock as estimated from samples: the one with the shortest round trip counts, and its bound grows with its age. */
export class ClockEstimate {
  #best: (ClockSample & { readonly errorMs: number }) | undefined;

  /** Takes a sample where it tells more than the one that counts. @returns whether it was good enough to count. */
  take(sample: ClockSample): boolean {
    const roundTripMs = sample.answeredMs - sample.askedMs;
    if (roundTripMs < 0 || roundTripMs > maxRoundTripMs || Number.isNaN(sample.serverMs)) return false;
    const errorMs = roundTripMs / 2 + serverResolutionMs;
    const present = this.read(sample.answeredMs, sample.systemMs);
    if (!present || errorMs <= present.boundMs) this.#best = { ...sample, errorMs };
    return true;
  }

  /** Another server answers from now on, or the clocks of this machine parted: nothing is known any more. */
  forget(): void {
    this.#best = undefined;
  }

  /** @param monotonicMs now; `systemMs`: now by the system clock. Undefined: nothing is known well enough. */
  read(monotonicMs: number, systemMs: number): ClockReading | undefined {
    const best = this.#best;
    if (!best) return undefined;
    const shiftMs = systemMs - monotonicMs - (best.systemMs - best.answeredMs);
    if (Math.abs(shiftMs) > maxClockShiftMs) return undefined;
    const boundMs = best.errorMs + maxDrift * Math.max(0, monotonicMs - best.answeredMs);
    if (boundMs > maxBoundMs) return undefined;
    const middleMs = (best.askedMs + best.answeredMs) / 2;
    return { nowMs: best.serverMs + monotonicMs - middleMs, boundMs };
  }
}
