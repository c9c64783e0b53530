/** What a node of a cluster says of it: its figures, its rates between two looks, and how they are written. Pure. */
import { count, duration } from '../../cli/terminal/numbers.ts';
import { grownTimes, isTimes, limitText, quantileOf, type Time } from './histogram.ts';

/** As in the detailed metrics, under `cluster`. */
export interface ClusterMetrics {
  up: number;
  /** By partition: blocks that are in the stream and not applied here. */
  lags: number[];
  /** By partition: the last applied sequence. */
  sequences: number[];
  blocks_under_way: number;
  blocks_sent: number;
  blocks_resent: number;
  blocks_stored: number;
  events_sent: number;
  /** Negative: there is none. */
  snapshot_age_ms: number;
  makes_snapshots: number;
  /** Times until a block was acknowledged. */
  ack_times: Time[];
}

export interface ClusterRates {
  /** Of this node, acknowledged by a majority. */
  storedPerS: number;
  /** Of all nodes, applied here. */
  appliedPerS: number;
  /** Null where nothing was sent. */
  eventsABlock: number | null;
  /** No more than so many ms; null where nothing was acknowledged, infinite beyond the last limit of the histogram. */
  p50Ms: number | null;
  p99Ms: number | null;
}

/** The last limit of its histogram. */
const LAST_MS = 10_000;

const FIGURES = [
  'up',
  'blocks_under_way',
  'blocks_sent',
  'blocks_resent',
  'blocks_stored',
  'events_sent',
  'makes_snapshots',
] as const;
const LISTS = ['lags', 'sequences'] as const;

/** Undefined if anything in it is not as it should be: the server is not trusted. */
export function readCluster(
  said: unknown,
  isFigure: (value: unknown) => boolean,
): ClusterMetrics | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const cluster = said as ClusterMetrics;
  if (!FIGURES.every(name => isFigure(cluster[name]))) return undefined;
  if (!LISTS.every(name => Array.isArray(cluster[name]) && cluster[name].every(isFigure))) return undefined;
  if (typeof cluster.snapshot_age_ms !== 'number' || !isTimes(cluster.ack_times, isFigure)) return undefined;
  return {
    ...(Object.fromEntries(FIGURES.map(name => [name, cluster[name]])) as Pick<
      ClusterMetrics,
      (typeof FIGURES)[number]
    >),
    lags: [...cluster.lags],
    sequences: [...cluster.sequences],
    snapshot_age_ms: cluster.snapshot_age_ms,
    ack_times: cluster.ack_times.map(each => ({ ms: each.ms, count: each.count })),
  };
}

/** Undefined if the counts went back: another server listens there now. */
export function clusterRatesOf(
  before: ClusterMetrics,
  now: ClusterMetrics,
  elapsedMs: number,
): ClusterRates | undefined {
  const grown = (key: 'blocks_sent' | 'blocks_stored' | 'events_sent') => now[key] - before[key];
  const applied = sum(now.sequences) - sum(before.sequences);
  if (grown('blocks_sent') < 0 || grown('blocks_stored') < 0 || grown('events_sent') < 0 || applied < 0)
    return undefined;
  const times = grownTimes(before.ack_times, now.ack_times);
  const perS = (number: number) => (1_000 * number) / Math.max(1, elapsedMs);
  return {
    storedPerS: perS(grown('blocks_stored')),
    appliedPerS: perS(applied),
    eventsABlock: grown('blocks_sent') === 0 ? null : grown('events_sent') / grown('blocks_sent'),
    p50Ms: quantileOf(times, 0.5),
    p99Ms: quantileOf(times, 0.99),
  };
}

/** Three rows: a label and what stands behind it. */
export function clusterRows(cluster: ClusterMetrics, rates: ClusterRates | undefined): [string, string][] {
  const { up, lags, blocks_under_way, blocks_resent, snapshot_age_ms, makes_snapshots } = cluster;
  const snapshot = snapshot_age_ms < 0 ? 'none yet' : `the newest ${duration(snapshot_age_ms)} old`;
  return [
    ['cluster', rates === undefined ? '…' : blocksText(rates)],
    [
      'streams',
      [
        ...(up === 0 ? ['NOT REACHED'] : []),
        `behind ${lags.map(count).join(' ')}`,
        ...(rates === undefined ? [] : [`${count(rates.appliedPerS)} applied/s`]),
        `${count(blocks_under_way)} under way`,
        `${count(blocks_resent)} sent again`,
      ].join('   '),
    ],
    ['snapshots', `${snapshot}${makes_snapshots === 1 ? '   made by this node' : ''}`],
  ];
}

function blocksText({ storedPerS, eventsABlock, p50Ms, p99Ms }: ClusterRates): string {
  const blocks = `${count(storedPerS)} blocks/s`;
  if (eventsABlock === null) return blocks;
  const events = eventsABlock < 10 ? eventsABlock.toFixed(1) : count(eventsABlock);
  return `${blocks} of ${events} events   acknowledged: p50 ${limitText(p50Ms, LAST_MS)}   p99 ${limitText(p99Ms, LAST_MS)} ms`;
}

/** In a line, for output that is not a terminal. */
export function clusterText(cluster: ClusterMetrics, rates: ClusterRates | undefined): string {
  const state = cluster.up === 0 ? 'cluster not reached' : `cluster ${count(sum(cluster.lags))} behind`;
  return rates === undefined ? state : `${state}, ${blocksText(rates).replaceAll(/ {2,}/g, ' ')}`;
}

function sum(figures: readonly number[]): number {
  return figures.reduce((all, figure) => all + figure, 0);
}
