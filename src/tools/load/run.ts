/**
 * A load run from the main thread's side: the script, the threads, their common start, what they report, the money,
 * and the result. Throws only if the run could not begin; whatever goes wrong later is a problem in the result.
 */
import type { Histogram } from 'hdr-histogram-js';
import { duration } from '../../cli/terminal/numbers.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { type Credentials, NO_CREDENTIALS } from '../harness/credentials.ts';
import { describeMachine } from '../harness/machine.ts';
import { newRunId } from './event-ids.ts';
import { monotonicMs, type ThreadOutcome } from './messages.ts';
import { checkMoney, type Expected, expectedFrom, moneyLine, readBalances } from './money.ts';
import { OwnServer } from './own-server.ts';
import type { LoadPlan } from './plan.ts';
import type { Interval, LoadResult } from './result.ts';
import { Schedule, withWarmup } from './schedule.ts';
import { writeScript } from './script.ts';
import { latencyOf, mergeIntervals, round, sumUp, total } from './sums.ts';
import { LoadThread } from './thread-handle.ts';

/** The run could not begin: no server, no connection, no balances. */
export class StartError extends Error {}

export interface Progress {
  /** Of the measurement; negative during the warm-up. */
  elapsedMs: number;
  durationMs: number | undefined;
  answered: number;
  busy: number;
  errors: number;
  /** The last complete second. */
  last: Interval | undefined;
}

export interface LoadHooks {
  /** Aborted: the run ends early, with its result. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Just before the first line leaves. */
  onLoadStart?: () => void;
  /** When the last reply has come, before the money is checked. */
  onLoadEnd?: () => void;
  /** The command line, for the result. */
  command?: string;
  credentials?: Credentials;
}

export interface LoadRun {
  result: LoadResult;
  /** All replies, as they can't be told in JSON. */
  corrected: Histogram;
  uncorrected: Histogram;
}

/** Threads need a moment to hear of the start. */
const START_MS = 20;
const PROGRESS_MS = 250;

export async function runLoad(plan: LoadPlan, hooks: LoadHooks = {}): Promise<LoadResult> {
  return (await runLoadWithHistograms(plan, hooks)).result;
}

export async function runLoadWithHistograms(plan: LoadPlan, hooks: LoadHooks = {}): Promise<LoadRun> {
  if (plan.server === undefined) return runOn(undefined, plan, hooks);
  const starting = OwnServer.start(plan.server, plan);
  const server = await unlessAborted(starting, hooks.signal).catch(error => {
    void starting.then(late => late.stop()).catch(() => {});
    throw error;
  });
  try {
    return await runOn(server, plan, hooks);
  } finally {
    await server.stop();
  }
}

