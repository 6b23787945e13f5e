import type { CallRecord } from '../domain/call-record.ts';
import { emptySeries, observeShift, type Shift, type ShiftState } from './shift-detector.ts';

export type ChangeSignal = 'version' | 'latency' | 'length' | 'refusals' | 'quality';

/** A model answers otherwise than before, and nobody changed its document. */
export interface ModelChange {
  readonly model: string;
  /** Undefined: of all task types. */
  readonly taskType: string | undefined;
  readonly signal: ChangeSignal;
  readonly words: string;
  /** A factor for latency and length, a difference for refusals (share) and quality (0 to 1); 0 for version. */
  readonly change: number;
  /** Calls that it took to be sure of it. */
  readonly calls: number;
  readonly atMs: number;
}

/** The part of a call's record that is compared. */
export type ComparedRecord = Pick<
  CallRecord,
  'client' | 'modelVersion' | 'taskType' | 'startedAtMs' | 'durationMs' | 'outcome' | 'status' | 'finish' | 'usage'
> & {
  readonly model: string;
  /** What the provider says that served it; '': it does not say. */
  readonly servedVersion: string;
};

export interface ComparedScore {
  readonly model: string;
  readonly modelVersion: string | undefined;
  readonly taskType: string;
  /** 0 to 1. */
  readonly score: number;
  readonly atMs: number;
}

/** A new version that served so many calls in a row has taken over. */
const versionCalls = 3;
/** Bounds of what is kept: versions of a model, series, and strata of each. */
const maxVersions = 50;
const maxSeries = 5_000;
const maxStrata = 500;
/** A stratum is known from so many values on, and follows slow drift with this weight. */
const minStratum = 10;
const stratumGain = 1 / 500;
/** Strata of the size of an input: two for each doubling of its tokens. */
const sizesPerDoubling = 2;
/** Time that a call takes beside its tokens, in tokens. */
const tokensOfStart = 50;

interface Kind {
  /** Least standard error of a mean of ten: twice as much is the least change that is told. */
  readonly leastError: number;
  change(shift: Shift): number;
  words(change: number): string;
}

const factor = ({ before, after }: Shift): number => Math.exp(after - before);
const difference = ({ before, after }: Shift): number => after - before;
const times = (change: number): string => `${change.toPrecision(2)} times`;
const percent = (share: number): string => `${(Math.abs(share) * 100).toFixed(0)} %`;

const kinds: Readonly<Record<Exclude<ChangeSignal, 'version'>, Kind>> = {
  latency: {
    // Busy hours make a vendor slower by day than by night: 8 % either way is no change of the model.
    leastError: 0.17,
    change: factor,
    words: (change) => `calls take ${times(change)} as long as before for the same output`,
  },
  length: { leastError: 0.1, change: factor, words: (change) => `answers are ${times(change)} as long as before` },
  refusals: {
    leastError: 0.05,
    change: difference,
    words: (change) => `${percent(change)} ${change > 0 ? 'more' : 'fewer'} of its calls are refused than before`,
  },
  quality: {
    leastError: 0.03,
    change: difference,
    words: (change) => `scores are ${Math.abs(change).toFixed(2)} ${change > 0 ? 'higher' : 'lower'} than before, of 1`,
  },
};

interface Stratum {
  mean: number;
  values: number;
}

/** One signal of one version of a model: values less what is usual in their stratum. */
class Series {
  #state: ShiftState = emptySeries;
  readonly #strata = new Map<string, Stratum>();

  observe(value: number, stratum: string, leastError: number): Shift | undefined {
    const rest = this.#rest(value, stratum);
    if (rest === undefined) return undefined;
    const { state, shift } = observeShift(this.#state, rest, leastError);
    this.#state = state;
    // What is usual is learned anew with the new level.
    if (shift) this.#strata.clear();
    return shift;
  }

  #rest(value: number, key: string): number | undefined {
    const stratum = this.#strata.get(key) ?? { mean: 0, values: 0 };
    const rest = stratum.values < minStratum ? undefined : value - stratum.mean;
    if (stratum.values === 0 && this.#strata.size >= maxStrata) return undefined;
    stratum.values += 1;
    stratum.mean += (value - stratum.mean) * Math.max(stratumGain, 1 / stratum.values);
    this.#strata.set(key, stratum);
    return rest;
  }
}

interface Versions {
  readonly known: Set<string>;
  current: string;
  next: string;
  nextCalls: number;
}

/**
 * Finds silent changes of models: in which version serves them, and in time, length, refusals and quality by task type and
 * served version. A call is compared with calls of the same client and size of input, so that other work is no change of the
 * model. The one that is told the same in the same order finds the same.
 */
export class ChangeBook {
  readonly #series = new Map<string, Series>();
  readonly #versions = new Map<string, Versions>();

