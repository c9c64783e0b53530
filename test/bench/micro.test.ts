/** Every micro bench, small: none rots, and each checks its answers. Their figures mean nothing here. */
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { GROUPS } from '../../bench/benches.ts';
import { runBench } from '../support/bench.ts';

const PARKING = ["the server's: naps, then parks", 'the same, somebody waits for the answer'];
// Only Linux tells the processor time of a thread.
const PARKING_UNITS = ['to publish and wake', 'µs until seen, median', 'µs until seen, p99'].concat(
  process.platform === 'linux' ? ['% of a core'] : [],
);

/** What each bench measures: subjects, conditions, and the figures of each. */
// biome-ignore format: a table
const MEASURED: readonly [name: string, subjects: string[], conditions: number, units: string[]][] = [
  ['micro-ring',
    ["the server's ring", 'postMessage', 'one thread: array, push and shift', 'one thread: array, by index'], 2,
    ['ns/event']],
  ['micro-judging', ["the server's judges", 'the general judge alone', 'JSON.parse and checks'], 4, ['ns/line']],
  ['micro-counters',
    ['a word each, lines apart', 'a word each, side by side', 'one word, Atomics.add', 'one number, under a lock'], 3,
    ['ns/count']],
  ['micro-parking', [...PARKING, 'a notify for every event', 'never rests'], 3, PARKING_UNITS],
  ['micro-growth', ["the server's table", 'a full table is replaced'], 1,
    ['ms a chunk, median', 'ms a chunk, p99', 'ms a chunk, most']],
  ['micro-tokens', ["the server's look-up", 'a loop that stops early'], 4, ['ns/token']],
  ['micro-applying', ['10,000 users', '1,000,000 users'], 2, ['ns/event']],
];

test('the group is what is tested here', () => expect(GROUPS.micro).toEqual(MEASURED.map(([name]) => name)));

describe.each(MEASURED)('%s', (name, subjects, conditions, units) => {
  test('runs small, with right answers, and finds a figure for every subject', async () => {
    const { exitCode, stdout, stderr } = await runBench(['--small', '--json', '-', name]);
    expect(stderr).not.toMatch(/^bench: /m);
    expect(exitCode).toBe(0);
    const records = JSON.parse(stdout) as BenchRecord[];
    expect(records.map(({ bench, size }) => ({ bench, size }))).toEqual([{ bench: name, size: 'small' }]);
    const { measures } = records[0]!;
    expect(new Set(measures.map(measure => measure.subject))).toEqual(new Set(subjects));
    expect(measures).toHaveLength(subjects.length * conditions * units.length);
    for (const { unit, samples } of measures) {
      expect(units.filter(end => unit.endsWith(end))).toHaveLength(1);
      expect(samples).toHaveLength(1);
      for (const sample of samples) expect(sample).toBeGreaterThanOrEqual(0);
    }
    for (const subject of subjects) {
      const samples = measures.flatMap(each => (each.subject === subject ? each.samples : []));
      expect(Math.max(...samples)).toBeGreaterThan(0);
    }
  });
});
