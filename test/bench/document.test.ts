/** The figures in the documents are those of bench/results. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { DOCUMENTS, factsText, figuresText, readBenchRecord, withFigures } from '../../bench/document.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const record: BenchRecord = {
  schema: 1,
  bench: 'race',
  size: 'full',
  startedAt: '2026-01-02T03:04:05.000Z',
  command: 'npm run bench -- race',
  commit: 'abc1234',
  machine: { cpu: 'Test', cores: 2, memoryGiB: 4, system: 'linux 6', node: 'v20.19.0' },
  measures: [
    {
      subject: 'hare',
      condition: 'depth 1',
      unit: 'events/s',
      better: 'higher',
      samples: [30_000, 10_000, 20_000],
    },
    { subject: 'hare', condition: 'depth 16', unit: 'events/s', better: 'higher', samples: [5_000_000] },
    { subject: 'tortoise', condition: 'depth 1', unit: 'events/s', better: 'higher', samples: [1, 2] },
    { subject: 'hare', condition: 'depth 1', unit: 'µs CPU/event', better: 'lower', samples: [0.125] },
  ],
};

describe('the figures of a record', () => {
  test('are a table for each unit, with the median and the spread, and where they are from', () => {
    expect(figuresText(record)).toBe(`
| events/s (higher is better) | depth 1 | depth 16 |
| --- | --- | --- |
| hare | **20,000** (10,000 to 30,000) | **5,000,000** (5,000,000 to 5,000,000) |
| tortoise | **1.50** (1.00 to 2.00) | – |

| µs CPU/event (lower is better) | depth 1 |
| --- | --- |
| hare | **0.125** (0.125 to 0.125) |

\`npm run bench -- race\`, 2026-01-02, commit abc1234. 2 × Test, 4 GiB, linux 6, Node v20.19.0.

`);
  });

  test('are one table where they are facts: a column a subject, or a row where there are many', () => {
    const of = (subject: string, condition: string, unit: string, ...samples: number[]) => ({
      ...record.measures[0]!,
      ...{ subject, condition, unit, samples },
    });
    const measures = [
      of('hare', '', 'events', 30_000, 10_000),
      of('tortoise', '', 'events', 1),
      of('hare', 'asleep', 'ms', 0.125),
      of('tortoise', '', 'ms', 9),
    ];
    expect(
      factsText({ ...record, measures })
        .split('\n')
        .slice(1, 5),
    ).toEqual([
      '| | hare | tortoise | asleep |',
      '| --- | ---: | ---: | ---: |',
      '| events | 10,000 to 30,000 | 1 |  |',
      '| ms |  | 9 | 0.125 |',
    ]);
    const many = ['a', 'b', 'c', 'd', 'e'].flatMap((name, at) => [
      of('hare', name, 'events', at),
      of('hare', name, 'ms', 0.5),
    ]);
    expect(
      factsText({ ...record, measures: many })
        .split('\n')
        .slice(1, 5),
    ).toEqual(['| | events | ms |', '| --- | ---: | ---: |', '| a | 0 | 0.500 |', '| b | 1 | 0.500 |']);
    const list = [of('lines', '', 'lines', 1_000), of('time', '', 's', 7)];
    expect(
      factsText({ ...record, measures: list })
        .split('\n')
        .slice(3, 5),
    ).toEqual(['| lines | 1,000 lines |', '| time | 7 s |']);
  });

  test('take the place between the comments, and putting them there again changes nothing', () => {
    const text = 'before\n<!-- figures: race -->\nold\n<!-- end of figures -->\nafter\n';
    const once = withFigures(text, () => record);
    expect(once).toContain('hare');
    expect(once).not.toContain('old');
    expect(once.startsWith('before\n') && once.endsWith('\nafter\n')).toBe(true);
    expect(withFigures(once, () => record)).toBe(once);
  });
});

test.each(DOCUMENTS)('%s has the figures of bench/results (npm run document puts them there)', path => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  expect(text).toMatch(/<!-- (?:figures|facts|worse): /);
  expect(withFigures(text, readBenchRecord)).toBe(text);
});
