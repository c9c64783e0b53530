/** Every field of the metrics is in every view of them, or is left out for a reason that stands here. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ClusterDetail } from '../../src/cluster/cluster.ts';
import { readSettings } from '../../src/config/read.ts';
import { prometheusText } from '../../src/http/prometheus.ts';
import { takeSnapshot } from '../../src/http/snapshot.ts';
import type { JournalDetail } from '../../src/journal/detail.ts';
import { Log } from '../../src/log.ts';
import { CLUSTER_FIELDS } from '../../src/metrics/cluster.ts';
import { FIELDS } from '../../src/metrics/fields.ts';
import { JOURNAL_FIELDS } from '../../src/metrics/journal.ts';
import type { Snapshot } from '../../src/metrics/snapshot.ts';
import { assemble } from '../../src/server/assemble.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const files = readdirSync(new URL('../../src/http/page', import.meta.url)).map(
  name => `src/http/page/${name}`,
);
const textOf = (ending: string) =>
  files.flatMap(name => (name.endsWith(ending) ? [read(name)] : [])).join('\n');
const page = textOf('');

/** What a view shows in another way, or not. */
const LEFT_OUT: Record<string, Partial<Record<keyof Snapshot, string>>> = {
  'the live page': {
    ring_depths: 'drawn from the heads and tails of the rings, which are beside the metrics',
    parks: 'a figure to tune by, in /metrics',
    naps: 'a figure to tune by, in /metrics',
  },
  'tally watch': {
    accepted: 'received less dropped, but for overflows',
    parks: 'a figure to tune by, in /metrics',
    naps: 'a figure to tune by, in /metrics',
    late_wakes: 'must be 0; the ledger at the end has it',
  },
};
const VIEWS: Record<string, string> = {
  'the live page': page,
  'tally watch': read('src/tools/watch/view.ts'),
};

/** The same of a journal. */
const JOURNAL_LEFT_OUT: Partial<Record<keyof JournalDetail, string>> = {
  write_ms: 'the times are in write_times, one by one',
};
const JOURNAL_VIEWS: Record<string, string> = {
  'the live page': read('src/http/page/journal.js'),
  'tally watch': read('src/tools/watch/journal.ts'),
};

/** And of a cluster. */
const CLUSTER_LEFT_OUT: Partial<Record<keyof ClusterDetail, string>> = {
  ack_ms: 'the times are in ack_times, one by one',
};

const settings = readSettings(['--workers', '2', '--ring', '8', '--users', '8'], {});
const { engine, sessions } = assemble(settings, new Log(settings, process.stdout));
const snapshot = sessions.metrics.snapshot();
const keys = Object.keys(snapshot) as (keyof typeof FIELDS)[];

test('the table of fields has just those of the snapshot', () => {
  expect(Object.keys(FIELDS).sort()).toEqual([...keys].sort());
});

test.each(Object.entries(VIEWS))('%s shows every field, or there is a reason', (view, text) => {
  const isShown = (key: string) => new RegExp(`\\b${key}\\b`).test(text);
  const leftOut = LEFT_OUT[view]!;
  expect(keys.filter(key => !isShown(key) && leftOut[key] === undefined)).toEqual([]);
  expect(Object.keys(leftOut).filter(isShown), 'shown after all').toEqual([]);
});

test.each(Object.entries(JOURNAL_VIEWS))('%s shows all that a journal says of itself', (_, text) => {
  const isShown = (key: string) => new RegExp(`\\b${key}\\b`).test(text);
  const all = [...Object.keys(JOURNAL_FIELDS), 'write_times'] as (keyof JournalDetail)[];
  expect(all.filter(key => !isShown(key) && JOURNAL_LEFT_OUT[key] === undefined)).toEqual([]);
  expect(Object.keys(JOURNAL_LEFT_OUT).filter(isShown), 'shown after all').toEqual([]);
});

test('the live page shows all that a node says of its cluster', () => {
  const text = read('src/http/page/cluster.js');
  const isShown = (key: string) => new RegExp(`\\b${key}\\b`).test(text);
  const all = [...Object.keys(CLUSTER_FIELDS), 'ack_times'] as (keyof ClusterDetail)[];
  expect(all.filter(key => !isShown(key) && CLUSTER_LEFT_OUT[key] === undefined)).toEqual([]);
  expect(Object.keys(CLUSTER_LEFT_OUT).filter(isShown), 'shown after all').toEqual([]);
});

test('the live page has every reason for which an event is refused', () => {
  expect(Object.keys(snapshot.refused).filter(reason => !page.includes(reason))).toEqual([]);
});

test('Prometheus is told every value, under the name of its field', () => {
  // Each value is another one, so that none can stand for another.
  let next = 1_000;
  const numbered = (value: unknown): unknown => {
    if (typeof value === 'number') return next++;
    if (Array.isArray(value)) return value.map(numbered);
    return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, numbered(each)]));
  };
  const metrics = numbered(snapshot) as Snapshot;
  const delay = { p50Ms: 0, p99Ms: 0, maxMs: 0, sumMs: 0, samples: 0 };
  const taken = takeSnapshot(
    { engine, metrics: { snapshot: () => metrics } as never, isDraining: false, connectionsMax: 7 },
    { shards: () => ({ users: [] }), rings: () => [] } as never,
    { look: () => delay } as never,
    true,
  );
  const text = prometheusText(taken, '0.0.0');
  for (const key of keys) {
    const { name, divisor = 1 } = FIELDS[key];
    if (name === undefined) continue;
    for (const value of [metrics[key]].flatMap(each =>
      typeof each === 'object' ? Object.values(each) : [each],
    ))
      expect(text, key).toMatch(new RegExp(`^tally_${name}(?:\\{[^}]*\\})? ${value / divisor}$`, 'm'));
  }
});
