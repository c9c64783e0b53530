import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stage } from '../../src/tools/load/plan.ts';
import { firstLine, Schedule } from '../../src/tools/load/schedule.ts';

const rate = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 5_000 }),
  fc.double({ min: 0.1, max: 500, noNaN: true }),
);
const stage: fc.Arbitrary<Stage> = fc
  .record({ durationMs: fc.integer({ min: 1, max: 400 }), fromPerS: rate, toPerS: rate, holds: fc.boolean() })
  .map(({ holds, ...ramp }) => ({ ...ramp, toPerS: holds ? ramp.fromPerS : ramp.toPerS }));
const stages = fc.array(stage, { minLength: 1, maxLength: 5 });

/** How many lines should have left by `ms`, as a real number: the area under the rate. */
function areaAt(of: readonly Stage[], ms: number): number {
  let area = 0;
  let startMs = 0;
  for (const { durationMs, fromPerS, toPerS } of of) {
    const insideMs = Math.min(durationMs, Math.max(0, ms - startMs));
    const there = fromPerS + ((toPerS - fromPerS) * insideMs) / durationMs;
    area += (((fromPerS + there) / 2) * insideMs) / 1_000;
    startMs += durationMs;
  }
  return area;
}

function times(schedule: Schedule): number[] {
  return Array.from({ length: schedule.lines }, (_, line) => schedule.dueMs(line));
}

/** Sums of fractions are off by so much at most. */
const SLACK = 1e-4;

describe('any schedule', () => {
  test('goes forward in time, from the start to before the end', () => {
    fc.assert(
      fc.property(stages, list => {
        const schedule = new Schedule(list);
        const due = times(schedule);
        expect(schedule.durationMs).toBe(list.reduce((sum, { durationMs }) => sum + durationMs, 0));
        for (let line = 1; line < due.length; line++)
          expect(due[line]!).toBeGreaterThanOrEqual(due[line - 1]!);
        if (due.length === 0) return;
        expect(due[0]!).toBeGreaterThanOrEqual(0);
        expect(due.at(-1)!).toBeLessThanOrEqual(schedule.durationMs + SLACK);
      }),
    );
  });

  test('has as many lines due by a time as there is area under the rate', () => {
    fc.assert(
      fc.property(stages, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const schedule = new Schedule(list);
        expect(Math.abs(schedule.lines - areaAt(list, schedule.durationMs))).toBeLessThan(1 + SLACK);
        const ms = share * schedule.durationMs;
        const left = times(schedule).filter(due => due < ms).length;
        const area = areaAt(list, ms);
        // Line 0 leaves at once: by the time t, all lines below n(t) have left.
        expect(left).toBeGreaterThanOrEqual(Math.floor(area - SLACK));
        expect(left).toBeLessThanOrEqual(Math.ceil(area + SLACK));
      }),
    );
  });

  test('has each line due when the area is its number', () => {
    fc.assert(
      fc.property(stages, list => {
        const schedule = new Schedule(list);
        times(schedule).forEach((due, line) => {
          expect(Math.abs(areaAt(list, due) - line)).toBeLessThan(0.001);
        });
      }),
    );
  });

  test('has no line after its last', () => {
    fc.assert(
      fc.property(stages, fc.nat(10), (list, more) => {
        const schedule = new Schedule(list);
        expect(schedule.dueMs(schedule.lines + more)).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  test('is the same sum, shared among any number of threads and connections', () => {
    fc.assert(
      fc.property(
        stages,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 7 }),
        (list, threads, connections) => {
          const schedule = new Schedule(list);
          const shared: number[] = [];
          // As the driver shares them: line i is thread i mod T's, whose lines go round its connections.
          for (let thread = 0; thread < threads; thread++)
            for (let connection = 0; connection < connections; connection++)
              for (let round = 0; ; round++) {
                const due = schedule.dueMs((round * connections + connection) * threads + thread);
                if (due === Number.POSITIVE_INFINITY) break;
                shared.push(due);
              }
          expect(shared.sort((a, b) => a - b)).toEqual(times(schedule));
        },
      ),
    );
  });
});

test('the first line of which something is true is found, or the end', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.nat(100), (low, lines, trueFrom) => {
      const found = firstLine(low, low + lines, line => line >= trueFrom);
      expect(found).toBe(Math.min(low + lines, Math.max(low, trueFrom)));
    }),
  );
});

describe('a schedule', () => {
  test('with a pause has no line in it, and goes on after it', () => {
    const pause = { durationMs: 500, fromPerS: 0, toPerS: 0 };
    const on = { durationMs: 500, fromPerS: 100, toPerS: 100 };
    const due = times(new Schedule([pause, on, pause, on, pause]));
    expect(due).toHaveLength(100);
    expect(due.filter(ms => ms < 500 || (ms > 1_000 && ms < 1_500) || ms > 2_000)).toEqual([]);
  });

  test('of a number of lines at a rate has exactly so many, after any warm-up', () => {
    const whole = fc.integer({ min: 1, max: 20_000 });
    fc.assert(
      fc.property(
        whole,
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 0, max: 30 }),
        (perS, lines, tenths) => {
          const hold = { fromPerS: perS, toPerS: perS };
          const measured = { durationMs: (lines / perS) * 1_000, ...hold };
          const warmup = { durationMs: tenths * 100, ...hold };
          expect(new Schedule([measured]).lines).toBe(lines);
          const due = times(new Schedule(tenths > 0 ? [warmup, measured] : [measured]));
          expect(due.filter(ms => ms >= warmup.durationMs)).toHaveLength(lines);
        },
      ),
    );
  });
});
