/** The benches of what grows, the rate, the users, the connections: each runs small, as users start it. */
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { runBench } from '../support/bench.ts';

const BENCH_MS_MAX = 240_000;
const isLinux = process.platform === 'linux';
const LATENCIES = ['p50', 'p99', 'p99.9'].map(percentile => `ms until answered, ${percentile}`);

/** By unit, the subjects under each condition. */
type Found = Record<string, Record<string, string[]>>;

async function runSmall(name: string): Promise<{ found: Found; said: string }> {
  const { exitCode, stdout, stderr } = await runBench(['--small', '--json', '-', name]);
  expect(exitCode, stderr).toBe(0);
  const found: Found = {};
  for (const { subject, condition, unit, samples } of (JSON.parse(stdout) as BenchRecord[])[0]!.measures) {
    expect(samples).toHaveLength(1);
    expect(samples.every(Number.isFinite)).toBe(true);
    found[unit] ??= {};
    found[unit][condition] = [...(found[unit][condition] ?? []), subject];
  }
  return { found, said: stderr };
}

/** The same for each of these units. */
const each = (units: string[], conditions: Record<string, string[]>): Found =>
  Object.fromEntries(units.map(unit => [unit, conditions]));

// Their figures mean nothing, so they may disturb one another; and they mostly wait for lines to be due.
describe.concurrent('a small run of', { timeout: BENCH_MS_MAX }, () => {
  test('latency has the percentiles of all the servers that are installed', async () => {
    const { found, said } = await runSmall('latency');
    const redis = said.includes('redis-server is not installed') ? [] : ['redis INCRBY'];
    expect(found).toEqual(each(LATENCIES, { '2,000/s': ['tally', ...redis, 'node:net, fixed reply'] }));
  });

  test('users measures both depths, and hot users', async () => {
    const { found } = await runSmall('users');
    const subjects = ['depth 16', 'depth 128', 'depth 128, Zipf, 4 workers'];
    expect(found).toEqual(
      each(['events/s', ...(isLinux ? ['µs CPU/event'] : [])], { '1,000 users': subjects }),
    );
  });

  test('growing measures health while users come, by their number', async () => {
    const { found } = await runSmall('growing');
    const units = ['p50', 'p99', 'most'].map(share => `ms until health is answered, ${share}`);
    const conditions = {
      'to 20,000 users': ['tally'],
      'to 40,000 users': ['tally'],
      'of known users': ['tally'],
    };
    expect(found).toEqual(each(['new users/s', ...units], conditions));
  });

  test('connections measures processor time, memory and latency', async () => {
    const { found } = await runSmall('connections');
    const subjects = ['tally', 'node:net, fixed reply'];
    const [idle, active] = ['200 open, 50 send', '200 open, all send'];
    expect(found).toEqual({
      ...each(LATENCIES, { [idle]: subjects, [active]: subjects }),
      ...(isLinux && {
        'µs CPU/event': { '100 connections': subjects },
        'KiB resident/connection': { [idle]: subjects },
      }),
    });
  });
});
