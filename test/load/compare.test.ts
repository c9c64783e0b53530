import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type Compared,
  compareRuns,
  comparisonTable,
  rankTest,
  readResult,
} from '../../src/tools/load/compare.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { interval, latency, percentiles, resultWith } from './results.ts';
import { scratchFile, tally } from './running.ts';

/** A run of so many seconds around these figures, each second off by so much at most, as a share. */
function runOf(ratePerS: number, p99Ms: number, noise: number, seed: number, seconds = 12): LoadResult {
  const random = randomFrom(seed);
  const near = (value: number) => value * (1 + noise * (2 * random() - 1));
  const intervals = Array.from({ length: seconds + 1 }, (_, second) =>
    interval(second, near(ratePerS), near(p99Ms / 4), near(p99Ms)),
  );
  const mean = (of: (index: number) => number) =>
    intervals.reduce((sum, _, at) => sum + of(at), 0) / intervals.length;
  return resultWith({
    ratePerS: mean(at => intervals[at]!.ratePerS),
    latencyMs: { corrected: latency(mean(at => intervals[at]!.p99Ms ?? 0)), uncorrected: latency(p99Ms) },
    intervals,
  });
}

const figure = (compared: readonly Compared[], name: string) => compared.find(each => each.figure === name)!;
const changed = (compared: readonly Compared[]) =>
  compared.filter(({ difference }) => difference === 'changed').map(each => each.figure);

describe('the rank test', () => {
  test.each([
    // The first is SciPy's example of mannwhitneyu with method='asymptotic'; the others by hand.
    ['two small samples', [19, 22, 16, 29, 24], [20, 11, 17, 12], 0.11134688653314041],
    ['ties', [1, 2, 2, 3], [2, 3, 3, 4], 0.1720337089],
    ['nothing in common', [1, 2, 3, 4, 5, 6, 7, 8, 9], [11, 12, 13, 14, 15, 16, 17, 18, 19], 0.0004122948],
    ['the same sample', [1, 2, 3], [1, 2, 3], 1],
    ['nothing but ties', [5, 5, 5], [5, 5, 5, 5], 1],
  ])('of %s', (_, a, b, chance) => {
    expect(rankTest(a, b)).toBeCloseTo(chance, 5);
    expect(rankTest(b, a)).toBeCloseTo(chance, 5);
  });

  test('finds a difference between equals no oftener than it says', () => {
    const random = randomFrom(4);
    const sample = () => Array.from({ length: 12 }, random);
    const rounds = 4_000;
    let found = 0;
    for (let round = 0; round < rounds; round++) if (rankTest(sample(), sample()) < 0.01) found += 1;
    // 40 are what a hundredth is.
    expect(found).toBeLessThan(60);
    expect(found).toBeGreaterThan(10);
  });
});

