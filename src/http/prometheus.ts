/**
 * The metrics in Prometheus's text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). They are those of the wire, under names by
 * Prometheus's rules: base units, `_total` for what only grows, one name with a label for what adds up.
 */
import type { View } from './snapshot.ts';

/** The fields of the detailed metrics that are shown. */
interface Detail {
  received: number;
  processed: number;
  accepted: number;
  queued: number;
  refused: Record<string, number>;
  users: number;
  users_max: number;
  workers: number;
  workers_ready: number;
  worker_deaths: number;
  ring_slots: number;
  ring_depths: number[];
  parks: number;
  naps: number;
  late_wakes: number;
  invalid: number;
  connections: number;
  connections_total: number;
  connections_refused: number;
  closed_blocked: number;
  closed_partial: number;
  closed_idle: number;
  uptime_ms: number;
}

/** Once: the same in every answer. */
const STARTED_AT_S = Math.round(Date.now() - process.uptime() * 1_000) / 1_000;

type Labels = Record<string, string>;
interface Row {
  labels?: Labels;
  /** `_sum` and `_count` of a summary. */
  suffix?: string;
  value: number;
}
type Kind = 'counter' | 'gauge' | 'summary';

export function prometheusText(view: View, version: string): string {
  const detail = JSON.parse(view.line) as Detail;
  return [...tallyFamilies(detail, view, version), ...processFamilies()].join('');
}

function* tallyFamilies(detail: Detail, view: View, version: string): Generator<string> {
  yield family('build_info', 'gauge', 'What runs; always 1.', [
    { labels: { version, node: process.version }, value: 1 },
  ]);
  yield one('uptime_seconds', 'gauge', 'Since the server was set up.', detail.uptime_ms / 1_000);
  yield one('draining', 'gauge', '1 while the server shuts down.', view.state === 'draining' ? 1 : 0);

  yield one('events_received_total', 'counter', 'Well-formed events.', detail.received);
  yield one('events_accepted_total', 'counter', 'Events that went into a ring.', detail.accepted);
  yield one('events_processed_total', 'counter', 'Events applied to their balance.', detail.processed);
  yield family(
    'events_dropped_total',
    'counter',
    'Events refused, or accepted and not applicable (balance_overflow), by reason.',
    byLabel('reason', Object.entries(detail.refused)),
  );
  yield one('events_queued', 'gauge', 'Events accepted and not yet applied.', detail.queued);
  yield one('lines_invalid_total', 'counter', 'Lines that were answered with an error.', detail.invalid);

  yield one('users', 'gauge', 'Users in the table.', detail.users);
  yield one('users_max', 'gauge', 'Users that the table has room for.', detail.users_max);

  yield one('ring_slots', 'gauge', 'Slots of the ring before each worker.', detail.ring_slots);
  yield family(
    'ring_depth',
    'gauge',
    'Slots in use, by worker: events and requests for balances.',
    byLabel('worker', Object.entries(detail.ring_depths)),
  );
  yield family(
    'worker_events_processed_total',
    'counter',
    'Events applied, by worker.',
    byLabel(
      'worker',
      view.rings.map(({ processed }, worker) => [String(worker), processed]),
    ),
  );
  yield family(
    'worker_ready',
    'gauge',
    '1 for a worker that is attached and working.',
    byLabel(
      'worker',
      view.rings.map(({ isReady }, worker) => [String(worker), isReady ? 1 : 0]),
    ),
  );
  yield one('workers', 'gauge', 'Worker threads that the server was told to have.', detail.workers);
  yield one('workers_ready', 'gauge', 'Of these, attached and working.', detail.workers_ready);
  yield one('worker_deaths_total', 'counter', 'Worker threads that died.', detail.worker_deaths);
  yield one('worker_parks_total', 'counter', 'Times that workers slept until woken.', detail.parks);
  yield one('worker_naps_total', 'counter', 'Times that workers took a short timed rest.', detail.naps);
  yield one('worker_late_wakes_total', 'counter', 'Lost wake-ups found; must stay 0.', detail.late_wakes);

  yield one('connections', 'gauge', 'Connections that are open.', detail.connections);
  yield one('connections_opened_total', 'counter', 'Connections since the start.', detail.connections_total);
  yield one(
    'connections_refused_total',
    'counter',
    'Connections closed at once because there were too many.',
    detail.connections_refused,
  );
  yield family(
    'connections_closed_total',
    'counter',
    'Connections closed because the client broke a limit, by limit.',
    byLabel('reason', [
      ['blocked', detail.closed_blocked],
      ['partial', detail.closed_partial],
      ['idle', detail.closed_idle],
    ]),
  );

  const { p50Ms, p99Ms, maxMs, sumMs, samples } = view.delay;
  yield family('event_loop_delay_seconds', 'summary', 'How late the socket thread runs a timer.', [
    ...byLabel('quantile', [
      ['0.5', p50Ms / 1_000],
      ['0.99', p99Ms / 1_000],
      ['1', maxMs / 1_000],
    ]),
    { suffix: '_sum', value: sumMs / 1_000 },
    { suffix: '_count', value: samples },
  ]);
}

/** Under the names that every program has for them. They are of the whole process, this thread included. */
function* processFamilies(): Generator<string> {
  const { user, system } = process.cpuUsage();
  yield one('process_cpu_seconds_total', 'counter', 'Processor time.', (user + system) / 1e6, '');
  yield one('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss(), '');
  yield one('process_start_time_seconds', 'gauge', 'Start of the process, in Unix time.', STARTED_AT_S, '');
}

function one(name: string, kind: Kind, help: string, value: number, prefix = 'tally_'): string {
  return family(name, kind, help, [{ value }], prefix);
}

function byLabel(label: string, values: [string, number][]): Row[] {
  return values.map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** Help, type and values of one name. */
export function family(name: string, kind: Kind, help: string, rows: Row[], prefix = 'tally_'): string {
  const full = prefix + name;
  const lines = rows.map(
    ({ labels = {}, suffix = '', value }) => `${full}${suffix}${braced(labels)} ${value}`,
  );
  return [`# HELP ${full} ${escapeHelp(help)}`, `# TYPE ${full} ${kind}`, ...lines]
    .map(line => `${line}\n`)
    .join('');
}

function braced(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
