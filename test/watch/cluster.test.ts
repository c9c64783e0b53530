/** What `tally watch` makes of a node's metrics, of a server that is not trusted. */
import { describe, expect, test } from 'vitest';
import {
  type ClusterMetrics,
  clusterRatesOf,
  clusterRows,
  clusterText,
} from '../../src/tools/watch/cluster.ts';
import { ratesOf, readMetrics } from '../../src/tools/watch/look.ts';

const COUNTS = { received: 5, processed: 5, dropped: 0 };
const CLUSTER: ClusterMetrics = {
  ...{ up: 1, lags: [0, 1], sequences: [500, 700], blocks_under_way: 2, blocks_sent: 100, blocks_resent: 3 },
  ...{ blocks_stored: 98, events_sent: 4_000, snapshot_age_ms: 27_100, makes_snapshots: 0 },
  ack_times: [
    { ms: 2, count: 90 },
    { ms: 5, count: 8 },
  ],
};
const LATER: ClusterMetrics = {
  ...CLUSTER,
  ...{ sequences: [700, 900], blocks_sent: 300, blocks_stored: 298, events_sent: 12_000 },
  ack_times: [
    { ms: 2, count: 190 },
    { ms: 5, count: 106 },
    { ms: null, count: 2 },
  ],
};
const readCluster = (cluster: unknown) => readMetrics(JSON.stringify({ ...COUNTS, cluster }))!.cluster;

describe('the metrics of a node', () => {
  test('are read as they are', () => {
    expect(readCluster({ ...CLUSTER, another: 7 })).toEqual(CLUSTER);
    expect(readCluster({ ...CLUSTER, snapshot_age_ms: -1 })).toEqual({ ...CLUSTER, snapshot_age_ms: -1 });
  });

  test.each([
    ['null', null],
    ['a number', 7],
    ['without a field', { ...CLUSTER, blocks_sent: undefined }],
    ['with a text', { ...CLUSTER, up: '\u001b[2J' }],
    ['with a lag that is none', { ...CLUSTER, lags: [0, 'x'] }],
    ['without sequences', { ...CLUSTER, sequences: 7 }],
    ['with an age that is none', { ...CLUSTER, snapshot_age_ms: null }],
    ['without times', { ...CLUSTER, ack_times: undefined }],
  ])('are none: %s', (_, cluster) => expect(readCluster(cluster)).toBeUndefined());

  test('have rates, and times by what came between two looks', () => {
    expect(clusterRatesOf(CLUSTER, LATER, 2_000)).toEqual({
      ...{ storedPerS: 100, appliedPerS: 200, eventsABlock: 40 },
      // 100 of 2, 98 of 5, and 2 beyond.
      ...{ p50Ms: 2, p99Ms: 5 },
    });
    expect(clusterRatesOf(LATER, CLUSTER, 500)).toBeUndefined();
    const both = ratesOf({ ...COUNTS, cluster: CLUSTER }, { ...COUNTS, cluster: LATER }, 1_000)!;
    expect(both.cluster).toMatchObject({ storedPerS: 200 });
    expect('cluster' in ratesOf(COUNTS, COUNTS, 1_000)!).toBe(false);
  });

  test('are three rows, and a word in a line', () => {
    const rates = clusterRatesOf(CLUSTER, LATER, 2_000);
    expect(clusterRows(LATER, rates)).toEqual([
      ['cluster', '100 blocks/s of 40 events   acknowledged: p50 < 2.00   p99 < 5.00 ms'],
      ['streams', 'behind 0 1   200 applied/s   2 under way   3 sent again'],
      ['snapshots', 'the newest 27.1 s old'],
    ]);
    expect(clusterText(LATER, rates)).toBe(
      'cluster 1 behind, 100 blocks/s of 40 events acknowledged: p50 < 2.00 p99 < 5.00 ms',
    );
    const cut = { ...CLUSTER, up: 0, snapshot_age_ms: -1, makes_snapshots: 1 };
    expect(clusterRows(cut, undefined)).toEqual([
      ['cluster', '…'],
      ['streams', 'NOT REACHED   behind 0 1   2 under way   3 sent again'],
      ['snapshots', 'none yet   made by this node'],
    ]);
    expect(clusterText(cut, undefined)).toBe('cluster not reached');
  });
});
