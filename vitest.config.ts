import { defineConfig } from 'vitest/config';

/** The suite. The long runs (soaks, hundreds of cycles) have a configuration of their own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['test/support/ending.ts'],
    // Node's own deadlock at the end of a process, and nothing else: see test/support/hung.ts.
    retry: { count: 1, condition: /nodejs\/node#54918/ },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
