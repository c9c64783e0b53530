/**
 * One trial of a server: started for it alone, warmed up, loaded by the project's own generator, its answers and its
 * money checked, stopped.
 *
 * A server lives for one trial. If it lived for the whole bench, its figures would depend on how its code happened to
 * be compiled under the first load, and on the heap left by earlier trials; and the others would share the machine
 * with it. So each sample comes from a new process, and the spread includes that variation.
 */

import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan, type Mix } from '../../src/tools/load/plan.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { runLoad } from '../../src/tools/load/run.ts';
import type { Size } from '../bench.ts';
import type { Figure, Trial } from '../rounds.ts';
import type { PeerProcess } from './process.ts';
import type { Subject } from './subjects.ts';

export const CONNECTIONS = 50;
export const USERS = 10_000;
const DEPTHS: Record<Size, number[]> = { small: [16], full: [1, 16, 128, 1024] };
export const MEASURED_MS: Record<Size, number> = { small: 200, full: 2_000 };
const WARMUP_MS: Record<Size, number> = { small: 100, full: 500 };
export const ROUNDS: Record<Size, number> = { small: 1, full: 5 };
/** Enough that hardly a user is left out. */
const FILL_EVENTS = 10 * USERS;
/** Attempts for a spoilt trial: a machine that was busy for a moment spoils one trial, not the bench. */
const TRIES_MAX = 5;

/** What is sent, and what a trial of it is called. */
export interface Load {
  subject: string;
  mix: Mix;
  /** Lines of a file instead; with `error` all of them are wrong, and must be answered so. */
  replay?: { file: string; error: string | undefined };
  depth: number;
  /** What one of its lines is called in units. */
  noun: 'event' | 'line';
}

/** Part of the work was not done: lines were refused, or could not be sent or answered in time. */
export class SpoiltError extends Error {}

export function depthsOf(size: Size): number[] {
  return DEPTHS[size];
}

export function trialOf(server: Subject, load: Load, size: Size, say: (line: string) => void): Trial {
  const once = async (): Promise<Figure[]> => {
    const measured = await onFresh(server, async running => {
      const plan = planOf(running.port, server, load, size);
      if (!hasEvents(load.mix)) checkLoad(await fill(plan), server);
      return measure(plan, running.cpuSeconds);
    });
    checkLoad(measured.result, server, load.replay?.error);
    return figuresOf(measured, load.noun);
  };
  return { subject: load.subject, condition: `depth ${load.depth}`, run: () => untilSound(once, say) };
}

/** Starts the server, and stops it in any case. How it ended is part of the check. */
export async function onFresh<Found>(
  server: Subject,
  work: (running: PeerProcess) => Promise<Found>,
): Promise<Found> {
  const running = await server.start();
  let end: number | NodeJS.Signals;
  let found: Found;
  try {
    found = await work(running);
  } finally {
    end = await running.stop();
  }
  if (end !== server.endsWith) throw new Error(`${server.name} ended with ${end}, not ${server.endsWith}`);
  return found;
}

/** Repeats a spoilt trial, a few times. */
export async function untilSound<Found>(
  once: () => Promise<Found>,
  say: (line: string) => void,
): Promise<Found> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof SpoiltError) || attempt === TRIES_MAX) throw error;
      say(`${error.message}; again`);
    }
  }
}

export function planOf(port: number, server: Subject, { mix, replay, depth }: Load, size: Size): LoadPlan {
  return {
    ...DEFAULT_PLAN,
    port,
    protocol: server.protocol,
    connections: CONNECTIONS,
    pipeline: depth,
    warmupMs: WARMUP_MS[size],
    durationMs: MEASURED_MS[size],
    work: { ...DEFAULT_WORK, users: USERS, mix, replayFile: replay?.file },
    checkBalances: server.keepsMoney,
  };
}

function hasEvents({ buy, sell, wait }: Mix): boolean {
  return buy + sell + wait > 0;
}

/** Gives the users balances to ask for. */
function fill(plan: LoadPlan): Promise<LoadResult> {
  const work = { ...plan.work, mix: DEFAULT_WORK.mix };
  return runLoad({ ...plan, warmupMs: 0, durationMs: undefined, events: FILL_EVENTS, work });
}

export interface MeasuredLoad<Result = LoadResult> {
  result: Result;
  /**
   * The server's processor time from the end of the warm-up to the last reply. Work queued at the start is included,
   * work queued at the end is not: both are small compared with the load.
   */
  cpuS: number | undefined;
  /** Of the client, from and to the same moments. */
  clientCpuS: number | undefined;
}

/** Runs the load. `cpuSeconds` says how much processor time the server has used so far. */
export async function measure(plan: LoadPlan, cpuSeconds: () => number | undefined): Promise<MeasuredLoad> {
  const clocks = [cpuSeconds, ownCpuSeconds];
  let starts: (number | undefined)[] = [];
  let ends: (number | undefined)[] = [];
  const result = await runLoad(plan, {
    // The load runs in threads, so this timer is late by a millisecond or two of two thousand at most.
    onLoadStart: () => {
      setTimeout(() => {
        starts = clocks.map(clock => clock());
      }, plan.warmupMs);
    },
    // Before the money is read back: that is no part of the load.
    onLoadEnd: () => {
      ends = clocks.map(clock => clock());
    },
  });
  const [cpuS, clientCpuS] = clocks.map((_, clock) => difference(starts[clock], ends[clock]));
  return { result, cpuS, clientCpuS };
}

/** The generator's threads are threads of this process, which does nothing else meanwhile. */
function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Undefined if either is: the figure is left out then. */
export function difference(start: number | undefined, end: number | undefined): number | undefined {
  return start === undefined || end === undefined ? undefined : end - start;
}

/** Throws on wrong answers, which have no figure. With `error`, every line is invalid, and that must be the reason. */
export function checkLoad(result: LoadResult, server: Subject, error?: string): void {
  const { sent, answered, accepted, ok, busy, refused, errors, echoed, unknown, money, problems } = result;
  // The warm-up is counted in them.
  const reasons = Object.keys(result.reasons).join(', ');
  const complain = (what: string) => new Error(`${server.name}: ${what}`);
  if (busy + refused > 0)
    throw new SpoiltError(`${server.name} refused ${busy + refused} of ${sent} lines as busy or full`);
  if (problems.length > 0) throw complain(problems.join('; '));
  if (reasons !== (error ?? '')) throw complain(`it refused lines as ${reasons}, not ${error}`);
  const right = error === undefined ? accepted + ok : errors;
  if (echoed + unknown > 0 || sent !== answered || right !== answered)
    throw complain(
      `${sent} lines sent, ${answered} answered: ${accepted} accepted, ${ok} ok, ${errors} errors, ${unknown} unknown`,
    );
  if (answered === 0) throw new SpoiltError(`${server.name}: nothing was answered in time`);
  if (server.keepsMoney && money?.balanced !== true)
    throw complain(`the money is wrong: ${JSON.stringify(money)}`);
}

export function figuresOf(
  { result, cpuS }: { result: Pick<LoadResult, 'ratePerS' | 'answered'>; cpuS: number | undefined },
  noun: Load['noun'],
): Figure[] {
  const rate: Figure = { unit: `${noun}s/s`, better: 'higher', value: result.ratePerS };
  if (cpuS === undefined) return [rate];
  return [rate, { unit: `µs CPU/${noun}`, better: 'lower', value: (cpuS * 1e6) / result.answered }];
}
