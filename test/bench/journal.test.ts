/**
 * The benches of the journal, and that of two builds: each runs small, as users start it; whoever is not installed is
 * left out, and that is said. And the parts of them that could be wrong without anybody noticing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BenchRecord, Measure } from '../../bench/bench.ts';
import { programsIn } from '../../bench/journal/postgres.ts';
import { copyJournal, nameOf, userOf, writeJournal } from '../../bench/journal/written.ts';
import { quartilesOf, ratiosTo } from '../../bench/ratios.ts';
import { realDisk } from '../../src/journal/disk.ts';
import { recover } from '../../src/journal/recovery.ts';
import { familyCpuSecondsOf } from '../../src/tools/harness/cpu.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { runBench } from '../support/bench.ts';

const BENCH_MS_MAX = 120_000;
const ALWAYS = 'tally, --sync always';
const LATENCIES = ['p50', 'p99', 'p99.9'];

async function runSmall(args: string[]): Promise<{ found: string[]; said: string }> {
  const { exitCode, stdout, stderr } = await runBench(['--small', '--json', '-', ...args]);
  expect(exitCode, stderr).toBe(0);
  const { measures } = (JSON.parse(stdout) as BenchRecord[])[0]!;
  for (const { samples } of measures) expect(samples.every(Number.isFinite)).toBe(true);
  return {
    found: measures.map(({ subject, condition, unit }) => `${subject}|${condition}|${unit}`),
    said: stderr,
  };
}

// Their figures mean nothing, so they may disturb one another; and they mostly wait for servers and the disk.
describe.concurrent('a small run of', { timeout: BENCH_MS_MAX }, () => {
  test('once has ids and transfers beside lines without, and a script of Redis, if it is installed', async () => {
    const { found, said } = await runSmall(['once']);
    const hasRedis = !said.includes('redis-server is not installed');
    const ours = [
      ...['tally, without ids', 'tally, with ids', 'tally, transfers in one worker'],
      'tally, transfers, half of them between two workers',
      'tally, transfers with ids, half of them between two workers',
    ];
    const subjects = [...ours, ...(hasRedis ? ['redis, INCRBY', 'redis, script with SET NX'] : [])];
    expect(found.filter(name => name.endsWith('|events/s'))).toEqual(
      subjects.map(name => `${name}|depth 16|events/s`),
    );
    expect(found).toContain('tally, with ids / tally, without ids|depth 16|ratio of µs CPU/event');
    if (hasRedis)
      expect(found).toContain('tally, with ids / redis, script with SET NX|depth 16|ratio of events/s');
  });

  test('journal has every engine that is installed, and says which are not', async () => {
    const { found, said } = await runSmall(['journal']);
    const has = (missing: string, name: string) => (said.includes(missing) ? [] : [name]);
    const redis = has('redis-server is not installed', 'redis, always');
    const sqlite = has("better-sqlite3 can't be loaded", 'SQLite in Node');
    const postgres = has('pgbench or its server is not installed', 'PostgreSQL');
    const rates = found.filter(name => name.endsWith('|events/s'));
    expect(rates).toEqual([
      ...[ALWAYS, ...redis, ...sqlite].map(name => `${name}|depth 16|events/s`),
      ...postgres.map(name => `${name}|depth 1|events/s`),
    ]);
    const at = (subject: string, condition: string, what: string) =>
      LATENCIES.map(percentile => `${subject}|${condition}|ms until ${what}, ${percentile}`);
    expect(found).toEqual(
      expect.arrayContaining([
        ...redis.map(name => `${ALWAYS} / ${name}|depth 16|ratio of events/s`),
        ...[ALWAYS, ...redis].flatMap(name => at(name, '2,000/s', 'answered')),
        ...redis.map(name => `${ALWAYS} / ${name}|2,000/s|ratio of ms until answered, p99`),
        ...['snapshots all the time', 'no snapshots'].flatMap(name =>
          at(name, 'depth 16', 'answered under full load'),
        ),
        'snapshots all the time / no snapshots|depth 16|ratio of ms until answered under full load, p99',
      ]),
    );
  });

  test('recovery has events, a snapshot, and what a small journal adds to a start', async () => {
    const { found } = await runSmall(['recovery']);
    const listening = 'ms from its start until it listens';
    const small = ['a new journal', '10,000 events of 1,000 users'];
    const read = [listening, 'ms of them to read the journal', 'events or users read/s'];
    expect(found).toEqual([
      ...['no journal', ...small].map(subject => `${subject}||${listening}`),
      ...['20,000 events', 'a snapshot of 2,000 users'].flatMap(one => read.map(unit => `${one}||${unit}`)),
      ...small.map(subject => `${subject}||ms more than with no journal`),
    ]);
  });

  test('against has both builds, and the quartiles of their ratio', async () => {
    const { found, said } = await runSmall(['--build', ROOT, 'against']);
    if (said.includes('cc is not installed')) return expect(found).toEqual([]);
    const rates = found.filter(name => name.endsWith('events/s'));
    const ratio = 'this build / build X';
    expect(rates.map(name => name.replace(/\bbuild (?!\/)[\w-]+/, 'build X'))).toEqual([
      'this build|depth 16|events/s',
      'build X|depth 16|events/s',
      ...['first quartile', 'median', 'third quartile'].map(
        name => `${ratio}, ${name}|depth 16|ratio of events/s`,
      ),
    ]);
  });
});

test('against a folder without a build says what to do', async () => {
  const { exitCode, stderr } = await runBench(['--small', '--build', 'docs', 'against']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('bench: there is no docs/dist/src/cli/main.js: npm ci && npm run build there');
});

describe('a journal that is written for a bench', () => {
  const inFolder = (work: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'tally-bench-written-'));
    try {
      work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('is what a server would have left, and so is its copy', () => {
    inFolder(folder => {
      const [from, to] = [join(folder, 'from'), join(folder, 'to')];
      realDisk.makeFolder(from);
      writeJournal(from, { usersBefore: 3, events: 5_000, eventUsers: 1_000 });
      copyJournal(from, to);
      for (const dir of [from, to]) {
        const { ledger, events, blocks, ends } = recover(realDisk, dir);
        expect({ events, blocks, users: ledger.users }).toEqual({ events: 5_000, blocks: 6, users: 1_000 });
        expect(ends.map(({ isClosed }) => isClosed)).toEqual([true]);
        const balances = [...ledger.balances.slice(0, 1_000)];
        expect(balances).toEqual([300, 300, 300, ...Array(997).fill(250)]);
        expect(ledger.nameOf(7).toString()).toBe(nameOf(7));
      }
    });
  });

  test('gives each user as many events as the others', () => {
    const users = Array.from({ length: 1_000 }, (_, event) => userOf(event, 1_000));
    expect(new Set(users).size).toBe(1_000);
  });
});

describe('a ratio', () => {
  const measure = (subject: string, condition: string, ...samples: number[]): Measure => ({
    ...{ subject, condition, samples },
    ...{ unit: 'events/s', better: 'higher' },
  });

  test('is taken within each round, under the same condition', () => {
    const measures = [
      ...[measure('hare', 'depth 1', 10, 30), measure('tortoise', 'depth 1', 5, 60)],
      measure('hare', 'depth 16', 1, 1),
    ];
    expect(ratiosTo('tortoise', ['hare'], 'events/s', measures)).toEqual([
      { ...measure('hare / tortoise', 'depth 1', 2, 0.5), unit: 'ratio of events/s' },
    ]);
  });

  test('has quartiles', () => {
    const quartiles = quartilesOf(measure('hare', '', 5, 1, 4, 2, 3, 7, 6, 8));
    expect(quartiles.map(({ subject, samples }) => [subject, ...samples])).toEqual([
      ['hare, first quartile', 2],
      ['hare, median', 4.5],
      ['hare, third quartile', 6],
    ]);
  });
});

test('PostgreSQL is not installed where there is no pgbench', () => {
  expect(programsIn('/nonexistent')).toBeUndefined();
  expect(programsIn('')).toBeUndefined();
});

test.skipIf(process.platform !== 'linux')('processor time of a family is that of its head, and more', () => {
  const before = familyCpuSecondsOf(process.pid);
  expect(before).toBeGreaterThan(0);
  expect(familyCpuSecondsOf(0)).toBeUndefined();
});
