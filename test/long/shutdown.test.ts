/** The shutdown under load, a thousand times; two servers at a time, since each mostly waits. */
import { expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';
import { stopUnderLoad } from '../support/shutdown-cycles.ts';

const CYCLES_KEPT = 1_000;
const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? CYCLES_KEPT);
const AT_A_TIME = 2;

test(
  `stopped at a random moment under load, ${CYCLES} times, it has applied all it accepted, or says what it lost`,
  async () => {
    const startedAt = new Date();
    const figures = await stopUnderLoad(CYCLES, {
      atATime: AT_A_TIME,
      onCycle: sayTenths('cycles of signals', CYCLES),
    });
    const { ways, exitMs, atOnceMs } = figures;
    expect(figures).toMatchObject({ cycles: CYCLES, lost: 0, wrongReplies: 0 });
    // The random moments were not all on one side of the end.
    if (CYCLES >= 100) {
      expect(figures.cutShort).toBeGreaterThan(0);
      expect(ways.twice - figures.cutShort).toBeGreaterThan(0);
      expect(ways.kill).toBeGreaterThan(0);
    }
    if (CYCLES < CYCLES_KEPT) return;
    const [once, twice] = ['one signal', 'a second signal'];
    keep('signals', 'npm run long -- test/long/shutdown.test.ts', startedAt, [
      figure('all', 'cycles', 'higher', CYCLES),
      figure('all', 'events accepted', 'higher', figures.accepted),
      figure('all', 'events lost, of those that the server had time to apply', 'lower', figures.lost),
      figure('all', 'wrong replies', 'lower', figures.wrongReplies),
      figure('all', 'wrong exit codes', 'lower', 0),
      figure(once, 'cycles', 'higher', ways.once),
      figure(once, 'ms to the exit, at the median', 'lower', quantileOf(exitMs, 0.5)),
      figure(once, 'ms to the exit, at the 99th percentile', 'lower', quantileOf(exitMs, 0.99)),
      figure(once, 'ms to the exit, at most', 'lower', quantileOf(exitMs, 1)),
      figure(twice, 'cycles', 'higher', ways.twice),
      figure(twice, 'cycles that it cut short', 'higher', figures.cutShort),
      figure(twice, 'events that the ledger called lost', 'lower', figures.lostInLedger),
      figure(twice, 'ms to the exit, at the median', 'lower', quantileOf(atOnceMs, 0.5)),
      figure(twice, 'ms to the exit, at the 99th percentile', 'lower', quantileOf(atOnceMs, 0.99)),
      figure(twice, 'ms to the exit, at most', 'lower', quantileOf(atOnceMs, 1)),
      figure('SIGKILL', 'cycles', 'higher', ways.kill),
    ]);
  },
  30_000 + CYCLES * 6_000,
);
