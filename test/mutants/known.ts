import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, root } from './areas.ts';
import type { Mutant } from './instrument.ts';

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

/** What was noticed before: it holds while the mutated file and the test file that noticed are what they were. */
export class KnownResults {
  readonly #file: string;
  readonly #noticedBy: Map<string, readonly [test: string, hash: string]>;
  readonly #keys: ReadonlyMap<string, string>;

  private constructor(area: string, mutants: readonly Mutant[]) {
    this.#file = join(resultsFolder, `${area}.json`);
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '[]';
    this.#noticedBy = new Map(JSON.parse(text) as [string, [string, string]][]);
    this.#keys = new Map(mutants.map((mutant) => [mutant.id, keyOf(mutant)]));
  }

  static async open(area: string, mutants: readonly Mutant[]): Promise<KnownResults> {
    await mkdir(resultsFolder, { recursive: true });
    return new KnownResults(area, mutants);
  }

  noticed(): readonly string[] {
    return [...this.#keys.keys()].filter((id) => this.isNoticed(id));
  }

  isNoticed(id: string): boolean {
    const [test, is] = this.#noticedBy.get(this.#keys.get(id) ?? '') ?? [];
    return test !== undefined && hashOf(test) === is;
  }

  add(id: string, test: string): void {
    this.#noticedBy.set(this.#keys.get(id) ?? '', [test, hashOf(test)]);
  }

  save(): void {
    writeFileSync(this.#file, JSON.stringify([...this.#noticedBy]));
  }
}

const keyOf = ({ file, line, operator, from, to }: Mutant): string =>
  hash(JSON.stringify([file, hashOf(file), line, operator, from, to]));