  /** Takes one call; the changes that it made sure of. */
  record(record: ComparedRecord): readonly ModelChange[] {
    const { model, client, taskType, usage, status, finish, outcome, durationMs, startedAtMs } = record;
    const at = { model, atMs: startedAtMs + durationMs };
    const version = this.#version(record, at.atMs);
    const of = { ...at, taskType, version: `${record.modelVersion ?? ''}\0${this.#servedVersion(model)}` };
    const isRefused = status === 'ContentFilter' || finish === 'content_filter';
    const tokens = usage?.outputTokens ?? 0;
    const found = [version];
    if (isRefused || outcome === 'Success') found.push(this.#observe('refusals', isRefused ? 1 : 0, client, of));
    if (!isRefused && outcome === 'Success' && tokens > 0) {
      const stratum = `${client}\0${Math.floor(Math.log2((usage?.inputTokens ?? 0) + 1) * sizesPerDoubling)}`;
      found.push(this.#observe('length', Math.log(1 + tokens), stratum, of));
      const pace = Math.log(Math.max(1, durationMs) / (tokens + tokensOfStart));
      found.push(this.#observe('latency', pace, stratum, of));
    }
    return found.filter((change) => change !== undefined);
  }

  /** Takes one score of an output; the change that it made sure of. */
  score({ model, modelVersion, taskType, score, atMs }: ComparedScore): readonly ModelChange[] {
    const of = { model, atMs, taskType, version: `${modelVersion ?? ''}\0${this.#servedVersion(model)}` };
    const found = this.#observe('quality', score, '', of);
    return found ? [found] : [];
  }

  /** What served it last: a refusal does not say. */
  #servedVersion(model: string): string {
    return this.#versions.get(model)?.current ?? '';
  }

  #version({ model, servedVersion }: ComparedRecord, atMs: number): ModelChange | undefined {
    if (servedVersion === '') return undefined;
    const versions = this.#versions.get(model);
    if (!versions) {
      this.#versions.set(model, { known: new Set([servedVersion]), current: servedVersion, next: '', nextCalls: 0 });
      return undefined;
    }
    if (versions.known.has(servedVersion)) {
      Object.assign(versions, { current: servedVersion, next: '', nextCalls: 0 });
      return undefined;
    }
    versions.nextCalls = versions.next === servedVersion ? versions.nextCalls + 1 : 1;
    versions.next = servedVersion;
    if (versions.nextCalls < versionCalls || versions.known.size >= maxVersions) return undefined;
    const before = versions.current;
    versions.known.add(servedVersion);
    Object.assign(versions, { current: servedVersion, next: '', nextCalls: 0 });
    const words = `it is served by ${servedVersion}, before by ${before}`;
    return { model, taskType: undefined, signal: 'version', words, change: 0, calls: versionCalls, atMs };
  }

  #observe(
    signal: Exclude<ChangeSignal, 'version'>,
    value: number,
    stratum: string,
    { model, taskType, version, atMs }: Pick<ModelChange, 'model' | 'atMs'> & { taskType: string; version: string },
  ): ModelChange | undefined {
    const kind = kinds[signal];
    const shift = this.#seriesOf(`${model}\0${version}\0${taskType}\0${signal}`).observe(
      value,
      stratum,
      kind.leastError,
    );
    if (!shift) return undefined;
    const change = kind.change(shift);
    return { model, taskType, signal, words: kind.words(change), change, calls: shift.values, atMs };
  }

  #seriesOf(key: string): Series {
    const series = this.#series.get(key) ?? new Series();
    // Moved to the end: the one that was not touched for longest goes first.
    this.#series.delete(key);
    this.#series.set(key, series);
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= maxSeries) break;
      this.#series.delete(oldest);
    }
    return series;
  }
}
