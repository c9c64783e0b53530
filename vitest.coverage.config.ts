import { mergeConfig } from 'vitest/config';
import suite from './vitest.config.ts';

/** The suite as `npm run coverage` runs it: counting makes everything slower, so nothing is late for a while longer. */
export default mergeConfig(suite, {
  test: {
    setupFiles: ['test/covering/setup.ts'],
    testTimeout: 120_000,
  },
});
