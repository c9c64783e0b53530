/**
 * What a load run found, as it is written by `--json`. The documented schema: docs/load.md. Times carry their unit
 * in their name; counts are of lines, and leave the warm-up out.
 */
import type { Machine } from '../harness/machine.ts';
import type { LoadPlan } from './plan.ts';

/** In which a reply is counted, so that fast refusals do not flatter the rest. */
export const VERDICTS = ['accepted', 'ok', 'busy', 'refused', 'insufficient', 'error', 'echoed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Without a reply there is a count of 0, and no value. */
export interface Percentiles {
  count: number;
  min: number | null;
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  p999: number | null;
  p9999: number | null;
  max: number | null;
}

export interface Latency extends Percentiles {
  byVerdict: Partial<Record<Verdict, Percentiles>>;
}

/** One second of the run (the last one may be shorter), by when the reply came. Without replies it has no latencies. */
export interface Interval {
  atS: number;
  answered: number;
  busy: number;
  errors: number;
  ratePerS: number;
  p50Ms: number | null;
  p99Ms: number | null;
}

/** The check of the balances against what was accepted, the warm-up included. */
export interface Money {
  balanced: boolean;
  users: number;
  acceptedEvents: number;
  /** The sum of the amounts that were accepted, whichever way they went. */
  acceptedAmount: number;
  /** Transfers among these events. */
  transfers: number;
  /** By how much the sum of all balances is not what the other events make it: no transfer changes that. */
  sumOffBy: number;
  lostEvents: number;
  lostAmount: number;
  /** Applied without having been accepted, or applied twice. */
  surplusEvents: number;
  surplusAmount: number;
  /** Sent and not answered: may or may not have been applied. */
  unknownEvents: number;
  /** Some of the users whose balance is wrong. */
  wrongUsers: { user: string; expected: number; actual: number }[];
}

export interface LoadResult {
  schema: 1;
  startedAt: string;
  command: string;
  machine: Machine;
  seed: number;
  plan: LoadPlan;
  mode: 'open' | 'closed';
  sent: number;
  answered: number;
  accepted: number;
  ok: number;
  /** `server_busy`. */
  busy: number;
  /** Rejections for any other reason. */
  refused: number;
  /** `insufficient_balance`. */
  insufficient: number;
  errors: number;
  /** Replies that were the line itself (the first two steps). */
  echoed: number;
  /** Rejections and errors by the reason that the server gave. */
  reasons: Record<string, number>;
  /** Times that a line was sent again, with `--ids`. */
  resent: number;
  /** Sent and not answered. */
  unknown: number;
  /** The same of the warm-up. */
  unknownWarmup: number;
  /** Open loop: due and never sent. The percentiles can't contain them. */
  unsent: number;
  /** Open loop: sent more than 2 ms after they were due, for whatever reason. */
  late: number;
  /** What was measured: the time that was asked for; up to the last reply where lines ran out, or it was ended. */
  elapsedS: number;
  /** Replies a second in that time. */
  ratePerS: number;
  /** Open loop: lines a second that were asked for, on average. */
  targetPerS: number | undefined;
  latencyMs: {
    /** From when a line should have left. In a closed loop there is no such time: equal to the uncorrected. */
    corrected: Latency;
    /** From when it left. */
    uncorrected: Latency;
  };
  /** Of the generator itself. */
  generator: { cpuS: number; pace: string };
  /** Lost and opened again: how often. */
  connections: { opened: number; lost: number; reopened: number };
  /** With `--reconnect`: when no connection was open, and how long it took from then to a reply (null: none came). */
  outages: { atS: number; ms: number | null }[];
  /** With `--kill-every`: when the server was killed, and after how long it listened again (null: it did not). */
  kills: { atS: number; downMs: number | null }[];
  money: Money | undefined;
  intervals: Interval[];
  /** Sentences: what went wrong. None: the run was clean. */
  problems: string[];
  /** Ended by Ctrl+C. */
  interrupted: boolean;
  conditions: { condition: string; met: boolean; value: number | null }[];
}
