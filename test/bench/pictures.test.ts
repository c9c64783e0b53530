/**
 * The pictures of the documents: what is drawn can be read by a machine and by people, what does not show what it
 * should is not drawn, and the files that are there belong together.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { newHistogram, record } from '../../bench/load/recorder.ts';
import { type CoordinatedOmission, picture } from '../../bench/pictures/coordinated-omission.ts';
import { drawLines, type LineChart, SERIES_MAX } from '../../bench/pictures/draw.ts';
import { checkCurve, curveOf, latencyAt, PERCENTILES } from '../../bench/pictures/percentiles.ts';

const execute = promisify(execFile);
const GRAPHS = fileURLToPath(new URL('../../docs/graphs', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/bench/pictures/cli.js', import.meta.url));

const read = (file: string) => readFileSync(join(GRAPHS, file), 'utf8');
const committed = () => JSON.parse(read(`${picture.name}.json`)) as CoordinatedOmission;

const chart: LineChart = {
  title: 'Hares <&> tortoises',
  subtitle: ['Over a field'],
  footer: ['npm run race'],
  description: 'The tortoise is "slower", and wins.',
  x: { label: 'Distance, m', scale: 'linear', from: 0, to: 10, ticks: [{ at: 0, label: '0 m' }] },
  y: { label: 'Time, s', scale: 'log', from: 1, to: 1_000, ticks: [{ at: 100, label: '100 s' }] },
  series: [
    { points: [point(0, 1), point(10, 900)], label: { ...point(5, 30), lines: ['Hare', 'asleep'] } },
    { points: [point(0, 1), point(10, 800)], label: { ...point(5, 30), lines: ['Tortoise'] } },
  ],
};

function point(x: number, y: number) {
  return { x, y };
}

/** What stands in its text elements, in order. */
const textsOf = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([\s\S]*?)<\/text>/g)].map(match => match[1]!.replace(/<[^>]*>/g, ' ').trim());

/** Throws unless every tag is closed by its own kind, attributes are quoted, and no text has a bare `&` or `<`. */
function checkWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, end, name, _attributes, empty) => {
      if (end) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
  expect(xml.replace(/&(?:amp|lt|gt|quot|#\d+);/g, '')).not.toContain('&');
}

describe('a drawing', () => {
  test('is well-formed, alone in its file, and has all that was to be said', async () => {
    const svg = await drawLines(chart);
    checkWellFormed(svg);
    expect(svg).toContain('<title id="title">Hares &lt;&amp;&gt; tortoises</title>');
    expect(svg).toContain('<desc id="description">The tortoise is "slower", and wins.</desc>');
    const texts = textsOf(svg);
    const said = ['Hares &lt;&amp;&gt; tortoises', 'Over a field', 'npm run race', 'Distance, m', 'Time, s'];
    for (const text of [...said, '0 m', '100 s', 'Tortoise']) expect(texts).toContain(text);
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
});

describe('a curve', () => {
  test('has the latency of each percentile, the usual ones among them', () => {
    const histogram = newHistogram();
    for (let ms = 1; ms <= 1_000; ms++) record(histogram, ms, 1);
    const curve = curveOf(histogram);
    checkCurve('test', curve);
    for (const percentile of [50, 90, 99, 99.9, 99.99])
      expect(latencyAt(curve, percentile) / (percentile * 10)).toBeCloseTo(1, 2);
    expect(() => latencyAt(curve, 42)).toThrow('no point at 42 %');
  });

  test('that falls, has a hole or is no number is refused', () => {
    const rising = PERCENTILES.map((percentile, index) => ({ percentile, latencyMs: index + 1 }));
    const with3 = (latencyMs: number) => rising.map((each, at) => (at === 3 ? { ...each, latencyMs } : each));
    expect(() => checkCurve('test', rising)).not.toThrow();
    for (const wrong of [with3(1), with3(Number.NaN), rising.slice(1), [...rising].reverse(), []])
      expect(() => checkCurve('test', wrong)).toThrow('the test curve');
  });
});

describe('the picture of coordinated omission', () => {
  const upTo = (mostMs: number, curve: CoordinatedOmission['corrected']) =>
    curve.map(each => ({ ...each, latencyMs: Math.min(each.latencyMs, mostMs) }));

  test('is drawn from its data: both axes with their units, both curves', async () => {
    const texts = textsOf(await drawLines(picture.chart(committed())));
    for (const text of ['50 %', '90 %', '99 %', '99.9 %', '99.99 %', '1 ms', '100 ms', '1,000 ms'])
      expect(texts).toContain(text);
    for (const start of ['Latency, ms', 'Percentile, %', 'Corrected: ', 'Uncorrected: '])
      expect(texts.filter(text => text.startsWith(start))).toHaveLength(1);
  });

  test.each<[string, (data: CoordinatedOmission) => Partial<CoordinatedOmission>, string]>([
    ['too few lines', () => ({ sent: 49_000 }), '49000 lines were sent'],
    ['no count', () => ({ sent: undefined as unknown as number }), 'lines were sent'],
    ['no correction', data => ({ corrected: data.uncorrected }), 'the corrected p99 is'],
    ['two curves alike', data => ({ uncorrected: data.corrected }), 'not less than a tenth'],
    [
      'a stop that was too short',
      data => ({ corrected: upTo(400, data.corrected) }),
      'the corrected p99 is 400 ms',
    ],
    ['a curve with a hole', data => ({ corrected: data.corrected.slice(1) }), 'the corrected curve has'],
    ['no curve', () => ({ uncorrected: undefined as unknown as [] }), 'the uncorrected curve has'],
  ])('is not drawn of data with %s', (_, change, message) => {
    const data = committed();
    expect(() => picture.check(data)).not.toThrow();
    expect(() => picture.check({ ...data, ...change(data) })).toThrow(message);
  });
});

describe('docs/graphs', () => {
  test('has data that show what the picture is there to show, and the picture of these data', async () => {
    const data = committed();
    picture.check(data);
    expect(read(`${picture.name}.svg`)).toBe(await drawLines(picture.chart(data)));
  });

  test('has a picture for every data file, and the other way round', () => {
    const files = readdirSync(GRAPHS);
    const named = (end: string) =>
      files.filter(file => file.endsWith(end)).map(file => file.slice(0, -end.length));
    expect(named('.svg')).toEqual(named('.json'));
  });
});

describe('npm run pictures', () => {
  test('lists the pictures in its help', async () => {
    const { stdout } = await execute(process.execPath, [CLI, '--help']);
    expect(stdout).toContain(`${picture.name}: ${picture.about}`);
    expect(stdout).toContain('--redraw');
  });

  test.each([
    [['nonesuch'], 'nonesuch is no picture'],
    [['--nonesuch'], "Unknown option '--nonesuch'"],
  ])('of %j is a wrong usage', async (args, message) => {
    const failed = await execute(process.execPath, [CLI, ...args]).catch(error => error);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain(`pictures: ${message}`);
  });
});
