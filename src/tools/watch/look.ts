/** A sample of a server: its metrics, and how long its health took. Pure: replies in, figures out. */

import { quantileOf } from '../harness/samples.ts';
import { type ClusterMetrics, type ClusterRates, clusterRatesOf, readCluster } from './cluster.ts';
import { type JournalMetrics, type JournalRates, journalRatesOf, readJournal } from './journal.ts';

/** The counts that every server with metrics has; the others are the finished server's, with `detail`. */
export interface Metrics {
  received: number;
  processed: number;
  dropped: number;
  queued?: number;
  accepted?: number;
  refused?: Record<string, number>;
  users?: number;
  users_max?: number;
  in_transit?: number;
  ids?: number;
  ids_max?: number;
  workers?: number;
  workers_ready?: number;
  worker_deaths?: number;
  ring_slots?: number;
  ring_depths?: number[];
  invalid?: number;
  connections?: number;
  connections_total?: number;
  connections_refused?: number;
  closed_blocked?: number;
  closed_partial?: number;
  closed_idle?: number;
  closed_http?: number;
  closed_unauthorized?: number;
  closed_admin?: number;
  closed_handshake?: number;
  uptime_ms?: number;
  /** Only of a server that has one. */
  journal?: JournalMetrics;
  /** Only of a node. */
  cluster?: ClusterMetrics;
}

export interface Probes {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Rates {
  receivedPerS: number;
  processedPerS: number;
  droppedPerS: number;
  journal?: JournalRates;
  cluster?: ClusterRates;
}

/** `silent`: it is there, and does not answer. `gone`: it is not there. `foreign`: it speaks something else. */
export type State = 'ok' | 'degraded' | 'draining' | 'silent' | 'gone' | 'foreign';

export interface Look {
  /** Since 1970. */
  atMs: number;
  address: string;
  state: State;
  /** Why it is gone, or what it said that is foreign; for how long it has been silent. */
  why: string | undefined;
  /** Of a server that has none: undefined. */
  metrics: Metrics | undefined;
  /** Since the look before; undefined in the first, and after a start of the server. */
  rates: Rates | undefined;
  /** Of the last ten seconds; undefined if there was no answer. */
  probes: Probes | undefined;
  /** Of the probes since the look before, answered or not. */
  slowestMs: number | undefined;
}

/** Undefined if the reply is not one to `metrics`. The server is not trusted: what is no figure is left out. */
export function readMetrics(reply: string): Metrics | undefined {
  let said: unknown;
  try {
    said = JSON.parse(reply);
  } catch {
    return undefined;
  }
  if (!isRecord(said)) return undefined;
  const figures = named(said).filter(([name, value]) => isShaped(name, value));
  const metrics = Object.fromEntries(
    figures.map(([name, value]) => [name, figuresOf(value)]),
  ) as Partial<Metrics>;
  const { received, processed, dropped, ring_slots: slots } = metrics;
  if (received === undefined || processed === undefined || dropped === undefined) return undefined;
  // Rings without a place hold nothing, and their depth is no share of them.
  if (slots !== undefined && slots < 1) delete metrics.ring_slots;
  const journal = readJournal(said.journal, isFigure);
  const cluster = readCluster(said.cluster, isFigure);
  return {
    ...metrics,
    ...{ received, processed, dropped },
    ...(journal && { journal }),
    ...(cluster && { cluster }),
  };
}

/** Metrics, or the word of a server that has none. */
export function isOfProtocol(reply: string): boolean {
  return readMetrics(reply) !== undefined || reply.startsWith('{"status":"error"');
}

/** A count of events, or a time in ms: what a double holds exactly, so that it has 16 digits and no hundreds. */
function isFigure(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Its entries, without names that are no words of the protocol. */
function named(record: Record<string, unknown>): [string, unknown][] {
  return Object.entries(record).filter(([name]) => /^\w+$/.test(name));
}

/** Figures, but for the depth of each ring, and the refused by their reasons. A journal and a cluster are read apart. */
function isShaped(name: string, value: unknown): boolean {
  if (name === 'journal' || name === 'cluster') return false;
  if (name === 'ring_depths') return Array.isArray(value) && value.every(isFigure);
  return name === 'refused' ? isRecord(value) : isFigure(value);
}

function figuresOf(value: unknown): unknown {
  return isRecord(value) ? Object.fromEntries(named(value).filter(([, each]) => isFigure(each))) : value;
}

/** Undefined if the reply is none to `health`. */
export function readHealth(reply: string): 'ok' | 'degraded' | 'draining' | undefined {
  const status = /^\{"status":"(ok|degraded|draining)"\}\r?$/.exec(reply)?.[1];
  return status as 'ok' | 'degraded' | 'draining' | undefined;
}

/** Undefined if the counts went back: another server listens there now. */
export function ratesOf(before: Metrics, now: Metrics, elapsedMs: number): Rates | undefined {
  const journal = before.journal && now.journal && journalRatesOf(before.journal, now.journal, elapsedMs);
  const cluster = before.cluster && now.cluster && clusterRatesOf(before.cluster, now.cluster, elapsedMs);
  const perS = (key: 'received' | 'processed' | 'dropped') =>
    (1_000 * (now[key] - before[key])) / Math.max(1, elapsedMs);
  const rates = {
    receivedPerS: perS('received'),
    processedPerS: perS('processed'),
    droppedPerS: perS('dropped'),
  };
  if (Object.values(rates).some(rate => rate < 0)) return undefined;
  return { ...rates, ...(journal && { journal }), ...(cluster && { cluster }) };
}

export function probesOf(latenciesMs: readonly number[]): Probes | undefined {
  if (latenciesMs.length === 0) return undefined;
  return {
    count: latenciesMs.length,
    p50Ms: quantileOf(latenciesMs, 0.5),
    p99Ms: quantileOf(latenciesMs, 0.99),
    maxMs: quantileOf(latenciesMs, 1),
  };
}
