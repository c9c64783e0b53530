import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BenchRecord, Measure } from '../../bench/bench.ts';
import { BENCHES, chosenBenches, GROUPS } from '../../bench/benches.ts';
import { alternate, type Figure, rotated, type Trial } from '../../bench/rounds.ts';
import { figureOf, tableOf } from '../../bench/table.ts';
import { median } from '../../src/tools/harness/samples.ts';
import { runBench } from '../support/bench.ts';

describe('the median', () => {
  test.each([
    [[5], 5],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])('of %j is %d', (samples, expected) => {
    const before = [...samples];
    expect(median(samples)).toBe(expected);
    expect(samples).toEqual(before);
  });

  test('of nothing is a mistake', () => expect(() => median([])).toThrow(/no samples/));
});

describe('trials in turn', () => {
  /** A trial that counts its runs into a log, and finds the running number as its figure. */
  const trialsOf = (names: string[], log: string[]): Trial[] =>
    names.map(subject => ({
      subject,
      condition: 'c',
      async run() {
        return [{ unit: 'u', better: 'lower', value: log.push(subject) }];
      },
    }));

  test('every round runs all, and starts one further on', async () => {
    const log: string[] = [];
    await alternate(3, trialsOf(['A', 'B', 'C'], log));
    expect(log.join('')).toBe('ABCBCACABABC');
  });

  test('the first round is dropped; then each trial has a sample a round', async () => {
    const measures = await alternate(2, trialsOf(['A', 'B'], []));
    expect(measures).toEqual([
      { subject: 'A', condition: 'c', unit: 'u', better: 'lower', samples: [4, 5] },
      { subject: 'B', condition: 'c', unit: 'u', better: 'lower', samples: [3, 6] },
    ]);
  });

  test('a single round goes without', async () => {
    const log: string[] = [];
    const [measure] = await alternate(1, trialsOf(['A', 'B'], log));
    expect([log.join(''), measure!.samples]).toEqual(['BA', [2]]);
  });

  test('a trial may find several figures', async () => {
    let run = 0;
    const trial: Trial = {
      subject: 'A',
      condition: '',
      async run() {
        run += 1;
        const figure = (unit: string, value: number): Figure => ({ unit, better: 'higher', value });
        return [figure('events/s', run), figure('µs CPU/event', -run)];
      },
    };
    const measures = await alternate(2, [trial]);
    expect(measures.map(({ unit, samples }) => [unit, samples])).toEqual([
      ['events/s', [2, 3]],
      ['µs CPU/event', [-2, -3]],
    ]);
  });

  test('a wrong answer ends it all', async () => {
    const wrong: Trial = {
      subject: 'A',
      condition: '',
      run: () => Promise.reject(new Error('lost 1 event')),
    };
    const log: string[] = [];
    await expect(alternate(2, [wrong, ...trialsOf(['B'], log)])).rejects.toThrow('lost 1 event');
    expect(log).toEqual([]);
  });

  test('what is no number is no figure', async () => {
    const trial: Trial = {
      subject: 'A',
      condition: 'c',
      run: async () => [{ unit: 'ns', better: 'lower', value: Number.NaN }],
    };
    await expect(alternate(1, [trial])).rejects.toThrow('A c: NaN ns is not a figure');
    await expect(alternate(0, [trial])).rejects.toThrow(RangeError);
  });

  test('says how far it is', async () => {
    const said: string[] = [];
    await alternate(2, trialsOf(['A'], []), line => said.push(line));
    expect(said).toEqual(['warm-up', 'round 1 of 2', 'round 2 of 2']);
  });

  test('a rotation keeps everybody', () => {
    expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1]);
    expect(rotated([], 1)).toEqual([]);
  });
});

describe('the table', () => {
  const measure = (subject: string, condition: string, unit: string, ...samples: number[]): Measure => ({
    subject,
    condition,
    unit,
    better: unit.endsWith('/s') ? 'higher' : 'lower',
    samples,
  });

  test('puts together what has one condition and one unit, and compares with the first there', () => {
    const table = tableOf([
      measure('tally', 'depth 1', 'events/s', 1_000_000, 900_000, 1_100_000),
      measure('tally', 'depth 1', 'µs CPU/event', 1.5, 1.4, 1.6),
      measure('redis', 'depth 1', 'events/s', 250_000, 250_000, 250_000),
      measure('redis', 'depth 1', 'µs CPU/event', 3, 3, 3),
      measure('tally', 'depth 16', 'events/s', 2_000_000),
    ]);
    expect(table).toBe(`\
depth 1: events/s, higher is better        median        min        max  spread  to the first
  tally                                 1,000,000    900,000  1,100,000    ±10%         1.00×
  redis                                   250,000    250,000    250,000     ±0%        0.250×

depth 1: µs CPU/event, lower is better     median        min        max  spread  to the first
  tally                                      1.50       1.40       1.60     ±7%         1.00×
  redis                                      3.00       3.00       3.00     ±0%         2.00×

depth 16: events/s, higher is better       median        min        max  spread  to the first
  tally                                 2,000,000  2,000,000  2,000,000     ±0%         1.00×
`);
  });

  test('has no ratio to nothing, and no title without a condition', () => {
    const lines = tableOf([measure('a', '', 'ns/op', 0), measure('b', '', 'ns/op', 5)]).split('\n');
    expect(lines[0]).toMatch(/^ns\/op, lower is better {2,}median/);
    expect(lines[1]).toMatch(/0\.00$/);
    expect(lines[2]).toMatch(/±0%$/);
  });

  test('of nothing is empty', () => expect(tableOf([])).toBe(''));

  test.each([
    [0, '0.00'],
    [0.01234, '0.012'],
    [0.9999, '1.00'],
    [1.005, '1.00'],
    [9.996, '10.0'],
    [99.96, '100'],
    [1234.5, '1,235'],
    [-2_500_000, '-2,500,000'],
  ])('the figure %d is written %s', (value, text) => expect(figureOf(value)).toBe(text));
});

