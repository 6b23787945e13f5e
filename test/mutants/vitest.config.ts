import { relative } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { root } from './areas.ts';
import { readRun } from './run.ts';

// The tests of one area, with its code that holds all mutants.

const { tests, code } = readRun();

/** What thousands of drawn cases notice, these notice nearly always. */
const casesOfProperties = 50;

const withMutants: Plugin = {
  name: 'with-mutants',
  enforce: 'pre',
  transform: (text, id) =>
    id.endsWith('.test.ts')
      ? text.replaceAll(/numRuns: [^,}\n]+/g, `numRuns: ${casesOfProperties}`)
      : code[relative(root, id).replaceAll('\\', '/')],
};

export default defineConfig({
  root,
  plugins: [withMutants],
  test: {
    include: [...tests],
    // They compare times, which mutants say nothing of.
    exclude: ['**/*-{cost,speed}.test.ts'],
    isolate: false,
    fileParallelism: false,
    // Its key does not hold what the plugin makes of a module.
    fsModuleCache: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
    // What a mutant leaves behind is no failure of the run.
    dangerouslyIgnoreUnhandledErrors: true,
    runner: 'test/mutants/runner.ts',
    setupFiles: ['test/mutants/switch.ts', 'test/support/properties.ts'],
    reporters: ['dot'],
  },
});
