/** What `tally watch` makes of a journal's metrics, of a server that is not trusted. */
import { describe, expect, test } from 'vitest';
import {
  type JournalMetrics,
  journalRatesOf,
  journalRows,
  journalText,
} from '../../src/tools/watch/journal.ts';
import { ratesOf, readMetrics } from '../../src/tools/watch/look.ts';

const COUNTS = { received: 5, processed: 5, dropped: 0 };
const JOURNAL: JournalMetrics = {
  ...{ blocks: 100, bytes: 3_984_588, events: 400, syncs: 90, disk_full: 0, snapshots: 2 },
  ...{ snapshot_age_ms: 27_100, recovered_events: 1_234, recovery_ms: 12 },
  write_times: [
    { ms: 0.256, count: 90 },
    { ms: 4.096, count: 10 },
  ],
};
const LATER: JournalMetrics = {
  ...JOURNAL,
  ...{ blocks: 300, events: 1_200, syncs: 190 },
  write_times: [
    { ms: null, count: 1 },
    { ms: 0.256, count: 190 },
    { ms: 0.512, count: 97 },
    { ms: 4.096, count: 12 },
  ],
};
const readJournal = (journal: unknown) => readMetrics(JSON.stringify({ ...COUNTS, journal }))!.journal;

describe('the metrics of a journal', () => {
  test('are read as they are', () => {
    expect(readJournal({ ...JOURNAL, another: 7 })).toEqual(JOURNAL);
    expect(readJournal({ ...JOURNAL, snapshot_age_ms: -5 })).toEqual({ ...JOURNAL, snapshot_age_ms: 0 });
  });

  test.each([
    ['null', null],
    ['a number', 7],
    ['without a field', { ...JOURNAL, bytes: undefined }],
    ['with a text', { ...JOURNAL, blocks: '\u001b[2J' }],
    ['without times', { ...JOURNAL, write_times: undefined }],
    ['with times that are none', { ...JOURNAL, write_times: [{ ms: 'x', count: 1 }] }],
    ['with a count that is none', { ...JOURNAL, write_times: [null] }],
  ])('are none: %s', (_, journal) => expect(readJournal(journal)).toBeUndefined());

  test('have rates, and times by what came between two looks', () => {
    expect(journalRatesOf(JOURNAL, LATER, 2_000)).toEqual({
      ...{ writesPerS: 100, syncsPerS: 50, eventsAWrite: 4 },
      // 100 of 0.256, 97 of 0.512, 2 of 4.096, and one beyond.
      ...{ p50Ms: 0.256, p99Ms: 4.096 },
    });
    expect(journalRatesOf(JOURNAL, JOURNAL, 500)).toEqual({
      ...{ writesPerS: 0, syncsPerS: 0, eventsAWrite: null, p50Ms: null, p99Ms: null },
    });
    const slow = { ...JOURNAL, blocks: 101, write_times: [...JOURNAL.write_times, { ms: null, count: 1 }] };
    expect(journalRatesOf(JOURNAL, slow, 500)!.p50Ms).toBe(Number.POSITIVE_INFINITY);
    expect(journalRatesOf(LATER, JOURNAL, 500)).toBeUndefined();
  });

  test('are three rows, and a word in a line', () => {
    const rates = journalRatesOf(JOURNAL, LATER, 2_000);
    expect(journalRows(JOURNAL, rates)).toEqual([
      ['journal', '100 writes/s of 4.0 events   p50 < 0.256   p99 < 4.10 ms'],
      ['on disk', '3.8 MiB   50 syncs/s   2 snapshots, the last 27.1 s ago'],
      ['recovered', '1,234 events in 12 ms'],
    ]);
    expect(journalText(JOURNAL, rates)).toBe('journal 100 writes/s of 4.0 events p50 < 0.256 p99 < 4.10 ms');
    const full = { ...JOURNAL, snapshots: 0, disk_full: 1 };
    expect(journalRows(full, undefined).slice(0, 2)).toEqual([
      ['journal', '…'],
      ['on disk', '3.8 MiB   no snapshot yet   NO ROOM'],
    ]);
  });

  test('leave nothing behind where there is none', () => {
    const rates = ratesOf(COUNTS, COUNTS, 1_000)!;
    expect('journal' in rates).toBe(false);
    expect('journal' in readMetrics(JSON.stringify(COUNTS))!).toBe(false);
    const both = { ...COUNTS, journal: JOURNAL };
    expect(ratesOf(both, { ...COUNTS, journal: LATER }, 1_000)!.journal).toMatchObject({ writesPerS: 200 });
    // Another server, in its place.
    expect('journal' in ratesOf(both, COUNTS, 1_000)!).toBe(false);
  });
});
