import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketsOf } from '../../src/tools/load/buckets.ts';
import {
  addEncoded,
  distributionText,
  type Encoded,
  encode,
  newHistogram,
  percentilesOf,
  Recorder,
  record,
} from '../../src/tools/load/recorder.ts';
import { VERDICTS } from '../../src/tools/load/result.ts';

function histogramOf(...latenciesMs: number[]) {
  const histogram = newHistogram();
  for (const latencyMs of latenciesMs) record(histogram, latencyMs, 1);
  return histogram;
}

describe('the bars of a histogram', () => {
  test('are none where nothing was recorded', () => expect(bucketsOf(newHistogram())).toEqual([]));

  test('go from the fastest to the slowest, in steps of 1, 2, 5, the empty ones included', () => {
    expect(bucketsOf(histogramOf(0.08, 0.081, 0.15, 3, 3.1, 3.2))).toEqual([
      { uptoMs: 0.1, count: 2 },
      { uptoMs: 0.2, count: 1 },
      { uptoMs: 0.5, count: 0 },
      { uptoMs: 1, count: 0 },
      { uptoMs: 2, count: 0 },
      { uptoMs: 5, count: 3 },
    ]);
  });

  test('lose nothing, and hold what is below their ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1, maxLength: 50 }),
        values => {
          const buckets = bucketsOf(histogramOf(...values.map(us => us / 1_000)));
          expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
          let below = 0;
          for (const { uptoMs, count } of buckets) {
            below += count;
            // Three digits are kept: what is within a thousandth of an end may lie on either side.
            expect(below).toBeGreaterThanOrEqual(values.filter(us => us * 1.002 < uptoMs * 1_000).length);
            expect(below).toBeLessThanOrEqual(values.filter(us => us < uptoMs * 1_000 * 1.002).length);
          }
          expect(buckets[0]!.count).toBeGreaterThan(0);
          expect(buckets.at(-1)!.count).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('a histogram', () => {
  test('knows percentiles to three digits', () => {
    const histogram = newHistogram();
    for (let us = 1; us <= 100_000; us++) record(histogram, us / 1_000, 1);
    const figures = percentilesOf(histogram);
    const expected = { min: 0.001, mean: 50, p50: 50, p90: 90, p99: 99, p999: 99.9, p9999: 99.99, max: 100 };
    expect(figures.count).toBe(100_000);
    for (const [key, value] of Object.entries(expected))
      expect(Math.abs(figures[key as keyof typeof expected]! / value - 1)).toBeLessThan(0.002);
  });

  test('takes what is too small or too long for it at its ends', () => {
    const figures = percentilesOf(histogramOf(-1, 0, 7_200_000));
    expect(figures.count).toBe(3);
    expect(Math.abs(figures.max! / 3_600_000 - 1)).toBeLessThan(0.002);
  });

  test('of nothing has a count of 0, and no values', () => {
    expect(Object.values(percentilesOf(newHistogram()))).toEqual([0, ...new Array(8).fill(null)]);
  });

  test('travels as pairs, and adds up with another', () => {
    const sum = newHistogram();
    addEncoded(sum, encode(histogramOf(1, 2, 3)));
    addEncoded(sum, encode(histogramOf(4, 5_000)));
    expect(percentilesOf(sum)).toEqual(percentilesOf(histogramOf(1, 2, 3, 4, 5_000)));
  });

  test("is written in HdrHistogram's text format", () => {
    const lines = distributionText(histogramOf(1, 2, 3, 4)).split('\n');
    expect(lines[0]).toMatch(/^ +Value +Percentile +TotalCount +1\/\(1-Percentile\)$/);
    expect(lines.some(line => /^ +\d+\.\d+ +1\.0+ +4$/.test(line))).toBe(true);
    expect(lines.some(line => /^#\[Max +=/.test(line))).toBe(true);
  });
});

describe('a recorder', () => {
  const accepted = VERDICTS.indexOf('accepted');
  const busy = VERDICTS.indexOf('busy');

  test('keeps verdicts apart, and seconds', () => {
    const recorder = new Recorder(true);
    recorder.add(accepted, 3, 20, 2, 100);
    recorder.add(busy, 2, 5, 1, 900);
    recorder.add(accepted, 1, 20, 2, 1_000);
    recorder.add(accepted, 4, 20, 2, 3_500);
    const { counts, corrected, uncorrected } = recorder.finish();
    expect(counts).toEqual(VERDICTS.map(name => (name === 'accepted' ? 8 : name === 'busy' ? 2 : 0)));
    const figures = (encoded: Encoded | undefined) => {
      const histogram = newHistogram();
      addEncoded(histogram, encoded!);
      return percentilesOf(histogram);
    };
    expect(figures(corrected[accepted])).toMatchObject({ count: 8, p50: expect.closeTo(20, 1) });
    expect(figures(uncorrected[accepted])).toMatchObject({ count: 8, p50: expect.closeTo(2, 1) });
    expect(corrected.filter(each => each !== undefined)).toHaveLength(2);
    const seconds = recorder.takeIntervals();
    expect(seconds.map(({ index, answered, busy }) => ({ index, answered, busy }))).toEqual([
      { index: 0, answered: 5, busy: 2 },
      { index: 1, answered: 1, busy: 0 },
      { index: 3, answered: 4, busy: 0 },
    ]);
    expect(recorder.takeIntervals()).toEqual([]);
  });

  test('of a closed loop has one latency for both', () => {
    const recorder = new Recorder(false);
    recorder.add(accepted, 1, 7, 7, 0);
    const { corrected, uncorrected } = recorder.finish();
    expect(corrected).toEqual(uncorrected);
  });
});
