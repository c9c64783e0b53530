import { defineConfig } from 'vitest/config';

/** What takes its time in the lessons, and may need engines (Redis, PostgreSQL, NATS). */
export const LESSONS = ['[0-9]*', 'chapters', 'engines'].map(name => `test/lessons/${name}.test.ts`);

/** The lessons, their chapters and their engines: `npm run test:lessons`. */
export default defineConfig({
  test: {
    include: LESSONS,
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
