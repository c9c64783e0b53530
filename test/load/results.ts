/** Results of runs that never took place, for the parts that judge results. */
import { DEFAULT_PLAN } from '../../src/tools/load/plan.ts';
import type { Interval, Latency, LoadResult, Money, Percentiles } from '../../src/tools/load/result.ts';

export function percentiles(p99: number, count = 1_000): Percentiles {
  return {
    count,
    min: p99 / 8,
    mean: p99 / 3,
    p50: p99 / 4,
    p90: p99 / 2,
    p99,
    p999: 2 * p99,
    p9999: 3 * p99,
    max: 4 * p99,
  };
}

export function latency(p99: number, byVerdict: Latency['byVerdict'] = {}): Latency {
  return { ...percentiles(p99), byVerdict };
}

export function interval(atS: number, ratePerS: number, p50Ms = 1, p99Ms = 4): Interval {
  return { atS, answered: ratePerS, busy: 0, errors: 0, ratePerS, p50Ms, p99Ms };
}

export const NO_MONEY_LOST: Money = {
  balanced: true,
  users: 10,
  acceptedEvents: 1_000,
  acceptedAmount: 50_000,
  transfers: 0,
  sumOffBy: 0,
  lostEvents: 0,
  lostAmount: 0,
  surplusEvents: 0,
  surplusAmount: 0,
  unknownEvents: 0,
  wrongUsers: [],
};

/** A clean closed loop of 1,000 lines a second, 10 seconds long. */
export function resultWith(fields: Partial<LoadResult> = {}): LoadResult {
  return {
    schema: 1,
    startedAt: '2025-01-01T00:00:00.000Z',
    command: 'tally load',
    machine: { cpu: 'none', cores: 2, memoryGiB: 4, system: 'none', node: 'v20.19.0' },
    seed: 1,
    plan: { ...DEFAULT_PLAN, port: 7878 },
    mode: 'closed',
    sent: 10_000,
    answered: 10_000,
    accepted: 10_000,
    ok: 0,
    busy: 0,
    refused: 0,
    insufficient: 0,
    errors: 0,
    echoed: 0,
    reasons: {},
    resent: 0,
    unknown: 0,
    unknownWarmup: 0,
    unsent: 0,
    late: 0,
    elapsedS: 10,
    ratePerS: 1_000,
    targetPerS: undefined,
    latencyMs: { corrected: latency(4), uncorrected: latency(4) },
    generator: { cpuS: 1, pace: 'closed loop' },
    connections: { opened: 50, lost: 0, reopened: 0 },
    outages: [],
    kills: [],
    money: undefined,
    intervals: Array.from({ length: 10 }, (_, second) => interval(second, 1_000)),
    problems: [],
    interrupted: false,
    conditions: [],
    ...fields,
  };
}
