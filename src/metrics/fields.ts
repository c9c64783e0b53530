/**
 * Describes each field of the metrics: its name for Prometheus, its kind and its meaning. If a field of the snapshot
 * is missing here, this does not compile.
 *
 * Names follow Prometheus's rules (https://prometheus.io/docs/practices/naming/): base units, `_total` for counters,
 * one name with a label for values that can be summed.
 */
import type { Snapshot } from './snapshot.ts';

export type Kind = 'counter' | 'gauge' | 'summary';

export interface Field {
  /** Without the prefix `tally_`; fields may share a name, with different labels. Without a name: not exported. */
  name?: string;
  kind: Kind;
  help: string;
  /** The label that distinguishes the values of a list or record, or the fields that share a name. */
  label?: string;
  /** The value of the label, for a field that shares its name. */
  labelled?: string;
  /** The exported value is the snapshot's value divided by this. */
  divisor?: number;
}

const counter = (name: string, help: string): Field => ({ name, kind: 'counter', help });
const gauge = (name: string, help: string): Field => ({ name, kind: 'gauge', help });
const closed = (labelled: string): Field => ({
  ...counter(
    'connections_closed_total',
    'Connections closed because the client broke a limit, spoke HTTP, failed in TLS or was not wanted, by reason.',
  ),
  label: 'reason',
  labelled,
});

/** In the order of the export to Prometheus. What a journal or a cluster adds is in journal.ts and cluster.ts. */
export const FIELDS: { readonly [Key in Exclude<keyof Snapshot, 'journal' | 'cluster'>]: Field } = {
  uptime_ms: { ...gauge('uptime_seconds', 'Since the server was set up.'), divisor: 1_000 },
  received: counter('events_received_total', 'Well-formed events.'),
  accepted: counter('events_accepted_total', 'Events that went into a ring.'),
  processed: counter('events_processed_total', 'Events applied to their balance.'),
  refused: {
    ...counter(
      'events_dropped_total',
      'Events refused, or accepted and not applicable (balance_overflow), by reason.',
    ),
    label: 'reason',
  },
  // The sum of the `refused` counts.
  dropped: { kind: 'counter', help: 'Events refused, or accepted and not applicable.' },
  queued: gauge('events_queued', 'Events accepted and not yet applied.'),
  invalid: counter('lines_invalid_total', 'Lines that were answered with an error.'),
  users: gauge('users', 'Users in the table.'),
  users_max: gauge('users_max', 'Users that the table has room for.'),
  in_transit: gauge('in_transit', 'Taken from one user by a transfer, and not yet given to the other.'),
  ids: gauge('ids', 'Ids of events that are remembered.'),
  ids_max: gauge('ids_max', 'Ids that there is room for.'),
  ring_slots: gauge('ring_slots', 'Slots of the ring before each worker.'),
  ring_depths: {
    ...gauge('ring_depth', 'Slots in use, by worker: events and requests for balances.'),
    label: 'worker',
  },
  workers: gauge('workers', 'Worker threads that the server was told to have.'),
  workers_ready: gauge('workers_ready', 'Of these, attached and working.'),
  worker_deaths: counter('worker_deaths_total', 'Worker threads that died.'),
  parks: counter('worker_parks_total', 'Times that workers slept until woken.'),
  naps: counter('worker_naps_total', 'Times that workers took a short timed rest.'),
  late_wakes: counter('worker_late_wakes_total', 'Lost wake-ups found; must stay 0.'),
  connections: gauge('connections', 'Connections that are open.'),
  connections_total: counter('connections_opened_total', 'Connections since the start.'),
  connections_refused: counter(
    'connections_refused_total',
    'Connections refused because there were too many.',
  ),
  closed_blocked: closed('blocked'),
  closed_partial: closed('partial'),
  closed_idle: closed('idle'),
  closed_http: closed('http'),
  closed_unauthorized: closed('unauthorized'),
  closed_admin: closed('admin'),
  closed_handshake: closed('handshake'),
};
