import type { wire } from '@will/contracts';

/** Sums of one model's calls that ended within the window. */
export interface WindowLine {
  readonly model: string;
  readonly calls: number;
  /** Calls that were no `Success`. */
  readonly errors: number;
  readonly callsPerMinute: number;
  /** Of the calls that were answered; absent: none was. */
  readonly p95Ms: number | undefined;
  /** Of the calls whose first token came; absent: of none it is known. */
  readonly firstTokenP95Ms: number | undefined;
  readonly outputTokensPerSecond: number;
  /** As much as an hour like the window would cost, calls of unknown price left out. */
  readonly nanoUsdPerHour: number;
  readonly unknownCosts: number;
}

interface Ended {
  readonly model: string;
  readonly atMs: number;
  readonly durationMs: number;
  readonly firstTokenMs: number | undefined;
  readonly isSuccess: boolean;
  readonly outputTokens: number;
  readonly costNanoUsd: bigint | undefined;
  readonly writtenBy: string;
}

/** Calls that ended lately, each once, and what they come to by model. */
export class CallWindow {
  readonly windowMs: number;
  readonly #startedMs: number;
  readonly #calls = new Map<string, Ended>();

  /** `startedMs`: since when it is told of every call; an average is never over a time that it did not see. */
  constructor(windowMs: number, startedMs: number) {
    this.windowMs = windowMs;
    this.#startedMs = startedMs;
  }

  add(record: wire.CallRecord): void {
    // A worker's own record takes the place of what others wrote of the same call.
    if (this.#calls.has(record.attemptId) && record.writtenBy !== 'worker') return;
    this.#calls.set(record.attemptId, {
      model: record.model,
      atMs: Number(record.startedUnixMs) + record.durationMs,
      durationMs: record.durationMs,
      firstTokenMs: record.firstContentMs,
      isSuccess: record.outcome === 'Success',
      outputTokens: record.usage?.outputTokens ?? 0,
      costNanoUsd: record.costNanoUsd,
      writtenBy: record.writtenBy,
    });
  }

  /** By model, those with the most calls first. */
  lines(nowMs: number): readonly WindowLine[] {
    const sinceMs = Math.max(nowMs - this.windowMs, this.#startedMs);
    for (const [id, { atMs }] of this.#calls) if (atMs < nowMs - this.windowMs) this.#calls.delete(id);
    const seconds = Math.max(1, (nowMs - sinceMs) / 1_000);
    return [...Map.groupBy(this.#calls.values(), ({ model }) => model)]
      .map(([model, calls]) => lineOf(model, calls, seconds))
      .sort((a, b) => b.calls - a.calls || a.model.localeCompare(b.model));
  }
}

function lineOf(model: string, calls: readonly Ended[], seconds: number): WindowLine {
  const sum = (value: (call: Ended) => number): number => calls.reduce((all, call) => all + value(call), 0);
  return {
    model,
    calls: calls.length,
    errors: sum(({ isSuccess }) => (isSuccess ? 0 : 1)),
    callsPerMinute: (calls.length * 60) / seconds,
    p95Ms: quantile95(calls.filter(({ isSuccess }) => isSuccess).map(({ durationMs }) => durationMs)),
    firstTokenP95Ms: quantile95(calls.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])),
    outputTokensPerSecond: sum(({ outputTokens }) => outputTokens) / seconds,
    nanoUsdPerHour: (sum(({ costNanoUsd }) => Number(costNanoUsd ?? 0n)) * 3_600) / seconds,
    unknownCosts: sum(({ costNanoUsd }) => (costNanoUsd === undefined ? 1 : 0)),
  };
}

/** Nearest rank. */
function quantile95(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1];
}
