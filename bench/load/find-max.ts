/**
 * The highest rate at which a server still holds a condition. Rates are tried for a few seconds each: doubled until
 * one fails, then the range between the last that held and the first that failed is halved until it is narrow. A rate
 * holds only if the lines really left at that rate.
 *
 * A machine has bad moments, and one of them must not end the search: a rate that fails is tried again, and has failed
 * when it has failed twice.
 */
import type { Condition } from './conditions.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadResult } from './result.ts';

export interface Probe {
  ratePerS: number;
  holds: boolean;
  /** What it is judged by; undefined if the run has no such figure. */
  value: number | undefined;
  /** Replies a second that came. */
  reachedPerS: number;
}

export interface MaxFound {
  condition: string;
  /** 0: not even the lowest rate held it. */
  ratePerS: number;
  probes: Probe[];
  /** The run at that rate; undefined if there is none. */
  result: LoadResult | undefined;
}

const FIRST_PER_S = 1_000;
const LOWEST_PER_S = 10;
const HIGHEST_PER_S = 20_000_000;
/** The range at which the search ends. */
const NARROW = 0.03;
/** Lines that did not leave within the time, of those that were to. */
const MISSING_MAX = 0.01;
const TRIES = 2;

/** `run` measures one rate. Stops early, with what it knows, once `isStopped` says so or a run has problems. */
export async function findMax(
  condition: Condition,
  run: (ratePerS: number) => Promise<LoadResult>,
  say: (probe: Probe) => void,
  isStopped: () => boolean,
): Promise<MaxFound> {
  const found: MaxFound = { condition: condition.text, ratePerS: 0, probes: [], result: undefined };
  const holds = async (ratePerS: number): Promise<boolean> => {
    for (let attempt = 0; attempt < TRIES && !isStopped(); attempt++) {
      const result = await run(ratePerS);
      const probe = judge(condition, ratePerS, result);
      found.probes.push(probe);
      say(probe);
      if (result.problems.length > 0) {
        found.result = result;
        return false;
      }
      if (!probe.holds) continue;
      found.ratePerS = ratePerS;
      found.result = result;
      return true;
    }
    return false;
  };
  const hasProblem = () => (found.result?.problems.length ?? 0) > 0;

  let low = 0;
  let high = FIRST_PER_S;
  while (high <= HIGHEST_PER_S && (await holds(high))) {
    low = high;
    high *= 2;
  }
  // Not even the first: downwards, until one holds.
  while (low === 0 && high > LOWEST_PER_S && !isStopped() && !hasProblem()) {
    const lower = high / 4;
    if (await holds(lower)) low = lower;
    else high = lower;
  }
  while (low > 0 && (high - low) / high > NARROW && !isStopped() && !hasProblem()) {
    const middle = Math.round((low + high) / 2);
    // Of rates this low there are not many.
    if (middle <= low || middle >= high) break;
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return found;
}

function judge(condition: Condition, ratePerS: number, result: LoadResult): Probe {
  const value = condition.figureOf(result);
  const due = result.sent + result.unsent;
  const isSent = result.unsent + result.unknown <= MISSING_MAX * due;
  return {
    ratePerS,
    holds: isSent && value !== undefined && condition.isMet(value),
    value,
    reachedPerS: result.ratePerS,
  };
}

/** The plan of one probe. */
export function atRate(plan: LoadPlan, ratePerS: number, durationMs: number): LoadPlan {
  return {
    ...plan,
    stages: [{ durationMs, fromPerS: ratePerS, toPerS: ratePerS }],
    durationMs,
    events: undefined,
  };
}
