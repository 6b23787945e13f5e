import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const cacheDir = join(root, '.cache');

/** Code whose tests must notice nine of ten mutants. */
export interface Area {
  readonly name: string;
  /** Globs of what is changed; tests and what serves them alone are left out of themselves. */
  readonly code: readonly string[];
  /** Globs of the tests that must notice: those beside the code. */
  readonly tests: readonly string[];
}

const limits = ['packages/core/src/usage/{limits,budget-alerts}.ts', 'services/provider-worker/src/quota/*.ts'];
const readers = [
  'packages/providers/src/{chat,ai-sdk,anthropic,google,openai,openai-compatible}/*',
  'packages/providers/src/{usage,sound-outcome,outside-number}',
];

export const areas: readonly Area[] = [
  {
    name: 'core',
    code: ['packages/core/src/**/*.ts', ...limits.map((glob) => `!${glob}`)],
    tests: ['packages/core/src/**/*.test.ts'],
  },
  {
    name: 'documents',
    code: ['packages/contracts/src/documents/*.ts'],
    tests: ['packages/contracts/src/documents/*.test.ts'],
  },
  {
    name: 'limits',
    code: limits,
    tests: ['packages/core/src/usage/{limits,budget-alerts}.test.ts', 'services/provider-worker/src/quota/*.test.ts'],
  },
  {
    name: 'tasks',
    code: ['services/tasks/src/*.ts', '!services/tasks/src/{main,config}.ts'],
    tests: ['services/tasks/src/*.test.ts'],
  },
  {
    name: 'readers',
    code: readers.map((glob) => `${glob}.ts`),
    tests: [...readers, 'packages/providers/src/cache-bills'].map((glob) => `${glob}.test.ts`),
  },
  {
    name: 'auth',
    code: ['services/gateway/src/auth/**/*.ts'],
    tests: ['services/gateway/src/auth/**/*.test.ts'],
  },
];

/** @throws {Error} for a name that is none. */
export function areaNamed(name: string): Area {
  const area = areas.find((known) => known.name === name);
  if (!area) throw new Error(`${name} is no area: one of ${areas.map((known) => known.name).join(', ')}`);
  return area;
}
