// Compares the settings that the code reads with those that docs/operations/ describes, in both directions.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.ts';

/** Where settings of the product are read. Tests and the test kit have settings of their own. */
const sources = ['packages/*/src/**/*.ts', 'services/*/src/**/*.ts', 'scripts/start.ts', 'scripts/start/*.ts'];
const ownSettings = /(\.test\.ts$|\/testing\/|^packages\/testkit\/|\/gen\/)/;
const pages = ['docs/operations/settings.md', 'docs/operations/metrics.md'];

/** A setting where it is read: a quoted name, or a name that `env` is taken apart by. */
const read = /['"](WILL_[A-Z0-9_]+|NATS_[A-Z0-9_]+)['"]|\b(WILL_[A-Z0-9_]+): \w+[,\s}]/g;
const described = /\b(WILL_[A-Z0-9_]+[A-Z0-9]|NATS_[A-Z0-9_]+[A-Z0-9])\b/g;

/** Names that look like settings and are names of streams on the bus. */
const streams = /^WILL_(EVENTS|TASKS|RESULTS|RATE|LEDGER|SESSIONS|CONTENT|DEAD|AUDIT)$/;

export interface SettingsFound {
  readonly settings: number;
  readonly problems: readonly string[];
}

/** Every setting that is read and not described, and every one that is described in the tables and read nowhere. */
export function checkSettings(): SettingsFound {
  const inCode = new Set<string>();
  for (const file of globSync(sources, { cwd: root }))
    if (!ownSettings.test(file)) for (const name of namesIn(file, read)) inCode.add(name);
  const tables = pages.flatMap((page) => tableRowsOf(readFileSync(join(root, page), 'utf8')));
  const inPages = new Set(tables.flatMap((row) => [...row.matchAll(described)].map(([name]) => name)));
  return {
    settings: inCode.size,
    problems: [
      ...[...inCode]
        .filter((name) => !inPages.has(name))
        .map((name) => `${name} is read and stands in none of ${pages.join(', ')}`),
      ...[...inPages].filter((name) => !inCode.has(name)).map((name) => `${name} is described and read nowhere`),
    ],
  };
}

const namesIn = (file: string, pattern: RegExp): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(pattern)]
    .map(([, quoted, taken]) => quoted ?? taken ?? '')
    .filter((name) => !streams.test(name));

/** The first cell of every row: what a table describes, not what its texts mention. */
const tableRowsOf = (page: string): string[] =>
  page.split('\n').flatMap((line) => (line.startsWith('|') ? [line.split('|')[1] ?? ''] : []));
