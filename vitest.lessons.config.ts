import { defineConfig } from 'vitest/config';

/** The lessons that need engines (Redis, PostgreSQL, NATS), and the engines: `npm run test:lessons`. */
export default defineConfig({
  test: {
    include: ['test/lessons/engines/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    maxConcurrency: 4,
    env: { LC_ALL: 'C.UTF-8' },
    setupFiles: ['test/support/ending.ts'],
    retry: { count: 1, condition: /nodejs\/node#54918/ },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
