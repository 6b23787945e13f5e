import { readFileSync } from 'node:fs';

/** What a run of the tests is told; it stands in a file that `WILL_MUTANTS_RUN` names. */
export interface Run {
  readonly tests: readonly string[];
  /** By path in the repository. */
  readonly code: Readonly<Record<string, string>>;
  /** Need no trial. */
  readonly noticed: readonly string[];
  /** Need no trial by one test, by its key: it did not notice them before. */
  readonly unnoticed: Readonly<Record<string, readonly string[]>>;
  /** Where the run appends what it finds out. */
  readonly linesFile: string;
  /** A test that takes longer tries no mutants. */
  readonly slowestMs: number;
}

/** A line that a run appends. */
export type RunLine =
  | { readonly met: readonly string[]; readonly atLoad: readonly string[] }
  /** Left without an answer when the process ends: the mutant ended it. */
  | { readonly trying: string; readonly by: string }
  | { readonly noticed: string; readonly by: string }
  /** The test of this key runs with the mutant as without it. */
  | { readonly unnoticed: string; readonly test: string }
  /** A test that fails the second time, with no mutant. */
  | { readonly onceOnly: string };

let read: Run | undefined;
export const readRun = (): Run =>
  (read ??= JSON.parse(readFileSync(process.env['WILL_MUTANTS_RUN'] ?? '', 'utf8')) as Run);