async function runOn(server: OwnServer | undefined, plan: LoadPlan, hooks: LoadHooks): Promise<LoadRun> {
  const { script, names, hasOwnIds } = writeScript(plan.work, plan.protocol, plan.seed, linesMaxOf(plan));
  if (hasOwnIds && plan.checkBalances)
    throw new UsageError(
      `--replay ${plan.work.replayFile}: it is sent round and round, and lines with an id count once; the money can't be checked`,
    );
  const users = plan.checkBalances ? expectedFrom(script, names.length, [], []).users : [];
  const runId = plan.work.ids ? newRunId() : undefined;
  const { credentials = NO_CREDENTIALS } = hooks;
  const threads = Array.from(
    { length: plan.threads },
    (_, thread) => new LoadThread(plan, script, thread, runId, credentials),
  );
  const problems: string[] = [];
  try {
    // First the connections: what they say when there is no server is the clearer message.
    const ready = Promise.all(threads.map(thread => thread.ready));
    const before = await unlessAborted(
      ready.then(() => readBalances(plan, names, users, credentials)),
      hooks.signal,
    );
    const startedAt = new Date().toISOString();
    const stop = () => {
      for (const thread of threads) thread.tell({ type: 'stop' });
    };
    const fail = (what: string) => {
      if (problems.length === 0) problems.push(what);
      stop();
    };
    for (const thread of threads) thread.onWrong = fail;
    server?.onFailed(fail);
    hooks.signal?.addEventListener('abort', stop, { once: true });
    hooks.onLoadStart?.();
    const cpu = process.cpuUsage();
    const startMs = monotonicMs() + START_MS;
    for (const thread of threads) thread.tell({ type: 'start', atMs: startMs });
    server?.killFrom(startMs + plan.warmupMs + (plan.server?.killEveryMs ?? 0), monotonicMs);
    const progress = setInterval(
      () => hooks.onProgress?.(progressOf(plan, threads, monotonicMs() - startMs - plan.warmupMs)),
      PROGRESS_MS,
    );
    let outcomes: ThreadOutcome[];
    try {
      await Promise.all(threads.map(thread => thread.quiet));
      await server?.settle();
      hooks.onLoadEnd?.();
      outcomes = await Promise.all(threads.map(thread => thread.done));
    } finally {
      clearInterval(progress);
      hooks.signal?.removeEventListener('abort', stop);
    }
    const { user, system } = process.cpuUsage(cpu);
    const isInterrupted = hooks.signal?.aborted ?? false;
    const summed = sumUp(plan, outcomes, problems.length > 0);
    problems.push(...summed.problems, ...unkilled(plan, server, isInterrupted));
    const result: LoadResult = {
      schema: 1,
      startedAt,
      command: hooks.command ?? '',
      machine: describeMachine(),
      seed: plan.seed,
      plan,
      mode: plan.stages === undefined ? 'closed' : 'open',
      ...summed.counts,
      latencyMs: {
        corrected: latencyOf(summed.corrected),
        uncorrected: latencyOf(summed.uncorrected),
      },
      generator: { cpuS: (user + system) / 1e6, pace: plan.stages === undefined ? 'closed loop' : plan.pace },
      kills: (server?.kills ?? []).map(({ atMs, downMs }) => ({
        atS: round((atMs - startMs - plan.warmupMs) / 1_000),
        downMs: downMs === undefined ? null : round(downMs),
      })),
      money: undefined,
      intervals: mergeIntervals(threads.flatMap(thread => thread.intervals)),
      problems,
      interrupted: isInterrupted,
      conditions: [],
    };
    if (plan.checkBalances && server?.failure !== undefined)
      problems.push('the money could not be checked: there is no server');
    else if (plan.checkBalances) {
      const accepted = outcomes.map(outcome => outcome.accepted);
      const unanswered = outcomes.map(outcome => outcome.unanswered);
      const expected = expectedFrom(script, names.length, accepted, unanswered);
      await addMoney(result, names, expected, before, credentials);
    }
    return { result, corrected: total(summed.corrected), uncorrected: total(summed.uncorrected) };
  } finally {
    await Promise.all(threads.map(thread => thread.terminate()));
  }
}

/** How many lines the run can send: a short one need not wait for a long script. */
function linesMaxOf({ stages, warmupMs, events }: LoadPlan): number | undefined {
  if (stages !== undefined) return Math.max(1, new Schedule(withWarmup(stages, warmupMs)).lines);
  return warmupMs === 0 ? events : undefined;
}

/** What is waited for before the load begins: any failure there means that it can't. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Error('ended before the load began'));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function addMoney(
  result: LoadResult,
  names: readonly string[],
  expected: Expected,
  before: Float64Array,
  credentials: Credentials,
): Promise<void> {
  try {
    result.money = await checkMoney(result.plan, names, expected, before, credentials);
    if (result.money.balanced) return;
    const doubt = result.money.lostEvents > 0 && result.kills.length > 0 ? KEEPS : '';
    result.problems.push(`the money is wrong: ${moneyLine(result.money)}${doubt}`);
  } catch (error) {
    result.problems.push(error instanceof Error ? error.message : String(error));
  }
}

const KEEPS = '. The server was killed: does it keep what it has accepted? (tally serve --data DIR does)';

/** A run that was to show what a kill does, and had none, has shown nothing. */
function unkilled(plan: LoadPlan, server: OwnServer | undefined, isInterrupted: boolean): string[] {
  const { killEveryMs } = plan.server ?? {};
  if (killEveryMs === undefined || isInterrupted || server!.kills.length > 0) return [];
  return [`the load was over before the server was killed (--kill-every ${duration(killEveryMs)})`];
}

function progressOf(plan: LoadPlan, threads: readonly LoadThread[], elapsedMs: number): Progress {
  const sum = (key: 'answered' | 'busy' | 'errors') =>
    threads.reduce((total, thread) => total + thread.latest[key], 0);
  const stagesMs = plan.stages?.reduce((total, stage) => total + stage.durationMs, 0);
  return {
    elapsedMs,
    durationMs: stagesMs ?? plan.durationMs,
    answered: sum('answered'),
    busy: sum('busy'),
    errors: sum('errors'),
    last: lastSecond(threads),
  };
}

/** The last second that every thread has completed. */
function lastSecond(threads: readonly LoadThread[]): Interval | undefined {
  const index = Math.min(...threads.map(thread => thread.intervals.at(-1)?.index ?? -1));
  if (index < 0) return undefined;
  const ofIt = threads.flatMap(thread => thread.intervals.filter(interval => interval.index === index));
  return mergeIntervals(ofIt)[0];
}
