/** Stock that many want at once, a thousand times, in memory and with a journal. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { newFolder } from '../support/folders.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';
import { sellOut } from '../support/stock-cycles.ts';

const TIMES_KEPT = 1_000;
const TIMES = Number(process.env.TALLY_TEST_CYCLES ?? TIMES_KEPT);

test(
  `of 500 units 500 are sold, ${TIMES} times`,
  async () => {
    const startedAt = new Date();
    const onTime = sayTenths('times', 2 * TIMES);
    const memory = await sellOut(TIMES, ['--workers', '2'], onTime);
    const flags = ['--data', join(newFolder(), 'data'), '--workers', '2', '--ring', '4096'];
    const journal = await sellOut(TIMES, flags, onTime);
    console.log({ times: TIMES, memory, journal });
    expect([memory, journal]).toEqual([TIMES * 500, TIMES * 500]);
    if (TIMES < TIMES_KEPT) return;
    keep('stock', 'npm run long -- test/long/stock.test.ts', startedAt, [
      figure('', 'times, in memory and with a journal each', 'higher', TIMES),
      figure('', 'attempts', 'higher', 2 * TIMES * 1_000),
      figure('', 'units sold', 'higher', memory + journal),
      figure('', 'units sold that were not there', 'lower', memory + journal - 2 * TIMES * 500),
    ]);
  },
  30_000 + TIMES * 1_000,
);
