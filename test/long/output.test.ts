/** The shutdown with every kind of bad output, hundreds of times each: within the hard limit, or after a second signal. */
import { expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { LIMIT_MS, stopWithOutput } from '../support/output-cycles.ts';
import { OUTPUTS, type OutputKind } from '../support/outputs.ts';
import { sayTenths } from '../support/progress.ts';

const CYCLES_KEPT = 200;
const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? CYCLES_KEPT);
/** Each mostly waits. More would end at the same moment, and wait for one another's exits. */
const AT_A_TIME = 3;
/** An exit takes processor time, and cores that are busy with something else give it late. */
const BUSY_MS = 1_000;
/** For what a second signal does. */
const AT_ONCE_MS_MAX = 1_000;

const KINDS = Object.keys(OUTPUTS) as OutputKind[];
const CASES = [
  ...KINDS.map(kind => ({ kind, isTwice: false })),
  ...KINDS.filter(kind => kind.endsWith('held')).map(kind => ({ kind, isTwice: true })),
];

test(
  `with every kind of bad output, ${CYCLES} times each, it stops within its hard limit, with the right exit code`,
  async () => {
    const startedAt = new Date();
    let done = 0;
    const say = sayTenths('cycles', CYCLES * CASES.length);
    const measures = [
      figure('all', 'ms, the hard limit of the shutdown', 'lower', LIMIT_MS),
      figure('all', 'cycles of each kind', 'higher', CYCLES),
    ];
    for (const { kind, isTwice } of CASES) {
      const { exitMs, wrongExits, ledgersRead } = await stopWithOutput(kind, CYCLES, {
        isTwice,
        atATime: AT_A_TIME,
        onCycle: () => say(++done),
      });
      const condition = isTwice ? `${kind}, and a second signal` : kind;
      const mostMs = quantileOf(exitMs, 1);
      console.log(
        `${condition}: ${quantileOf(exitMs, 0.5).toFixed(0)} ms at the median, ${mostMs.toFixed(0)} at most`,
      );
      expect({ condition, cycles: exitMs.length, wrongExits }).toEqual({
        condition,
        cycles: CYCLES,
        wrongExits: 0,
      });
      expect(mostMs, condition).toBeLessThan((isTwice ? AT_ONCE_MS_MAX : LIMIT_MS) + BUSY_MS);
      if (kind.endsWith('slowly')) expect(ledgersRead, condition).toBe(CYCLES);
      measures.push(
        figure(condition, 'wrong exit codes', 'lower', wrongExits),
        figure(condition, 'later than the hard limit', 'lower', exitMs.filter(ms => ms > LIMIT_MS).length),
        figure(condition, 'ms to the exit, at the median', 'lower', quantileOf(exitMs, 0.5)),
        figure(condition, 'ms to the exit, at most', 'lower', mostMs),
      );
    }
    if (CYCLES >= CYCLES_KEPT)
      keep('outputs', 'npm run long -- test/long/output.test.ts', startedAt, measures);
  },
  60_000 + CYCLES * CASES.length * 6_000,
);
