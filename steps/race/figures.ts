/** What a race found, lap by lap and in sum. Times carry their unit in their name. */

import { quantileOf } from '../../src/tools/harness/samples.ts';
import type { Verdict } from '../../src/tools/load/result.ts';
import type { Delay } from './delay.ts';
import type { RaceLoad } from './load.ts';
import type { Racer } from './racer.ts';

/** A server's turn under load. */
export interface Lap {
  sent: number;
  /** Accepted, or applied and so answered `ok`. */
  taken: number;
  /** `server_busy`. */
  busy: number;
  /** Everything else that was answered: errors, other refusals. */
  other: number;
  /** Sent and not answered. */
  unknown: number;
  /** From the first line to the last reply, and until what was accepted had been applied. */
  elapsedMs: number;
  p99Ms: Partial<Record<Verdict, number>>;
  healthMs: number[];
  eventLoopDelayMs: Delay | undefined;
  problems: string[];
}

/** The sum of the balances beside what was accepted, from the first line of the first lap on. */
export interface MoneyCount {
  acceptedEvents: number;
  acceptedAmount: number;
  balances: number;
  lostEvents: number;
  lostAmount: number;
  surplusAmount: number;
}

/** What a witness of the path saw in a server that was started anew. */
export interface Seen {
  isPresent: boolean;
  evidence: Record<string, number | string | boolean>;
}

export interface LaneResult {
  subject: Racer;
  sent: number;
  taken: number;
  refused: number;
  refusedPercent: number;
  unknown: number;
  /** Events taken, by the time until the last of them was applied. */
  donePerS: number;
  /** By what was answered: the median of the laps. */
  p99Ms: Partial<Record<Verdict, number>>;
  /** Of the race's own questions; undefined if there was not one answer. */
  health: { count: number; p50Ms: number; p99Ms: number; maxMs: number } | undefined;
  /** The median and the highest of the laps. */
  eventLoopDelayMs: Delay | undefined;
  money: MoneyCount | undefined;
  witness: Seen | undefined;
  laps: Omit<Lap, 'healthMs'>[];
  problems: string[];
}

export interface RaceResult {
  schema: 1;
  subjects: [Racer, Racer];
  pain: number;
  load: RaceLoad;
  lanes: [LaneResult, LaneResult];
  verdict: string;
  /** Undefined where nothing shows. */
  why: string | undefined;
}

/** Of the laps so far. */
export function laneResult(
  subject: Racer,
  laps: readonly Lap[],
  money?: MoneyCount,
  witness?: Seen,
): LaneResult {
  const sum = (of: (lap: Lap) => number) => laps.reduce((total, lap) => total + of(lap), 0);
  const sent = sum(lap => lap.sent);
  const busy = sum(lap => lap.busy);
  const elapsedMs = sum(lap => lap.elapsedMs);
  const healthMs = laps.flatMap(lap => lap.healthMs);
  const delays = laps.flatMap(lap => lap.eventLoopDelayMs ?? []);
  const verdicts = [...new Set(laps.flatMap(lap => Object.keys(lap.p99Ms) as Verdict[]))];
  return {
    subject,
    sent,
    taken: sum(lap => lap.taken),
    refused: busy,
    refusedPercent: sent === 0 ? 0 : (100 * busy) / sent,
    unknown: sum(lap => lap.unknown),
    donePerS: elapsedMs === 0 ? 0 : (1_000 * sum(lap => lap.taken)) / elapsedMs,
    p99Ms: Object.fromEntries(
      verdicts.map(verdict => [verdict, medianOf(laps.flatMap(lap => lap.p99Ms[verdict] ?? []))]),
    ),
    health:
      healthMs.length === 0
        ? undefined
        : {
            count: healthMs.length,
            p50Ms: quantileOf(healthMs, 0.5),
            p99Ms: quantileOf(healthMs, 0.99),
            maxMs: quantileOf(healthMs, 1),
          },
    eventLoopDelayMs:
      delays.length === 0
        ? undefined
        : {
            p99: medianOf(delays.map(delay => delay.p99)),
            max: Math.max(...delays.map(delay => delay.max)),
          },
    money,
    witness,
    laps: laps.map(({ healthMs: _, ...lap }) => lap),
    problems: laps.flatMap(lap => lap.problems),
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
