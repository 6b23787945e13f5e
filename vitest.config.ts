import { defineConfig } from 'vitest/config';

const leftOut = ['**/node_modules/**', '**/dist/**'];

/** What compares rates and latencies within one run: one file at once, after everything else. */
const timed = [
  'test/{overload,bench,limits}/**/*.test.ts',
  'test/stalls/stalls.test.ts',
  'test/faults/{faults,rolling-restart}.test.ts',
];
const wholeProduct = {
  globalSetup: ['test/support/bundled-programs.ts'],
};

// Test files share no global state, so they share a process: a fifth of the time.
export default defineConfig({
  test: {
    isolate: false,
    pool: 'forks',
    // Only what hangs is ended: a busy machine takes twenty times as long as a quiet one, and tests wait for events.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // As test/support/event-timeout-ms.ts has it.
    expect: { poll: { timeout: 300_000 } },
    setupFiles: ['test/support/properties.ts', 'test/support/wait-for.ts'],
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