describe('the names', () => {
  test('none means all, in order', () => {
    const short = Object.keys(BENCHES).filter(name => name !== 'soak' && name !== 'against');
    expect(chosenBenches([])).toEqual({ names: short, unknown: undefined });
    expect(chosenBenches(['soak'])).toEqual({ names: ['soak'], unknown: undefined });
    expect(Object.keys(BENCHES)).toEqual(expect.arrayContaining(['server', 'peers', 'client']));
  });

  test('a group stands for its members; none is chosen twice', () => {
    expect(chosenBenches(['server', 'micro-parking', 'micro']).names).toEqual([
      'server',
      'micro-parking',
      ...GROUPS.micro!.filter(name => name !== 'micro-parking'),
    ]);
  });

  test('an unknown one is told', () => {
    expect(chosenBenches(['micro', 'constructor']).unknown).toBe('constructor');
  });

  test.each(Object.entries(BENCHES))('%s is the name that its bench has', async (name, load) => {
    const { bench } = await load();
    expect(bench.name).toBe(name);
    expect(bench.about).toMatch(/^\S[^\n]{10,90}$/);
  });
});

describe('the command line', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-bench-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['--help', '-h'])('%s says what there is', async flag => {
    const { exitCode, stdout, stderr } = await runBench([flag]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const word of ['--list', '--small', '--json', '--out', 'Exit codes']) expect(stdout).toContain(word);
  });

  test('--list names every bench and group', async () => {
    const { exitCode, stdout } = await runBench(['--list']);
    expect(exitCode).toBe(0);
    const names = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split(' ')[0]);
    expect(names).toEqual([...Object.keys(BENCHES), ...Object.keys(GROUPS)]);
  });

  test.each([
    [['macro'], /^bench: unknown bench: macro; there are micro, micro-ring, .*peers, .*\n$/],
    [['micro', 'toString'], /^bench: unknown bench: toString;/],
    [['--rounds'], /^bench: Unknown option '--rounds'\n$/],
    [['--json'], /^bench: [^\n]*--json[^\n]*\n$/],
    [['against'], /^bench: against what\? --build DIR says it\n$/],
    [['--build', '.', 'peers'], /^bench: --build DIR is for against\n$/],
  ])('%j is a mistake: one line, exit code 2', async (args, what) => {
    const { exitCode, stdout, stderr } = await runBench(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(what);
  });

  test('results that can not be kept are told before anything is measured', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const { exitCode, stdout, stderr } = await runBench([
      '--small',
      '--out',
      join(file, 'x'),
      'micro-counters',
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^bench: ENOTDIR[^\n]*\n$/);
  });

  test('prints the machine and a table, and keeps what --out and --json say', async () => {
    const [out, json] = [join(folder, 'out'), join(folder, 'deeper', 'all.json')];
    const { exitCode, stdout, stderr } = await runBench([
      ...['--small', '--out', out, '--json', json, 'micro-counters'],
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+ × .*, Node v\d+/);
    expect(stdout).toContain('micro-counters: threads counting');
    expect(stdout).toMatch(/2 threads: ns\/count, lower is better +median +min +max +spread/);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toMatch(/^ +round 1 of 1\n/m);
    expect(readdirSync(out)).toEqual(['micro-counters.json']);
    const kept = JSON.parse(readFileSync(join(out, 'micro-counters.json'), 'utf8')) as BenchRecord;
    expect(kept).toMatchObject({
      schema: 1,
      bench: 'micro-counters',
      size: 'small',
      command: 'npm run bench -- --small micro-counters',
      commit: expect.stringMatching(/^(?:[0-9a-f]{7,}(?:-dirty)?|unknown)$/),
      machine: { node: process.version },
    });
    expect(Date.parse(kept.startedAt)).toBeGreaterThan(Date.now() - 60_000);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual([kept]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it at once', async (signal, exitCode) => {
    let signalledMs = 0;
    const ran = await runBench(['--out', folder, 'micro-parking'], child => {
      child.stderr!.once('data', () => {
        child.kill(signal);
        signalledMs = performance.now();
      });
    });
    expect(ran.exitCode).toBe(exitCode);
    // All of it would take minutes.
    expect(performance.now() - signalledMs).toBeLessThan(15_000);
  });
});