describe('two runs', () => {
  test('that are one and the same differ in nothing', () => {
    const run = runOf(50_000, 4, 0.1, 1);
    const compared = compareRuns(run, run);
    expect(compared.map(each => each.difference)).toEqual(compared.map(() => 'same'));
    expect(comparisonTable(compared, [])).toMatch(/\nno difference beyond noise\n$/);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'of which the second is 10 percent faster: found through 5 percent of noise (seed %i)',
    seed => {
      const compared = compareRuns(runOf(50_000, 4, 0.05, seed), runOf(55_000, 3.6, 0.05, seed + 100));
      expect(changed(compared)).toEqual(['rate', 'p50', 'p99']);
      expect(figure(compared, 'rate')).toMatchObject({ better: true });
      expect(figure(compared, 'p99')).toMatchObject({ better: true });
      const slower = compareRuns(runOf(55_000, 3.6, 0.05, seed + 100), runOf(50_000, 4, 0.05, seed));
      expect(figure(slower, 'rate')).toMatchObject({ difference: 'changed', better: false });
      expect(comparisonTable(slower, [])).toMatch(/rate .* −\d+\.\d % {2}WORSE \(chance (?:< )?0\.00\d+\)/);
      expect(comparisonTable(slower, [])).toContain('more than noise: rate, p50, p99\n');
    },
  );

  test('that are equal but noisy: hardly ever called different', () => {
    let called = 0;
    for (let seed = 0; seed < 200; seed++)
      called += changed(compareRuns(runOf(50_000, 4, 0.2, seed), runOf(50_000, 4, 0.2, seed + 1_000))).length;
    // Three figures, 200 times, a hundredth: 6.
    expect(called).toBeLessThan(18);
  });

  test('whose difference is certain and below 2 %: it does not matter', () => {
    const compared = compareRuns(runOf(50_000, 4, 0.001, 1), runOf(50_500, 4, 0.001, 2));
    expect(figure(compared, 'rate').chance).toBeLessThan(0.001);
    expect(figure(compared, 'rate').difference).toBe('noise');
  });

  test('of which one stood still for a second: said, and not as a change of every second', () => {
    const before = runOf(5_000, 1, 0.2, 1);
    const after = runOf(5_000, 1, 0.2, 2);
    after.intervals[5]!.p99Ms = 990;
    after.latencyMs.corrected.p99 = 900;
    const compared = compareRuns(before, after);
    expect(figure(compared, 'p99').difference).toBe('unsteady');
    expect(changed(compared)).toEqual([]);
    const text = comparisonTable(compared, []);
    expect(text).toContain('a few bad seconds make p99 differ');
    expect(text).not.toContain('no difference');
  });

  test('that were too short: no telling', () => {
    const compared = compareRuns(runOf(50_000, 4, 0.05, 1, 3), runOf(80_000, 2, 0.05, 2, 3));
    expect(changed(compared)).toEqual([]);
    expect(figure(compared, 'rate').difference).toBe('unknown');
    expect(comparisonTable(compared, [])).toContain('no telling: too few seconds');
  });

  test('of which one was refused: the share is shown', () => {
    const compared = compareRuns(resultWith(), resultWith({ busy: 2_500, accepted: 7_500 }));
    expect(figure(compared, 'busy')).toMatchObject({ before: 0, after: 25, better: false });
    expect(comparisonTable(compared, [])).toMatch(/busy +0\.00 % +25\.00 %/);
  });
});

describe('a run without replies', () => {
  test('has no latencies, and nothing is said of them', () => {
    const none = { ...resultWith({ answered: 0, accepted: 0, unknown: 50, ratePerS: 0, intervals: [] }) };
    const zero = { ...latency(0), count: 0 };
    const empty = Object.fromEntries(Object.keys(percentiles(1)).map(name => [name, null]));
    for (const corrected of [zero, { ...empty, count: 0, byVerdict: {} } as typeof zero]) {
      const compared = compareRuns(resultWith(), {
        ...none,
        latencyMs: { corrected, uncorrected: corrected },
      });
      expect(figure(compared, 'p99')).toMatchObject({ before: 4, after: null, difference: 'absent' });
      const table = comparisonTable(compared, []);
      expect(table).toMatch(/^ {2}p99 +4\.00 ms +– +no replies$/m);
      expect(table).toMatch(/\nnothing to compare of p50, p99, p99\.9, max: a run had no replies\n/);
    }
  });
});

describe('what is no result', () => {
  test.each([
    ['', /^a\.json is not JSON; tally load --json writes what this reads$/],
    ['{"schema":1', /is not JSON/],
    ['null', /^a\.json is not a result of tally load --json \(schema 1\)$/],
    ['[]', /is not a result/],
    ['{}', /is not a result/],
    ['{"schema":2,"latencyMs":{},"intervals":[]}', /is not a result/],
    ['{"schema":1}', /^a\.json is not whole: it has no plan; tally load --json writes what this reads$/],
    [JSON.stringify(resultWith({ plan: undefined as never })), /it has no plan/],
    [JSON.stringify(resultWith({ latencyMs: null as never })), /it has no latencyMs\.corrected\.count/],
    [JSON.stringify(resultWith({ busy: '3' as never })), /busy is not a number/],
    [JSON.stringify(resultWith({ problems: [1] as never })), /problems is not a list of texts/],
    [JSON.stringify(resultWith({ intervals: {} as never })), /intervals is not a list/],
    [JSON.stringify(resultWith({ intervals: [null] as never })), /it has no intervals\[0\]\.answered/],
  ])('%s', (text, what) => expect(() => readResult(text, 'a.json')).toThrow(what));

  test('a result is', () => {
    const result = resultWith();
    expect(readResult(JSON.stringify(result), 'a.json')).toEqual(JSON.parse(JSON.stringify(result)));
  });
});

describe.concurrent('tally compare', () => {
  const write = (name: string, text: string) => {
    const file = scratchFile(name);
    writeFileSync(file, text);
    return file;
  };

  test('prints both runs side by side, and exits with 0', async () => {
    const before = write('before.json', JSON.stringify(runOf(50_000, 4, 0.02, 1)));
    const after = write('after.json', JSON.stringify(runOf(25_000, 8, 0.02, 2)));
    const same = await tally(['compare', before, before]);
    expect(same).toMatchObject({ exitCode: 0, stderr: '' });
    expect(same.stdout).toMatch(
      / before +after\n {2}rate .* the same\n[\s\S]*\nno difference beyond noise\n$/,
    );
    const slower = await tally(['compare', before, after]);
    expect(slower).toMatchObject({ exitCode: 0, stderr: '' });
    expect(slower.stdout).toMatch(/rate .*WORSE/);
    expect(slower.stdout).toMatch(/\nmore than noise: rate, p50, p99\n$/);
  });

  test('says so where the runs were of different machines or loads; the port is none', async () => {
    const run = runOf(50_000, 4, 0.02, 1);
    const before = write('before.json', JSON.stringify(run));
    const { plan, machine } = run;
    const port = write('port.json', JSON.stringify({ ...run, plan: { ...plan, port: 1 } }));
    expect((await tally(['compare', before, port])).stdout).not.toContain('Note');
    // As it was written before there were ids and transfers.
    const { insufficient: _, resent: __, ...old } = run;
    const { ids: ___, min: ____, mix, ...oldWork } = plan.work;
    const { transfer: _____, ...oldMix } = mix;
    const oldPlan = { ...plan, work: { ...oldWork, mix: oldMix } };
    const older = write('older.json', JSON.stringify({ ...old, plan: oldPlan }));
    expect(await tally(['compare', older, before])).toMatchObject({
      exitCode: 0,
      stdout: expect.not.stringContaining('Note'),
    });
    const other = { ...run, plan: { ...plan, connections: 9 }, machine: { ...machine, cores: 64 } };
    const { stdout } = await tally(['compare', before, write('other.json', JSON.stringify(other))]);
    expect(stdout).toContain('Note: the two runs had different machines.\n');
    expect(stdout).toContain('Note: the two runs had different loads (see "plan" in the files).\n');
  });

  test.each([
    ['no file', [], /^two files of tally load --json are needed: tally compare before\.json after\.json$/],
    ['one file', ['a.json'], /^two files/],
    ['three files', ['a', 'b', 'c'], /^two files/],
    [
      'a file that is not there',
      ['nowhere.json', 'nowhere.json'],
      /^nowhere\.json cannot be read: no such file or directory$/,
    ],
    ['a file that is something else', ['package.json', 'package.json'], /^package\.json is not a result of/],
    ['a file that is no JSON', ['README.md', 'README.md'], /^README\.md is not JSON/],
  ])('%s: one line, exit code 2', async (_, files, what) => {
    const { exitCode, stdout, stderr, complaints } = await tally(['compare', ...files]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toBe(`tally compare: ${complaints[0]}\n`);
    expect(complaints[0]).toMatch(what);
  });
});
