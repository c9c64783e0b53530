/**
 * The graphs of the documents: what is drawn can be read by a machine and by people, what does not show what it
 * should is not drawn, and the files that are there belong together.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type CoordinatedOmission, graph as omission } from '../../bench/graphs/coordinated-omission.ts';
import type { Point } from '../../bench/graphs/draw.ts';
import type { GraphData, LineData } from '../../bench/graphs/graph.ts';
import { GRAPHS } from '../../bench/graphs/graphs.ts';
import { type Matrix, graph as matrix } from '../../bench/graphs/matrix.ts';
import { checkCurve, curveOf, latencyAt, PERCENTILES } from '../../bench/graphs/percentiles.ts';
import { newHistogram, record } from '../../src/tools/load/recorder.ts';
import { checkWellFormed, textsOf } from '../support/svg.ts';

const execute = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../docs/graphs', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/bench/graphs/cli.js', import.meta.url));

const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const committed = <Data extends GraphData>(name: string) => JSON.parse(read(`${name}.json`)) as Data;
const run = (args: string[]) =>
  execute(process.execPath, [CLI, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    error => error as { code: number; stdout: string; stderr: string },
  );

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

describe('the graph of coordinated omission', () => {
  const upTo = (mostMs: number, curve: CoordinatedOmission['corrected']) =>
    curve.map(each => ({ ...each, latencyMs: Math.min(each.latencyMs, mostMs) }));

  test('is drawn from its data: both axes with their units, both curves', async () => {
    const texts = textsOf(await omission.draw(committed(omission.name)));
    for (const text of ['50 %', '90 %', '99 %', '99.9 %', '99.99 %']) expect(texts).toContain(text);
    for (const start of ['Latency, ms', 'Percentile (from', 'corrected: ', 'uncorrected: '])
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
    ['a stop that was none', () => ({ stoppedMs: 0 }), 'the server was stopped for 0 ms'],
    ['lines without an answer', () => ({ answered: 0 }), 'only 0 of'],
    ['the name of another graph', () => ({ graph: 'sums' }), 'the data are of sums'],
    [
      'no machine',
      () => ({ machine: undefined as unknown as CoordinatedOmission['machine'] }),
      'which machine',
    ],
    [
      'a tail that begins in the middle',
      data => ({
        corrected: data.corrected.map(each => ({ ...each, latencyMs: Math.max(each.latencyMs, 501) })),
      }),
      'half of all lines took up to 501 ms',
    ],
  ])('is not drawn of data with %s', (_, change, message) => {
    const data = committed<CoordinatedOmission>(omission.name);
    expect(() => omission.check(data)).not.toThrow();
    expect(() => omission.check({ ...data, ...change(data) })).toThrow(message);
  });
});

describe('docs/graphs', () => {
  const lines = GRAPHS.filter(({ name }) => name !== matrix.name && name !== omission.name);

  test.each(GRAPHS.map(graph => [graph.name, graph] as const))(
    '%s: the data show what they must, and the picture is of these data',
    async (name, graph) => {
      const data = committed(name);
      graph.check(data);
      const svg = await graph.draw(data);
      checkWellFormed(svg);
      expect(read(`${name}.svg`)).toBe(svg);
      expect(data).toMatchObject({ schema: 1, graph: name, command: `npm run graphs -- ${name}` });
      expect(graph.shape.length).toBeGreaterThan(0);
    },
  );

  // Whatever is wrong with a curve: it is not there, is nothing, is endless, or runs the other way.
  test.each(lines.map(graph => [graph.name, graph] as const))('%s: wrong data are refused', (name, graph) => {
    const data = committed<LineData>(name);
    const changed = (series: string, change: (points: Point[]) => Point[] | undefined) =>
      ({ ...data, series: { ...data.series, [series]: change(data.series[series]!) } }) as LineData;
    const fails = (wrong: LineData) => expect(() => graph.check(wrong)).toThrow();
    for (const series of Object.keys(data.series)) {
      const isWrong = (change: (y: number, at: number, all: Point[]) => number) => {
        const points = data.series[series]!;
        const wrong = changed(series, () => points.map(({ x, y }, at) => ({ x, y: change(y, at, points) })));
        try {
          graph.check(wrong);
          return 0;
        } catch {
          return 1;
        }
      };
      fails(changed(series, () => undefined));
      fails(changed(series, points => points.slice(0, 1)));
      fails({ ...data, graph: 'another' });
      if (series !== 'accepted' || name !== 'ctrl-c')
        fails(changed(series, points => points.slice(0, points.length / 2)));
      fails(changed(series, points => [...points].reverse()));
      fails(changed(series, points => points.map(({ x }) => ({ x, y: Number.NaN }))));
      const wrongs =
        isWrong(() => 0) + isWrong(() => 1e9) + isWrong((_, at, all) => all[all.length - 1 - at]!.y);
      expect(wrongs, series).toBeGreaterThan(0);
    }
  });

  test('a matrix with a wrong cell, or without one, is refused', () => {
    const data = committed<Matrix>(matrix.name);
    const [first, ...rest] = data.cells as [Matrix['cells'][0], ...Matrix['cells']];
    expect(() => matrix.check({ ...data, cells: [{ ...first, observed: 'absent' }, ...rest] })).toThrow(
      'pain 1 on step 1, blocking echo should be present',
    );
    expect(() => matrix.check({ ...data, cells: rest })).toThrow('67 cells, not 68');
    expect(() => matrix.check({ ...data, cells: [{ ...first, figure: 0 }, ...rest] })).toThrow(
      'its figure is 0',
    );
  });

  test('has a picture and data of every graph, and nothing else', () => {
    const files = GRAPHS.flatMap(({ name }) => [`${name}.json`, `${name}.svg`]);
    expect(readdirSync(FOLDER).sort()).toEqual([...files, 'README.md'].sort());
  });

  test('every graph is shown on a page, and is in the list of them', () => {
    const root = join(FOLDER, '../..');
    const pages = ['README.md', ...['docs', 'steps'].flatMap(folder => pagesUnder(root, folder))];
    const text = pages.map(page => readFileSync(join(root, page), 'utf8')).join('\n');
    for (const { name } of GRAPHS) {
      expect(text).toMatch(new RegExp(`!\\[[^\\]]{20,}\\]\\((?:[\\w./]*/)?${name}\\.svg\\)`));
      expect(read('README.md')).toContain(`(${name}.svg)`);
    }
  });
});

function pagesUnder(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md'))
    .map(path => join(folder, path));
}

describe('npm run graphs', () => {
  test('lists the graphs in its help, and their shapes on demand', async () => {
    const { stdout } = await run(['--help']);
    for (const { name, about } of GRAPHS)
      expect(stdout).toMatch(new RegExp(`${name} +${about.slice(0, 20)}`));
    expect((await run(['--list', 'health'])).stdout).toContain('step 4 has a knee at 500');
  });

  test('fails on data that do not show what they should, and says which curve is wrong', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graphs-'));
    try {
      const data = committed<LineData>('one-lock');
      const write = (series: LineData['series']) =>
        writeFileSync(join(folder, 'one-lock.json'), JSON.stringify({ ...data, series }));
      write(data.series);
      expect(await run(['--check', '--folder', folder, 'one-lock'])).toMatchObject({ code: 0 });
      write({ ...data.series, 'step 7': data.series['step 8']! });
      for (const flag of ['--check', '--redraw']) {
        const failed = await run([flag, '--folder', folder, 'one-lock']);
        expect(failed.code).toBe(1);
        expect(failed.stderr).toContain('graphs: one-lock: step 7 should be one that is flat');
      }
      expect(readdirSync(folder)).toEqual(['one-lock.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    [['nonesuch'], 'unknown graph: nonesuch'],
    [['--nonesuch'], "Unknown option '--nonesuch'"],
    [['--redraw', '--check'], '--redraw or --check, not both'],
  ])('of %j is a wrong usage', async (args, message) => {
    const failed = await run(args);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain(`graphs: ${message}`);
  });
});
