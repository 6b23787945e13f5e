import { defineConfig } from 'vitest/config';

const leftOut = ['**/node_modules/**', '**/dist/**'];

/** What compares rates and latencies within one run: one file at once, after everything else. */
const timed = [
  'test/{overload,bench,limits}/**/*.test.ts',
  'test/stalls/stalls.test.ts',
  'test/faults/{faults,rolling-restart}.test.ts',
];
const wholeProduct = {
  testTimeout: 60_000,
  // A hook starts six processes and more.
  hookTimeout: 180_000,
  globalSetup: ['test/support/bundled-programs.ts'],
};

// Test files share no global state, so they share a process: a fifth of the time.
export default defineConfig({
  test: {
    isolate: false,
    pool: 'forks',
    // Hangs are what it is for: a busy machine takes many times as long as a quiet one.
    testTimeout: 60_000,
    hookTimeout: 30_000,
    setupFiles: ['test/support/properties.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['packages/**/*.test.ts', 'services/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: leftOut,
          // Vitest's own choice for two cores is one, which leaves the other to tests that mostly wait.
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          ...wholeProduct,
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: [...leftOut, ...timed],
          // Each file runs six processes that mostly wait: two files at once.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...wholeProduct,
          name: 'timed',
          include: timed,
          exclude: leftOut,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
