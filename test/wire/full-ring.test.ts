/** The way out of a full ring, in small; how long it may take is checked alone (test/long/full-ring.test.ts). */
import { expect, test } from 'vitest';
import { stopWhenFull } from '../support/full-ring-cycles.ts';

const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? 2);

test(
  `stopped with 65,536 events in its ring, ${CYCLES} times, it applies them all before it exits`,
  async () => {
    const { accepted, lost, exitMs } = await stopWhenFull(CYCLES);
    expect({ accepted, lost }).toEqual({ accepted: CYCLES * 65_536, lost: 0 });
    expect(Math.max(...exitMs)).toBeLessThan(4_000);
  },
  30_000 + CYCLES * 4_000,
);
