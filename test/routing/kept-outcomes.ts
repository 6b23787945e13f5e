import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './simulate.ts';

const sources = ['.', '../../packages/core/src'].map((folder) => join(import.meta.dirname, folder));

/** Outcomes of runs, kept in a file, so that a simulation that was stopped goes on where it was. Without a file none is kept. */
export class KeptOutcomes {
  readonly #file: string | undefined;
  readonly #known = new Map<string, Outcome>();
  /** Another version of the code is another simulation. */
  readonly #version = versionOf(sources);

  constructor(file: string | undefined) {
    this.#file = file;
    if (file === undefined || !existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { key, outcome } = JSON.parse(line) as { key: string; outcome: Outcome };
      this.#known.set(key, outcome);
    }
  }

  get(run: string, make: () => Outcome): Outcome {
    const key = `${this.#version} ${run}`;
    const known = this.#known.get(key);
    if (known) return known;
    const outcome = make();
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify({ key, outcome })}\n`);
    return outcome;
  }
}

function versionOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted())
      if (name.endsWith('.ts') && !name.endsWith('.test.ts')) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
