/** The shutdown under load, a hundred times. */
import { test } from 'vitest';
import { stopUnderLoad } from '../support/shutdown-cycles.ts';

const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? 100);

test(
  `stopped at a random moment under load, ${CYCLES} times, it exits with 0 and has applied all it accepted`,
  () => stopUnderLoad(CYCLES).then(() => {}),
  30_000 + CYCLES * 6_000,
);
