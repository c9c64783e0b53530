/** How graphs are drawn and judged: lines, axes, names that keep apart, and the shapes that curves must have. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linear, logarithmic, placeOn } from '../../bench/graphs/axis.ts';
import { drawLines, type LineChart, type Point, spread } from '../../bench/graphs/draw.ts';
import { SERIES_MAX } from '../../bench/graphs/frame.ts';
import * as shapes from '../../bench/graphs/shapes.ts';
import { checkWellFormed, textsOf } from '../support/svg.ts';

const chart: LineChart = {
  title: 'Hares <&> tortoises',
  subtitle: ['Over a field'],
  footer: ['npm run race'],
  description: 'The tortoise is "slower", and wins.',
  x: { label: 'Distance, m', scale: 'linear', from: 0, to: 10, ticks: [{ at: 0, label: '0 m' }] },
  y: { label: 'Time, s', scale: 'log', from: 1, to: 1_000, ticks: [{ at: 100, label: '100 s' }] },
  series: [
    { points: [point(0, 1), point(10, 900)], label: ['Hare', 'asleep'], dots: [point(5, 30)] },
    { points: [point(0, 1), point(10, 800)], label: ['Tortoise'], dots: [] },
  ],
  moments: [{ x: 5, label: 'noon' }],
};

function point(x: number, y: number) {
  return { x, y };
}

describe('a drawing', () => {
  test('is well-formed, alone in its file, and has all that was to be said', async () => {
    const svg = await drawLines(chart);
    checkWellFormed(svg);
    expect(svg).toContain('<title id="title">Hares &lt;&amp;&gt; tortoises</title>');
    expect(svg).toContain('<desc id="description">The tortoise is "slower", and wins.</desc>');
    const texts = textsOf(svg);
    const said = ['Hares &lt;&amp;&gt; tortoises', 'Over a field', 'npm run race', 'Distance, m', 'Time, s'];
    for (const text of [...said, '0 m', '100 s', 'Tortoise', 'noon']) expect(texts).toContain(text);
    expect(texts.find(text => text.startsWith('Hare '))).toContain('asleep');
  });

  test('loads nothing from elsewhere, and knows a dark theme', async () => {
    const svg = await drawLines(chart);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|href/);
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
    for (const theme of svg.split('@media'))
      for (const at of chart.series.keys()) expect(theme).toContain(`.line-${at} path`);
  });

  test('leaves the chart as it was, and is the same the second time', async () => {
    const before = structuredClone(chart);
    const svg = await drawLines(chart);
    expect(chart).toEqual(before);
    expect(await drawLines(chart)).toBe(svg);
  });

  test('refuses more series than it has colours for', async () => {
    const series = Array.from({ length: SERIES_MAX + 1 }, () => chart.series[0]!);
    await expect(drawLines({ ...chart, series })).rejects.toThrow(`${SERIES_MAX + 1} series`);
  });

  test.each<[string, Partial<LineChart>]>([
    ['a title', { title: 'long '.repeat(30) }],
    ['a name', { series: [{ ...chart.series[0]!, label: ['a name that runs out of the picture'] }] }],
  ])('refuses %s that has no room', async (_, long) => {
    await expect(drawLines({ ...chart, ...long })).rejects.toThrow('too long for its place');
  });

  test('has its names apart, near where they belong, and all of them within', () => {
    const place = fc.record({ wanted: fc.integer({ min: 0, max: 236 }), height: fc.constantFrom(28, 46) });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: SERIES_MAX }), places => {
        const heights = places.map(({ height }) => height);
        const middles = spread(
          places.map(({ wanted }) => wanted),
          heights,
          236,
        );
        const order = middles.map((_, index) => index).sort((a, b) => middles[a]! - middles[b]!);
        for (const [at, index] of order.entries()) {
          const before = order[at - 1];
          const free = before === undefined ? 0 : middles[before]! + heights[before]! / 2;
          expect(middles[index]! - heights[index]! / 2).toBeGreaterThanOrEqual(free - 1e-9);
          expect(middles[index]! + heights[index]! / 2).toBeLessThanOrEqual(236 + 1e-9);
        }
      }),
    );
  });
});

describe('an axis', () => {
  test('holds all the values, with a few round ticks', () => {
    const value = fc.double({ min: 0.001, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), values => {
        for (const axis of [linear('s', values), logarithmic('s', values)]) {
          for (const each of values) {
            expect(placeOn(axis, each)).toBeGreaterThanOrEqual(-1e-9);
            expect(placeOn(axis, each)).toBeLessThanOrEqual(1 + 1e-9);
          }
          expect(axis.ticks.length).toBeGreaterThan(0);
          expect(axis.ticks.length).toBeLessThan(16);
          for (const { at } of axis.ticks) expect(placeOn(axis, at)).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  test.each([
    [linear('s', [0]), ['0', '0.2', '0.4', '0.6', '0.8', '1']],
    [logarithmic('s', [1]), ['1', '2']],
    [linear('s', [3.95]), ['0', '1', '2', '3', '4']],
    [linear('s', [12_000]), ['0', '2,000', '4,000', '6,000', '8,000', '10,000', '12,000']],
    [logarithmic('ms', [0.3, 15]), ['0.2', '0.5', '1', '2', '5', '10', '20']],
    [logarithmic('ms', [2, 15_000]), ['10', '100', '1,000', '10,000']],
    [linear('workers', [8], String, [1, 2, 4, 8]), ['1', '2', '4', '8']],
  ])('has ticks where people look for them', (axis, labels) => {
    expect(axis.ticks.map(({ label }) => label)).toEqual(labels);
  });
});

describe('a shape', () => {
  const of = (...ys: number[]): Point[] => ys.map((y, index) => point(index + 1, y));

  test.each<[shapes.Shape, Point[], Point[]]>([
    [shapes.isFlat(1.5), of(10, 12, 15), of(10, 12, 16)],
    [shapes.staysBelow(10), of(1, 9), of(1, 10)],
    [shapes.staysAbove(10), of(11, 90), of(11, 10)],
    [shapes.rises(2), of(1, 5, 2), of(1, 5, 1.9)],
    [shapes.rises(2), of(0, 1), of(0, 0)],
    [shapes.falls(2), of(4, 9, 2), of(4, 1, 2.1)],
    [shapes.endsAt(3), of(1, 3), of(3, 1)],
    [shapes.endsAbove(3), of(1, 4), of(4, 3)],
    [shapes.startsAt(3), of(3, 1), of(1, 3)],
    [shapes.startsBelow(3), of(2, 9), of(3, 1)],
    [shapes.neverFalls(), of(1, 1, 2), of(1, 2, 1)],
    [shapes.isOverBy(2), of(1, 1), of(1, 1, 1)],
    [shapes.upTo(2, shapes.staysBelow(5)), of(1, 4, 9), of(1, 5)],
    [shapes.risesInProportion(1.2), of(10, 22, 30), of(10, 25, 30)],
    [shapes.risesInProportion(1.2, { to: 2 }), of(10, 20, 0), of(10, 30, 30)],
    [shapes.risesInProportion(1.2, { from: 2 }), of(0, 20, 30), of(10, 20, 10)],
    [shapes.isStraight(-10, 1), of(50, 40.5, 29), of(50, 38, 30)],
    [shapes.isStraight(10, 1, { to: 3 }), of(10, 20, 30, 0), of(10, 20)],
    [shapes.isOnALine(0.1), of(10, 21, 30), of(10, 24, 30)],
    [shapes.isOnALine(0.1), of(1, 2.4, 3, 4), of(1, 4, 2, 4)],
    [shapes.hasKnee(2.5, 10), of(1, 2, 20, 30), of(1, 2, 19, 30)],
    [shapes.hasKnee(2.5, 10), of(1, 2, 20, 30), of(1, 2, 20)],
    [shapes.levelsOff(2.5, 1.3), of(10, 20, 22, 23), of(10, 20, 30, 40)],
    [shapes.levelsOff(2.5, 1.3), of(10, 20, 22, 23), of(10, 10, 10, 10)],
    [shapes.beginsAt(2.5), of(0, 0, 1, 5), of(0, 1, 2, 5)],
    [shapes.beginsAt(2.5), of(0, 0, 1, 5), of(0, 0, 5, 1)],
    [shapes.beginsAt(2.5), of(0, 0, 1, 5), of(0, 0, 0, 0)],
  ])('that $says is told from one that is not', ({ complaint }, right, wrong) => {
    expect(complaint(right)).toBeUndefined();
    expect(complaint(wrong)).toMatch(/^(?:is|has|goes|starts|ends|falls) /);
  });

  test('knows how far two curves are apart', () => {
    const distance = { upper: 'high', lower: 'low', from: 2, times: 3 };
    const high = of(1, 9, 12);
    expect(shapes.complaintOf(distance, { high, low: of(1, 3, 4) })).toBeUndefined();
    // The nearest point is the one to be compared with.
    expect(shapes.complaintOf(distance, { high, low: [point(2.9, 4)] })).toContain('not 3 times the 4');
    expect(shapes.complaintOf(distance, { high, low: of(1, 3, 5) })).toContain('at 3, high is 12');
    expect(shapes.complaintOf({ ...distance, from: 4 }, { high, low: high })).toContain('no point');
  });
});
