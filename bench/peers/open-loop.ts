/**
 * Loads whose lines leave on schedule, as those of real users, however slow the server is: for latencies, and equal
 * rates.
 */

import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan, type Pace } from '../../src/tools/load/plan.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import type { Size } from '../bench.ts';
import type { Figure } from '../rounds.ts';
import type { Subject } from './subjects.ts';
import { SpoiltError, USERS } from './trial.ts';

const MEASURED_MS: Record<Size, number> = { small: 300, full: 3_000 };
const WARMUP_MS: Record<Size, number> = { small: 100, full: 1_000 };
/** And so many lines a connection: its first one costs more, and of many connections the last comes late to it. */
const WARMUP_LINES: Record<Size, number> = { small: 1, full: 4 };
/** Thousands of connections take seconds to open. */
const CONNECT_MS = 30_000;
/** Of the rate. What is missing was not sent, or not answered in its time. One stall is much of a small run. */
const REACHED_MIN: Record<Size, number> = { small: 0.1, full: 0.99 };

export interface OpenLoad {
  connections: number;
  /** Lines that a connection may have under way. */
  depth: number;
  /** Of all connections together. */
  ratePerS: number;
  /** `precise` takes a core to itself. */
  pace?: Pace;
}

export function openPlan(port: number, server: Subject, load: OpenLoad, size: Size): LoadPlan {
  const warmLinesMs = (1_000 * WARMUP_LINES[size] * load.connections) / load.ratePerS;
  return {
    ...DEFAULT_PLAN,
    port,
    protocol: server.protocol,
    connections: load.connections,
    pipeline: load.depth,
    pace: load.pace ?? DEFAULT_PLAN.pace,
    stages: [{ durationMs: MEASURED_MS[size], fromPerS: load.ratePerS, toPerS: load.ratePerS }],
    warmupMs: Math.max(WARMUP_MS[size], warmLinesMs),
    connectMs: CONNECT_MS,
    work: { ...DEFAULT_WORK, users: USERS },
    checkBalances: server.keepsMoney,
  };
}

/**
 * Throws if too much of the load was not sent: there is no figure then. Lines that left late are fine: the corrected
 * percentiles count from when they should have left.
 */
export function checkSent(
  { unsent, ratePerS, targetPerS = 0 }: LoadResult,
  server: Subject,
  size: Size,
): void {
  if (unsent === 0 && ratePerS >= REACHED_MIN[size] * targetPerS) return;
  throw new SpoiltError(
    `${server.name}: too slow, machine or server, for ${perS(targetPerS)}: ${perS(ratePerS)} reached, ${unsent} lines unsent`,
  );
}

export function perS(rate: number): string {
  return `${Math.round(rate).toLocaleString('en-US')}/s`;
}

/** From when a line should have left to its reply. */
export function latencyFigures({ latencyMs: { corrected } }: LoadResult): Figure[] {
  const { p50, p99, p999 } = corrected;
  return Object.entries({ p50, p99, 'p99.9': p999 }).flatMap(([percentile, value]): Figure[] =>
    value === null ? [] : [{ unit: `ms until answered, ${percentile}`, better: 'lower', value }],
  );
}
