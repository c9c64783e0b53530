/** What a run leaves: the table, the JSON, the files for plotters, and the line that moves on a terminal. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { CLI, type RunningServer, startServer } from '../support/server.ts';
import { NO_MONEY_LOST, percentiles, resultWith } from './results.ts';
import { load, START_MS_MAX, scratchFile, tally } from './running.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(['--workers', '1']);
});
afterAll(async () => {
  await server.stop();
});

const run = (flags: string) => tally(['load', '--port', `${server.port}`, ...flags.split(' ')]);

const ESCAPE = String.fromCharCode(27);
const PERCENTILES = Object.keys(percentiles(1));

/** Every field of a result; those that are not in each run apart. */
const { money: _, targetPerS: __, ...always } = resultWith();
const FIELDS = Object.keys(always);

function expectSchema(result: LoadResult, more: string[]): void {
  expect(Object.keys(result).sort()).toEqual([...FIELDS, ...more].sort());
  expect(result.schema).toBe(1);
  expect(new Date(result.startedAt).toISOString()).toBe(result.startedAt);
  expect(Object.keys(result.machine).sort()).toEqual(['cores', 'cpu', 'memoryGiB', 'node', 'system']);
  const { sent, answered, unknown, accepted, ok, busy, refused, errors, echoed, elapsedS, ratePerS } = result;
  expect(sent).toBe(answered + unknown);
  expect(answered).toBe(accepted + ok + busy + refused + errors + echoed);
  // Replies that came after the end are no part of it.
  expect(ratePerS * elapsedS).toBeLessThan(answered + 0.5);
  for (const kind of ['corrected', 'uncorrected'] as const) {
    const { byVerdict, ...all } = result.latencyMs[kind];
    for (const figures of [all, ...Object.values(byVerdict)]) {
      expect(Object.keys(figures).sort()).toEqual([...PERCENTILES].sort());
      const { min, p50, p90, p99, p999, p9999, max } = figures as unknown as Record<string, number>;
      const rising = [min, p50, p90, p99, p999, p9999, max];
      expect([...rising].sort((a, b) => a! - b!)).toEqual(rising);
    }
    expect(all.count).toBe(answered);
    expect(Object.values(byVerdict).reduce((sum, { count }) => sum + count, 0)).toBe(answered);
  }
  expect(result.intervals.reduce((sum, interval) => sum + interval.answered, 0)).toBe(answered);
  for (const interval of result.intervals)
    expect(Object.keys(interval).sort()).toEqual(Object.keys(always.intervals[0]!).sort());
}

describe.concurrent('--json', () => {
  test('to standard output: nothing but JSON there, and the table on standard error', async () => {
    const { exitCode, stdout, stderr } = await run(
      '--rate 2000 --duration 1200ms --pace thrifty --mix buy=5,wait=2,garbage=1 --check-balances --user-prefix mine- --fail-if errors>1M --json -',
    );
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout) as LoadResult;
    expectSchema(result, ['money', 'targetPerS']);
    expect(result).toMatchObject({ mode: 'open', targetPerS: 2_000, generator: { pace: result.plan.pace } });
    expect(result.intervals.map(({ atS }) => atS).slice(0, 2)).toEqual([0, 1]);
    expect(result.latencyMs.corrected.p50).toBeGreaterThanOrEqual(result.latencyMs.uncorrected.p50!);
    expect(Object.keys(result.money!).sort()).toEqual(Object.keys(NO_MONEY_LOST).sort());
    expect(stderr).toContain('replies a second of 2,000 asked for');
    expect(stderr).toMatch(/^ {2}corrected +[\d,]+ /m);
    expect(stderr).toMatch(/^ {2}uncorrected +[\d,]+ /m);
    expect(stderr).not.toContain(ESCAPE);
  });

  test('to a file: the table on standard output, and nothing on standard error', async () => {
    const file = scratchFile('run.json');
    const { exitCode, stdout, stderr } = await run(
      `--events 2000 --connections 5 --threads 2 --json ${file}`,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const result = JSON.parse(readFileSync(file, 'utf8')) as LoadResult;
    expectSchema(result, []);
    expect(result).toMatchObject({
      mode: 'closed',
      sent: 2_000,
      connections: { opened: 5, lost: 0 },
      problems: [],
    });
    expect(result.ratePerS / (2_000 / result.elapsedS)).toBeCloseTo(1, 1);
    expect(result.command).toBe(
      `tally load --port ${server.port} --events 2000 --connections 5 --threads 2 --json ${file}`,
    );
    expect(stdout).toMatch(
      /^127\.0\.0\.1:\d+, closed loop, 2,000 lines, 5 connections × 1, 2 threads, seed 1\n/,
    );
    expect(stdout).toMatch(/^ {2}lines +sent 2,000 {3}answered 2,000$/m);
    expect(stdout).toMatch(/^ {2}replies +accepted 2,000 {3}ok 0 {3}busy 0 {3}errors 0$/m);
    expect(stdout).toMatch(/^ {2}from sending +2,000 /m);
    expect(stdout).toMatch(/█/);
    expect(stdout).not.toContain(ESCAPE);
    // A run is compared with itself.
    expect(await tally(['compare', file, file])).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/\nno difference beyond noise\n$/),
    });
  });

  test('quotes the command as a shell takes it', async () => {
    const { result } = await load(server.port, "--events 1 --user-prefix it's");
    expect(result.command).toContain("--user-prefix 'it'\\''s'");
  });
});

