import { defineConfig } from 'vitest/config';

/** The long runs: `npm run long`. One at a time, so that what they measure is theirs. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    env: { LC_ALL: 'C.UTF-8' },
    setupFiles: ['test/support/ending.ts'],
    testTimeout: 600_000,
    hookTimeout: 30_000,
  },
});
