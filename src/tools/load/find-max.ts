/**
 * The highest rate at which a server still holds a condition. Rates are tried for a few seconds each: doubled until
 * one fails, then the range between the last that held and the first that failed is halved until it is narrow. A rate
 * holds only if the lines really left at that rate.
 *
 * A machine has good and bad moments, and near the limit every run is luck. So a rate holds if it held in two runs of
 * three; only on the way up, far from the limit, one run is enough, and the last of those rates is tried again.
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
  /** Of the replies, how many were refusals for want of room or another reason. */
  refused: number;
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
const LOWEST_PER_S = 5;
const STEP_DOWN = 2;
const HIGHEST_PER_S = 20_000_000;
/** The range at which the search ends. */
const NARROW = 0.03;
/** Of the lines that were to leave, how many may not have left, and how many may be refused. */
const MISSING_MAX = 0.01;
/** So often a rate must fail to have failed. */
const FAILURES = 2;
const SURE = 2;
const QUICK = 1;

/** `run` measures one rate. Stops early, with what it knows, once `isStopped` says so or a run has problems. */
export async function findMax(
  condition: Condition,
  run: (ratePerS: number) => Promise<LoadResult>,
  say: (probe: Probe) => void,
  isStopped: () => boolean,
): Promise<MaxFound> {
  const found: MaxFound = { condition: condition.text, ratePerS: 0, probes: [], result: undefined };
  /** Tries a rate until it has held so often, or failed. */
  const holds = async (ratePerS: number, times: number): Promise<boolean> => {
    for (let failures = 0, held = 0; failures < FAILURES && !isStopped(); ) {
      const result = await run(ratePerS);
      // A run that was cut short says nothing.
      if (isStopped()) return false;
      const probe = judge(condition, ratePerS, result);
      found.probes.push(probe);
      say(probe);
      if (isBroken(result)) {
        found.result = result;
        return false;
      }
      if (!probe.holds) failures++;
      else if (++held === times) {
        found.ratePerS = ratePerS;
        found.result = result;
        return true;
      }
    }
    return false;
  };
  const isOver = () => isStopped() || (found.result !== undefined && isBroken(found.result));

  let low = 0;
  let high = FIRST_PER_S;
  while (high <= HIGHEST_PER_S && (await holds(high, QUICK))) {
    low = high;
    high *= 2;
  }
  // The last may have held by luck; or not even the first held. Downwards, until one surely does.
  if (low === 0 && !isOver()) low = high / STEP_DOWN;
  while (low >= LOWEST_PER_S && !isOver() && !(await holds(low, SURE))) {
    high = low;
    low /= STEP_DOWN;
  }
  if (low < LOWEST_PER_S) found.ratePerS = 0;
  while (found.ratePerS > 0 && (high - low) / high > NARROW && !isOver()) {
    const middle = Math.round((low + high) / 2);
    // Of rates this low there are not many.
    if (middle <= low || middle >= high) break;
    if (await holds(middle, SURE)) low = middle;
    else high = middle;
  }
  return found;
}

/** Lines that an overloaded server has not answered in time are no more than a rate that fails. */
function isBroken({ problems, unknown, unknownWarmup, connections }: LoadResult): boolean {
  const unanswered = (unknown > 0 ? 1 : 0) + (unknownWarmup > 0 ? 1 : 0);
  return problems.length > (connections.lost === 0 ? unanswered : 0);
}

function judge(condition: Condition, ratePerS: number, result: LoadResult): Probe {
  const value = condition.figureOf(result);
  const due = result.sent + result.unsent;
  const isDone = result.unsent <= MISSING_MAX * due && result.unknown + result.unknownWarmup === 0;
  // A refusal is quick: a server that refuses does not bear the rate, whatever its latency.
  const isServed = condition.of === 'count' || result.busy + result.refused <= MISSING_MAX * due;
  return {
    ratePerS,
    holds: isDone && isServed && value !== undefined && condition.isMet(value),
    value,
    reachedPerS: result.ratePerS,
    refused: result.busy + result.refused,
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
