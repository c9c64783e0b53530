/** What a server with a journal says of it: its figures, its rates between two looks, and how they are written. Pure. */
import { count, duration } from '../../cli/terminal/numbers.ts';
import { grownTimes, isTimes, limitText, quantileOf, type Time } from './histogram.ts';

/** As in the detailed metrics, under `journal`. */
export interface JournalMetrics {
  blocks: number;
  bytes: number;
  events: number;
  syncs: number;
  disk_full: number;
  snapshots: number;
  snapshot_age_ms: number;
  recovered_events: number;
  recovery_ms: number;
  /** Writes by their time. */
  write_times: Time[];
}

export interface JournalRates {
  writesPerS: number;
  syncsPerS: number;
  /** Null where nothing was written. */
  eventsAWrite: number | null;
  /** No more than so many ms; null where nothing was written, infinite beyond the last limit of the histogram. */
  p50Ms: number | null;
  p99Ms: number | null;
}

/** The last limit of its histogram. */
const LAST_MS = 4_194;

const FIGURES = [
  'blocks',
  'bytes',
  'events',
  'syncs',
  'disk_full',
  'snapshots',
  'snapshot_age_ms',
  'recovered_events',
  'recovery_ms',
] as const;

/** Undefined if anything in it is not as it should be: the server is not trusted. */
export function readJournal(
  said: unknown,
  isFigure: (value: unknown) => boolean,
): JournalMetrics | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const journal = said as JournalMetrics;
  // A clock that was set back makes an age that is none.
  const age = Math.max(0, journal.snapshot_age_ms);
  const figures = { ...journal, snapshot_age_ms: age };
  if (!FIGURES.every(name => isFigure(figures[name]))) return undefined;
  if (!isTimes(journal.write_times, isFigure)) return undefined;
  return {
    ...(Object.fromEntries(FIGURES.map(name => [name, figures[name]])) as Omit<
      JournalMetrics,
      'write_times'
    >),
    write_times: journal.write_times.map(each => ({ ms: each.ms, count: each.count })),
  };
}

/** Undefined if the counts went back: another server listens there now. */
export function journalRatesOf(
  before: JournalMetrics,
  now: JournalMetrics,
  elapsedMs: number,
): JournalRates | undefined {
  const grown = (key: 'blocks' | 'events' | 'syncs') => now[key] - before[key];
  if (grown('blocks') < 0 || grown('events') < 0 || grown('syncs') < 0) return undefined;
  const times = grownTimes(before.write_times, now.write_times);
  const perS = (number: number) => (1_000 * number) / Math.max(1, elapsedMs);
  return {
    writesPerS: perS(grown('blocks')),
    syncsPerS: perS(grown('syncs')),
    eventsAWrite: grown('blocks') === 0 ? null : grown('events') / grown('blocks'),
    p50Ms: quantileOf(times, 0.5),
    p99Ms: quantileOf(times, 0.99),
  };
}

/** Three rows: a label and what stands behind it. */
export function journalRows(journal: JournalMetrics, rates: JournalRates | undefined): [string, string][] {
  const { bytes, disk_full, snapshots, snapshot_age_ms, recovered_events, recovery_ms } = journal;
  const number = snapshots === 1 ? '1 snapshot' : `${count(snapshots)} snapshots`;
  const parts = [
    bytesText(bytes),
    ...(rates === undefined ? [] : [`${count(rates.syncsPerS)} syncs/s`]),
    snapshots === 0 ? 'no snapshot yet' : `${number}, the last ${duration(snapshot_age_ms)} ago`,
    ...(disk_full > 0 ? ['NO ROOM'] : []),
  ];
  return [
    ['journal', rates === undefined ? '…' : writesText(rates)],
    ['on disk', parts.join('   ')],
    ['recovered', `${count(recovered_events)} events in ${duration(recovery_ms)}`],
  ];
}

function writesText({ writesPerS, eventsAWrite, p50Ms, p99Ms }: JournalRates): string {
  const writes = `${count(writesPerS)} writes/s`;
  if (eventsAWrite === null) return writes;
  return `${writes} of ${few(eventsAWrite)} events   p50 ${limitText(p50Ms, LAST_MS)}   p99 ${limitText(p99Ms, LAST_MS)} ms`;
}

const few = (value: number) => (value < 10 ? value.toFixed(1) : count(value));

/** In a line, for output that is not a terminal. */
export function journalText(journal: JournalMetrics, rates: JournalRates | undefined): string {
  if (rates === undefined) return `journal ${bytesText(journal.bytes)}`;
  return `journal ${writesText(rates).replaceAll(/ {2,}/g, ' ')}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytesText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1_024 ** unit;
  return `${unit === 0 || value >= 100 ? count(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
