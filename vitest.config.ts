import { defineConfig } from 'vitest/config';

const leftOut = ['**/node_modules/**', '**/dist/**'];

// Test files share no global state, so they share a process: a fifth of the time.
export default defineConfig({
  test: {
    isolate: false,
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    setupFiles: ['test/support/properties.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['packages/**/*.test.ts', 'services/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: leftOut,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: leftOut,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file runs six processes and times them: one file at once, after everything else.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
