import { defineConfig } from 'vitest/config';

/** The suite. The long runs (soaks, hundreds of cycles) have a configuration of their own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    pool: 'forks',
    // One more than the cores that must do: much of what is tested is waiting.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
