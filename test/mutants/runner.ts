import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import fc from 'fast-check';
import { TestRunner } from 'vitest';
import { readRun, type RunLine } from './run.ts';
import { activate, deactivate, endToMeet, metAtLoad, startToMeet } from './switch.ts';

// Runs each test once as it is, and then again with every mutant that it met and that no test has noticed yet: as
// attempts of Vitest, so that hooks before and after the test run each time.

type Test = Parameters<NonNullable<InstanceType<typeof TestRunner>['onBeforeRunTask']>>[0];
type Finished = Parameters<InstanceType<typeof TestRunner>['onAfterRetryTask']>[0];
type Attempt = Parameters<InstanceType<typeof TestRunner>['onBeforeTryTask']>[1];

const { linesFile, noticed: before, slowestMs } = readRun();
const noticed = new Set(before);
// Tests put another clock in its place.
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
const nowMs = performance.now.bind(performance);
const write = (line: RunLine): void => appendFileSync(linesFile, `${JSON.stringify(line)}\n`);

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
    this.#startedMs = nowMs();
    if (attempt.retry === 0) return startToMeet();
    if (this.#suspect !== undefined) return;
    this.#active = this.#untried.pop();
    if (this.#active === undefined) return;
    write({ trying: this.#active, by: fileOf(test) });
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
    const failed = test.result?.state === 'fail';
    this.#goesOn = retry === 0 ? this.#begin(failed) : this.#conclude(fileOf(test), test.name, failed);
    if (!test.result || (retry === 0 && failed)) return;
    // Vitest makes another attempt after one that failed with an error.
    test.result.state = this.#goesOn ? 'fail' : 'pass';
    test.result.errors = this.#goesOn ? [{ name: 'Error', message: 'the next mutant' }] : [];
  }

  #begin(failed: boolean): boolean {
    this.#hits = endToMeet();
    write({ met: [...this.#hits.keys()], atLoad: metAtLoad() });
    const tookMs = nowMs() - this.#startedMs;
    this.#limitMs = 20 * tookMs + 5_000;
    this.#untried = failed || tookMs > slowestMs ? [] : [...this.#hits.keys()].filter((id) => !noticed.has(id));
    return this.#untried.length > 0;
  }

  #conclude(file: string, name: string, failed: boolean): boolean {
    if (this.#suspect !== undefined) {
      this.#plainFailures = failed ? this.#plainFailures + 1 : 0;
      // What the mutant left behind may be in the way once.
      if (this.#plainFailures === 1) return true;
      const suspect = this.#suspect;
      this.#suspect = undefined;
      if (failed) {
        write({ onceOnly: `${file}: ${name}` });
        return false;
      }
      noticed.add(suspect);
      write({ noticed: suspect, by: file });
    } else if (failed) {
      this.#suspect = this.#active;
      return true;
    }
    return this.#untried.length > 0;
  }
}

const fileOf = (test: { file: { filepath: string } }): string =>
  relative(process.cwd(), test.file.filepath).replaceAll('\\', '/');

function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = realSetTimeout(() => reject(new Error(`no end within ${limitMs} ms`)), limitMs);
    work.then(resolve, reject).finally(() => realClearTimeout(timer));
  });
}
