import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { TestRunner } from 'vitest';
import { readRun, type RunLine } from './run.ts';
import { activate, deactivate, endToMeet, metAtLoad, startToMeet } from './switch.ts';
import type { Watched } from './watchdog.ts';

// Runs each test once as it is, and then again with every mutant that it met and that no test has noticed yet: as
// attempts of Vitest, so that hooks before and after the test run each time.

type Test = Parameters<NonNullable<InstanceType<typeof TestRunner>['onBeforeRunTask']>>[0];
type Finished = Parameters<InstanceType<typeof TestRunner>['onAfterRetryTask']>[0];
type Attempt = Parameters<InstanceType<typeof TestRunner>['onBeforeTryTask']>[1];

const { linesFile, noticed: before, unnoticed, slowestMs } = readRun();
const noticed = new Set(before);
// Tests put another clock in its place.
const { setInterval: realSetInterval, clearInterval: realClearInterval } = globalThis;
const loopUse = performance.eventLoopUtilization.bind(performance);
/** Time that this process used or waited: on a busy machine it stands still meanwhile, which makes no test slow. */
function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000 + loopUse().idle;
}
const write = (line: RunLine): void => appendFileSync(linesFile, `${JSON.stringify(line)}\n`);

const watched: Watched = { trial: new Int32Array(new SharedArrayBuffer(4)), maxCpuMs: 60_000 };
new Worker(new URL('watchdog.ts', import.meta.url), { workerData: watched }).unref();
let trials = 0;

// To find the smallest case of a property is of no use here.
fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 50, endOnFailure: true });

export default class MutantRunner extends TestRunner {
  #goesOn = false;
  #hits: ReadonlyMap<string, number> = new Map();
  #untried: string[] = [];
  #active: string | undefined;
  /** Of a run that failed, while the test runs without it: is it the mutant, or can the test run only once? */
  #suspect: string | undefined;
  #plainFailures = 0;
  #startedMs = 0;
  #limitMs = Number.POSITIVE_INFINITY;

  override async onBeforeRunTask(test: Test): Promise<void> {
    await super.onBeforeRunTask(test);
    test.retry = { count: Number.MAX_SAFE_INTEGER, condition: () => this.#goesOn };
    this.#limitMs = Number.POSITIVE_INFINITY;
    this.#plainFailures = 0;
  }

  override onBeforeTryTask(test: Test, attempt: Attempt): void {
    super.onBeforeTryTask(test, attempt);
    this.#startedMs = spentMs();
    if (attempt.retry === 0) return startToMeet();
    if (this.#suspect !== undefined) return;
    this.#active = this.#untried.pop();
    if (this.#active === undefined) return;
    write({ trying: this.#active, by: fileOf(test) });
    Atomics.store(watched.trial, 0, (trials += 1));
    activate(this.#active, this.#hits.get(this.#active) ?? 0);
  }

  async runTask(test: Test): Promise<void> {
    const run = TestRunner.getTestFn(test as never) as () => Promise<void>;
    return Number.isFinite(this.#limitMs) ? within(run(), this.#limitMs) : run();
  }

  override async onAfterRetryTask(test: Finished, attempt: Attempt): Promise<void> {
    await super.onAfterRetryTask(test, attempt);
    const { retry } = attempt;
    deactivate();
    Atomics.store(watched.trial, 0, 0);
    const failed = test.result?.state === 'fail';
    this.#goesOn = retry === 0 ? this.#begin(test, failed) : this.#conclude(test, failed);
    if (!test.result || (retry === 0 && failed)) return;
    // Vitest makes another attempt after one that failed with an error.
    test.result.state = this.#goesOn ? 'fail' : 'pass';
    test.result.errors = this.#goesOn ? [{ name: 'Error', message: 'the next mutant' }] : [];
  }

  #begin(test: Test, failed: boolean): boolean {
    this.#hits = endToMeet();
    write({ met: [...this.#hits.keys()], atLoad: metAtLoad() });
    const tookMs = spentMs() - this.#startedMs;
    this.#limitMs = 10 * tookMs + 2_000;
    const tried = new Set(unnoticed[keyOf(test)]);
    const isLeft = (id: string): boolean => !noticed.has(id) && !tried.has(id);
    this.#untried = failed || tookMs > slowestMs ? [] : [...this.#hits.keys()].filter(isLeft);
    return this.#untried.length > 0;
  }

  #conclude(test: Test, failed: boolean): boolean {
    const file = fileOf(test);
    if (this.#suspect !== undefined) {
      this.#plainFailures = failed ? this.#plainFailures + 1 : 0;
      // What the mutant left behind may be in the way once.
      if (this.#plainFailures === 1) return true;
      const suspect = this.#suspect;
      this.#suspect = undefined;
      if (failed) {
        write({ onceOnly: `${file}: ${test.name}` });
        return false;
      }
      noticed.add(suspect);
      write({ noticed: suspect, by: file });
    } else if (failed) {
      this.#suspect = this.#active;
      return true;
    } else if (this.#active !== undefined) write({ unnoticed: this.#active, test: keyOf(test) });
    return this.#untried.length > 0;
  }
}

const fileOf = (test: { file: { filepath: string } }): string =>
  relative(process.cwd(), test.file.filepath).replaceAll('\\', '/');

/** Of a test as it is written: its place, its name and its code. */
const keyOf = (test: Test): string =>
  createHash('sha256')
    .update([fileOf(test), test.fullTestName, TestRunner.getTestFn(test as never)].join('\n'))
    .digest('hex')
    .slice(0, 16);

const tickMs = 50;

/** Counts ticks of a timer and not the clock: a process that stood still has not had its time. */
function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = Math.ceil(limitMs / tickMs);
    const timer = realSetInterval(() => {
      if ((left -= 1) === 0) reject(new Error(`no end within ${limitMs} ms`));
    }, tickMs);
    work.then(resolve, reject).finally(() => realClearInterval(timer));
  });
}
