/**
 * The metrics in Prometheus's text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). They are the metrics of the wire, under names that
 * follow Prometheus's rules: base units, `_total` for counters, one name with a label for values that can be summed.
 */
import { ACK_TIMES, CLUSTER_FIELDS } from '../metrics/cluster.ts';
import { FIELDS, type Field, type Kind } from '../metrics/fields.ts';
import { JOURNAL_FIELDS, WRITE_TIMES } from '../metrics/journal.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import type { HttpSnapshot } from './snapshot.ts';

/** Computed once, so that it is the same in every answer. */
const STARTED_AT_S = Math.round(Date.now() - process.uptime() * 1_000) / 1_000;

type Key = keyof typeof FIELDS;
type Labels = Record<string, string>;
interface Row {
  labels?: Labels;
  /** `_sum` and `_count` of a summary. */
  suffix?: string;
  value: number;
}

/** What the thread of HTTP knows itself. */
export interface OfHttp {
  /** How many requests over HTTP had a wrong token; undefined where none is asked for. */
  unauthorized: number | undefined;
  /** Until when the certificate of the server holds, in Unix time; undefined without one. */
  certificateUntilS: number | undefined;
}

export function prometheusText(snapshot: HttpSnapshot, version: string, ofHttp?: OfHttp): string {
  return [
    ...tallyFamilies(snapshot, version),
    ...httpFamilies(ofHttp ?? { unauthorized: undefined, certificateUntilS: undefined }),
    ...processFamilies(),
  ].join('');
}

function* httpFamilies({ unauthorized, certificateUntilS }: OfHttp): Generator<string> {
  if (unauthorized !== undefined)
    yield one('http_unauthorized_total', 'counter', 'Requests over HTTP with a wrong token.', unauthorized);
  if (certificateUntilS !== undefined)
    yield one(
      'certificate_expiration_timestamp_seconds',
      'gauge',
      'Until when the certificate of the server holds, in Unix time.',
      certificateUntilS,
    );
}

function* tallyFamilies(snapshot: HttpSnapshot, version: string): Generator<string> {
  const { state, metrics, rings, connectionsMax } = snapshot;
  yield family('build_info', 'gauge', 'What runs; always 1.', [
    { labels: { version, node: process.version }, value: 1 },
  ]);
  for (const [name, fields] of fieldsByName()) {
    const { kind, help } = FIELDS[fields[0]!];
    yield family(
      name,
      kind,
      help,
      fields.flatMap(key => rowsOf(FIELDS[key], metrics[key])),
    );
    if (name === 'uptime_seconds')
      yield one('draining', 'gauge', '1 while the server shuts down.', state === 'draining' ? 1 : 0);
    if (name === 'ring_depth') yield* workerFamilies(rings);
    if (name === 'connections')
      yield one('connections_max', 'gauge', 'Connections that there may be at a time.', connectionsMax);
  }
  if (metrics.journal !== undefined) yield* journalFamilies(metrics.journal);
  if (metrics.cluster !== undefined) yield* clusterFamilies(metrics.cluster);
  yield delayFamily(snapshot.delay);
}

/** The fields that are exported, by their names for Prometheus. */
function fieldsByName(): Map<string, Key[]> {
  const keysOf = new Map<string, Key[]>();
  for (const [key, { name }] of Object.entries(FIELDS) as [Key, Field][])
    if (name !== undefined) keysOf.set(name, [...(keysOf.get(name) ?? []), key]);
  return keysOf;
}

function rowsOf(
  { label = '', labelled, divisor = 1 }: Field,
  value: number | readonly number[] | Record<string, number>,
): Row[] {
  if (typeof value === 'object') return byLabel(label, Object.entries(value));
  return [{ ...(labelled === undefined ? {} : { labels: { [label]: labelled } }), value: value / divisor }];
}

function* workerFamilies(rings: HttpSnapshot['rings']): Generator<string> {
  const byWorker = (read: (ring: HttpSnapshot['rings'][number]) => number) =>
    byLabel(
      'worker',
      rings.map((ring, worker) => [String(worker), read(ring)]),
    );
  const processed = byWorker(ring => ring.processed);
  yield family('worker_events_processed_total', 'counter', 'Events applied, by worker.', processed);
  const ready = byWorker(ring => (ring.isReady ? 1 : 0));
  yield family('worker_ready', 'gauge', '1 for a worker that is attached and working.', ready);
}

function* journalFamilies(journal: NonNullable<Snapshot['journal']>): Generator<string> {
  for (const [key, { name, kind, help, divisor = 1 }] of Object.entries(JOURNAL_FIELDS) as [
    keyof typeof JOURNAL_FIELDS,
    Field,
  ][])
    if (name !== undefined) yield one(name, kind, help, journal[key] / divisor);
  yield histogram(WRITE_TIMES, journal.write_times, journal.write_ms);
}

function* clusterFamilies(cluster: NonNullable<Snapshot['cluster']>): Generator<string> {
  for (const [key, field] of Object.entries(CLUSTER_FIELDS) as [keyof typeof CLUSTER_FIELDS, Field][])
    if (field.name !== undefined)
      yield family(field.name, field.kind, field.help, rowsOf(field, cluster[key]));
  yield histogram(ACK_TIMES, cluster.ack_times, cluster.ack_ms);
}

function histogram(
  { name, help }: { name: string; help: string },
  times: readonly { ms: number; count: number }[],
  sumMs: number,
): string {
  let count = 0;
  const buckets = times.flatMap(({ ms, count: more }): Row[] => {
    count += more;
    return Number.isFinite(ms)
      ? [{ suffix: '_bucket', labels: { le: String(ms / 1_000) }, value: count }]
      : [];
  });
  return family(name, 'histogram', help, [
    ...buckets,
    { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
    { suffix: '_sum', value: sumMs / 1_000 },
    { suffix: '_count', value: count },
  ]);
}

function delayFamily({ p50Ms, p99Ms, maxMs, sumMs, samples }: HttpSnapshot['delay']): string {
  return family('event_loop_delay_seconds', 'summary', 'How late the socket thread runs a timer.', [
    ...byLabel('quantile', [
      ['0.5', p50Ms / 1_000],
      ['0.99', p99Ms / 1_000],
      ['1', maxMs / 1_000],
    ]),
    { suffix: '_sum', value: sumMs / 1_000 },
    { suffix: '_count', value: samples },
  ]);
}

/** The standard metrics of a process. They include this thread. */
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
export function family(
  name: string,
  kind: Kind | 'histogram',
  help: string,
  rows: Row[],
  prefix = 'tally_',
): string {
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
