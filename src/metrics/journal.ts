/**
 * The metrics of a journal: on the wire under `journal`, and for Prometheus. A server without one has none of them.
 */
import type { JournalDetail } from '../journal/detail.ts';
import type { Field } from './fields.ts';

type Plain = Exclude<keyof JournalDetail, 'write_times'>;

/** Of each field but the histogram. */
export const JOURNAL_FIELDS: { readonly [Key in Plain]: Field } = {
  blocks: { name: 'journal_blocks_total', kind: 'counter', help: 'Blocks written: each is a run of events.' },
  bytes: { name: 'journal_bytes_total', kind: 'counter', help: 'Bytes written in blocks.' },
  events: {
    name: 'journal_events_total',
    kind: 'counter',
    help: 'Slots written: events, and requests for balances between them.',
  },
  syncs: {
    name: 'journal_syncs_total',
    kind: 'counter',
    help: 'Times that the disk was asked to keep what was written.',
  },
  write_ms: {
    kind: 'counter',
    help: 'Milliseconds of all writes of blocks; for Prometheus it is the sum of the histogram.',
  },
  disk_full: {
    name: 'journal_disk_full',
    kind: 'gauge',
    help: '1 while there is no room for another segment.',
  },
  snapshots: { name: 'journal_snapshots_total', kind: 'counter', help: 'Snapshots made since the start.' },
  snapshot_age_ms: {
    name: 'journal_snapshot_age_seconds',
    kind: 'gauge',
    help: 'Since the last snapshot, or the start.',
    divisor: 1_000,
  },
  recovered_events: {
    name: 'journal_recovered_events',
    kind: 'gauge',
    help: 'Events behind the last snapshot, read again at the start.',
  },
  recovery_ms: {
    name: 'journal_recovery_seconds',
    kind: 'gauge',
    help: 'What reading the journal took at the start.',
    divisor: 1_000,
  },
};

export const WRITE_TIMES = {
  name: 'journal_write_seconds',
  help: 'What a write of a block took, with its sync where each write has one.',
};