describe('results that go elsewhere', () => {
  test('/dev/stdout is standard output, whatever that is', async () => {
    const { exitCode, stdout, stderr } = await run('--events 10 --connections 1 --json /dev/stdout');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ answered: 10 });
    expect(stderr).toContain('replies a second');
  });

  test('pipes and devices are written to, and one that is full is named', async () => {
    const file = scratchFile('piped.json');
    const script = `"${process.execPath}" "${CLI}" load --port ${server.port} --events 10 --connections 1 --hdr /dev/null --json >(cat > ${file}.new; mv ${file}.new ${file})`;
    await promisify(execFile)('bash', ['-c', script], { timeout: 50_000 });
    await until(() => existsSync(file), 'the pipe to be read', START_MS_MAX);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ answered: 10 });
    const { exitCode, complaints } = await run('--events 10 --connections 1 --json /dev/full');
    expect({ exitCode, complaints }).toEqual({
      exitCode: 1,
      complaints: ['/dev/full cannot be written: no space left on device'],
    });
  });
});

describe.concurrent('--hdr', () => {
  test("is two files in HdrHistogram's text format, of all replies", async () => {
    const name = scratchFile('run');
    const { result } = await load(server.port, `--rate 2000 --events 1000 --hdr ${name}`);
    for (const kind of ['corrected', 'uncorrected'] as const) {
      const text = readFileSync(`${name}.${kind}.hgrm`, 'utf8');
      const lines = text.trimEnd().split('\n');
      expect(lines[0]).toMatch(/^ +Value +Percentile +TotalCount +1\/\(1-Percentile\)$/);
      const rows = lines.slice(1).filter(line => /^ +[\d.]/.test(line));
      const last = rows.at(-1)!.trim().split(/ +/).map(Number);
      expect(last[1]).toBe(1);
      expect(last[2]).toBe(result.answered);
      expect(last[0]).toBeCloseTo(result.latencyMs[kind].max!, 2);
      const median = rows.map(row => row.trim().split(/ +/).map(Number)).find(row => row[1]! >= 0.5)!;
      expect(median[0]).toBeCloseTo(result.latencyMs[kind].p50!, 2);
      expect(lines.at(-3)).toMatch(/^#\[Mean +=/);
      expect(lines.at(-2)).toMatch(new RegExp(`^#\\[Max +=.*Total count += +${result.answered}\\]$`));
    }
  });
});

describe.concurrent('a reader of the table that has seen enough', () => {
  test.each(['--events 10', '--rate 1000 --duration 100ms --json -'])(
    'is no failure: %s | true',
    async flags => {
      const pipe = `"${process.execPath}" "${CLI}" load --port ${server.port} ${flags} | true`;
      // A failure would be an error here.
      const { stderr } = await promisify(execFile)('sh', ['-c', pipe], { timeout: 50_000 });
      expect(stderr).not.toMatch(/EPIPE|Error/);
    },
  );
});

const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;
if (!hasScript)
  console.log('skipped: the line that moves needs script of util-linux, which is not installed');

describe.skipIf(!hasScript)('on a terminal', { concurrent: true }, () => {
  /** Everything that a terminal is sent, with what goes to a pipe instead left out. */
  function onTerminal(
    flags: string,
    env: Record<string, string | undefined> = {},
  ): Promise<{ text: string; code: number | null }> {
    const command = `"${process.execPath}" "${CLI}" load --port ${server.port} ${flags}`;
    const { NO_COLOR: _, ...rest } = process.env;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...rest, TERM: 'xterm', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 50_000,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', some => {
      text += some;
    });
    return new Promise(resolve => child.on('close', code => resolve({ text, code })));
  }
  const CLEAR = `\r${ESCAPE}[K`;
  const RUN = '--rate 500 --duration 1s --connections 4 --pace thrifty';

  test('a line moves while the run is under way, and is gone before the table', async () => {
    const { text, code } = await onTerminal(RUN);
    expect(code).toBe(0);
    const moves = text.split(CLEAR).slice(1, -1);
    expect(moves.length).toBeGreaterThan(1);
    for (const move of moves) expect(move).toMatch(/^\[#*·*\] \d+ of 1 s {2}.*busy 0/);
    expect(Math.max(...moves.map(move => move.length))).toBeLessThan(80);
    const table = text.split(CLEAR).at(-1)!;
    expect(table).toContain(`${ESCAPE}[1m127.0.0.1:`);
    expect(table).toMatch(/lines .*sent 500/);
    expect(table).not.toContain('of 1 s  ');
  });

  test('NO_COLOR has no colours', async () => {
    const { text } = await onTerminal(RUN, { NO_COLOR: '1' });
    expect(text.split(CLEAR).length).toBeGreaterThan(2);
    expect(text.replaceAll(CLEAR, '')).not.toContain(ESCAPE);
  });

  test('a dumb terminal gets no escape bytes, and a locale without UTF-8 no other characters', async () => {
    const { text, code } = await onTerminal(RUN, { TERM: 'dumb', LC_ALL: 'C' });
    expect(code).toBe(0);
    expect(text).toMatch(/ {2}#+[:|]? {2}/);
    expect(text).not.toMatch(/\P{ASCII}/u);
    expect(text).not.toContain(ESCAPE);
  });

  test('with standard error elsewhere nothing moves', async () => {
    const { text } = await onTerminal(`${RUN} 2>/dev/null`);
    expect(text).not.toContain(CLEAR);
    expect(text).toContain('replies a second');
  });
});
