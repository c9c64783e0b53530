/** A look at a server: what it said of itself, and how long its health took. Pure: replies in, figures out. */
import { quantileOf } from './prober.ts';

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
  uptime_ms?: number;
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

/** Undefined if the reply is none to `metrics`. */
export function readMetrics(reply: string): Metrics | undefined {
  let metrics: Partial<Metrics> | null;
  try {
    metrics = JSON.parse(reply) as Partial<Metrics> | null;
  } catch {
    return undefined;
  }
  const counts = [metrics?.received, metrics?.processed, metrics?.dropped];
  return counts.every(value => typeof value === 'number') ? (metrics as Metrics) : undefined;
}

/** Undefined if the reply is none to `health`. */
export function readHealth(reply: string): 'ok' | 'degraded' | 'draining' | undefined {
  const status = /^\{"status":"(ok|degraded|draining)"\}\r?$/.exec(reply)?.[1];
  return status as 'ok' | 'degraded' | 'draining' | undefined;
}

/** Undefined if the counts went back: another server listens there now. */
export function ratesOf(before: Metrics, now: Metrics, elapsedMs: number): Rates | undefined {
  const perS = (key: 'received' | 'processed' | 'dropped') =>
    (1_000 * (now[key] - before[key])) / Math.max(1, elapsedMs);
  const rates = {
    receivedPerS: perS('received'),
    processedPerS: perS('processed'),
    droppedPerS: perS('dropped'),
  };
  return Object.values(rates).some(rate => rate < 0) ? undefined : rates;
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
