/** Every micro bench, small: none rots, and each checks its answers. Their figures mean nothing here. */
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { GROUPS } from '../../bench/benches.ts';
import { runBench } from '../support/bench.ts';

/** What each bench measures: subjects, conditions, and figures of each. */
const MEASURED: Record<string, { subjects: string[]; conditions: number; units: RegExp[] }> = {
  'micro-ring': {
    subjects: [
      "the server's ring",
      'postMessage',
      'one thread: array, push and shift',
      'one thread: array, by index',
    ],
    conditions: 2,
    units: [/^ns\/event$/],
  },
  'micro-judging': {
    subjects: ["the server's judges", 'the general judge alone', 'JSON.parse and checks'],
    conditions: 4,
    units: [/^ns\/line$/],
  },
  'micro-counters': {
    subjects: [
      'a word each, lines apart',
      'a word each, side by side',
      'one word, Atomics.add',
      'one number, under a lock',
    ],
    conditions: 3,
    units: [/^ns\/count$/],
  },
  'micro-parking': {
    subjects: [
      "the server's: naps, then parks",
      'the same, somebody waits for the answer',
      'a notify for every event',
      'never rests',
    ],
    conditions: 3,
    // Only Linux tells the processor time of a thread.
    units: [
      /to publish and wake$/,
      /^µs until seen, median$/,
      /^µs until seen, p99$/,
      ...(process.platform === 'linux' ? [/% of a core$/] : []),
    ],
  },
};

test('the group is what is tested here', () => expect(GROUPS.micro).toEqual(Object.keys(MEASURED)));

describe.each(Object.entries(MEASURED))('%s', (name, { subjects, conditions, units }) => {
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
      expect(units.filter(pattern => pattern.test(unit))).toHaveLength(1);
      expect(samples).toHaveLength(1);
      for (const sample of samples) expect(sample).toBeGreaterThanOrEqual(0);
    }
    for (const subject of subjects) {
      const samples = measures
        .filter(measure => measure.subject === subject)
        .flatMap(({ samples }) => samples);
      expect(Math.max(...samples)).toBeGreaterThan(0);
    }
  });
});
