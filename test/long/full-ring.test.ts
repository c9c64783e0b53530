/** The shutdown with a full ring, two hundred times. */
import { expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { figure } from '../support/figure.ts';
import { stopWhenFull } from '../support/full-ring-cycles.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const CYCLES_KEPT = 200;
const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? CYCLES_KEPT);
const P99_MS_MAX = 500;

test(
  `stopped with 65,536 cheap events in its ring, ${CYCLES} times, it exits within ${P99_MS_MAX} ms at the 99th percentile`,
  async () => {
    const startedAt = new Date();
    const { accepted, lost, wrongReplies, exitMs } = await stopWhenFull(
      CYCLES,
      sayTenths('cycles of a full ring', CYCLES),
    );
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map(share => quantileOf(exitMs, share)) as [
      number,
      number,
      number,
    ];
    console.log({ cycles: CYCLES, accepted, lost, wrongReplies, p50Ms, p99Ms, maxMs });
    expect({ lost, wrongReplies }).toEqual({ lost: 0, wrongReplies: 0 });
    expect(p99Ms).toBeLessThanOrEqual(P99_MS_MAX);
    if (CYCLES < CYCLES_KEPT) return;
    keep('full-ring', 'npm run long -- test/long/full-ring.test.ts', startedAt, [
      figure('', 'cycles', 'higher', CYCLES),
      figure('', 'events accepted', 'higher', accepted),
      figure('', 'events lost', 'lower', lost),
      figure('', 'wrong replies', 'lower', wrongReplies),
      figure('', 'ms to the exit, at the median', 'lower', p50Ms),
      figure('', 'ms to the exit, at the 99th percentile', 'lower', p99Ms),
      figure('', 'ms to the exit, at most', 'lower', maxMs),
    ]);
  },
  30_000 + CYCLES * 3_000,
);
