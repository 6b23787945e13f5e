import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, root } from './areas.ts';
import type { Mutant } from './instrument.ts';
import type { Run, RunLine } from './run.ts';

export const resultsFolder = join(cacheDir, 'mutants');
const hashes = new Map<string, string>();

const hash = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Of a file's content, read once. */
function hashOf(file: string): string {
  const path = join(root, file);
  const known = hashes.get(file) ?? (existsSync(path) ? hash(readFileSync(path)) : 'none');
  hashes.set(file, known);
  return known;
}

/**
 * What was found out before. That a mutant was noticed holds while the mutated file and the test file that noticed are
 * what they were; that a test did not notice it, while the mutated file and the test itself are.
 */
export class KnownResults {
  readonly #file: string;
  readonly #noticedBy: Map<string, readonly [test: string, hash: string]>;
  readonly #unnoticedFile: string;
  /** Keys of mutants by the key of a test. */
  readonly #unnoticedBy: Map<string, Set<string>>;
  readonly #keys: ReadonlyMap<string, string>;

  private constructor(area: string, mutants: readonly Mutant[]) {
    this.#file = join(resultsFolder, `${area}.json`);
    this.#unnoticedFile = join(resultsFolder, `${area}.unnoticed.json`);
    this.#noticedBy = new Map(readPairs<[string, string]>(this.#file));
    this.#unnoticedBy = new Map(readPairs<string[]>(this.#unnoticedFile).map(([test, keys]) => [test, new Set(keys)]));
    this.#keys = new Map(mutants.map((mutant) => [mutant.id, keyOf(mutant)]));
  }

  static async open(area: string, mutants: readonly Mutant[]): Promise<KnownResults> {
    await mkdir(resultsFolder, { recursive: true });
    return new KnownResults(area, mutants);
  }

  /** What needs no trial. */
  all(): Pick<Run, 'noticed' | 'unnoticed'> {
    const ids = [...this.#keys.keys()];
    const of = (keys: ReadonlySet<string>): string[] => ids.filter((id) => keys.has(this.#keyOf(id)));
    return {
      noticed: ids.filter((id) => this.isNoticed(id)),
      unnoticed: Object.fromEntries([...this.#unnoticedBy].map(([test, keys]) => [test, of(keys)])),
    };
  }

  isNoticed(id: string): boolean {
    const [test, is] = this.#noticedBy.get(this.#keyOf(id)) ?? [];
    return test !== undefined && hashOf(test) === is;
  }

  add(line: RunLine): void {
    if ('noticed' in line) this.#noticedBy.set(this.#keyOf(line.noticed), [line.by, hashOf(line.by)]);
    if ('unnoticed' in line) {
      const keys = this.#unnoticedBy.get(line.test) ?? new Set();
      this.#unnoticedBy.set(line.test, keys.add(this.#keyOf(line.unnoticed)));
    }
  }

  save(): void {
    writeFileSync(this.#file, JSON.stringify([...this.#noticedBy]));
    writeFileSync(this.#unnoticedFile, JSON.stringify([...this.#unnoticedBy].map(([test, keys]) => [test, [...keys]])));
  }

  #keyOf(id: string): string {
    return this.#keys.get(id) ?? '';
  }
}

const readPairs = <T>(file: string): [string, T][] =>
  JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : '[]') as [string, T][];

const keyOf = ({ file, line, operator, from, to }: Mutant): string =>
  hash(JSON.stringify([file, hashOf(file), line, operator, from, to]));
