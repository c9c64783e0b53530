/** What the threads of a run measured, added up. */
import type { Histogram } from 'hdr-histogram-js';
import { count } from '../../cli/terminal/numbers.ts';
import type { ThreadOutcome } from './messages.ts';
import { commonOutages } from './outages.ts';
import type { LoadPlan } from './plan.ts';
import {
  addEncoded,
  type Encoded,
  INTERVAL_MS,
  type IntervalCounts,
  newHistogram,
  percentilesOf,
} from './recorder.ts';
import { type Interval, type Latency, type LoadResult, VERDICTS, type Verdict } from './result.ts';
import { Schedule } from './schedule.ts';

type ByVerdict = Partial<Record<Verdict, Histogram>>;

export interface Sums {
  counts: Pick<
    LoadResult,
    | 'sent'
    | 'answered'
    | 'accepted'
    | 'ok'
    | 'busy'
    | 'refused'
    | 'insufficient'
    | 'errors'
    | 'echoed'
    | 'reasons'
    | 'resent'
    | 'unknown'
    | 'unknownWarmup'
    | 'unsent'
    | 'late'
    | 'elapsedS'
    | 'ratePerS'
    | 'targetPerS'
    | 'connections'
    | 'outages'
  >;
  corrected: ByVerdict;
  uncorrected: ByVerdict;
  problems: string[];
}

/** `isCutShort`: the generator itself hung up, so that it is no news that lines were not answered. */
export function sumUp(plan: LoadPlan, outcomes: readonly ThreadOutcome[], isCutShort: boolean): Sums {
  const sum = (of: (outcome: ThreadOutcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const verdict = (name: Verdict) => sum(({ recorded }) => recorded.counts[VERDICTS.indexOf(name)]!);
  const answered = VERDICTS.reduce((total, name) => total + verdict(name), 0);
  const lost = addMaps(outcomes.map(outcome => outcome.lost));
  const lostCount = [...lost.values()].reduce((total, value) => total + value, 0);
  const elapsedS = Math.max(...outcomes.map(outcome => outcome.measuredMs)) / 1_000;
  const unknown = sum(outcome => outcome.unknown);
  const unknownWarmup = sum(outcome => outcome.unknownWarmup);
  // Who wants lost connections opened again expects lines without an answer on them, unless these are sent again.
  const isExpected = plan.reconnect && !plan.work.ids;
  const missing = unknown - (isExpected ? sum(outcome => outcome.unknownLost) : 0);
  const missingWarmup = unknownWarmup - (isExpected ? sum(outcome => outcome.unknownLostWarmup) : 0);
  // A server that is killed may be on its way back.
  const isGone =
    plan.reconnect &&
    plan.server?.killEveryMs === undefined &&
    !isCutShort &&
    sum(outcome => outcome.open) === 0;
  const stagesS = (plan.stages ?? []).reduce((total, stage) => total + stage.durationMs, 0) / 1_000;
  return {
    counts: {
      sent: sum(outcome => outcome.sent),
      answered,
      accepted: verdict('accepted'),
      ok: verdict('ok'),
      busy: verdict('busy'),
      refused: verdict('refused'),
      insufficient: verdict('insufficient'),
      errors: verdict('error'),
      echoed: verdict('echoed'),
      reasons: Object.fromEntries(addMaps(outcomes.map(outcome => outcome.reasons))),
      resent: sum(outcome => outcome.resent),
      unknown,
      unknownWarmup,
      unsent: sum(outcome => outcome.unsent),
      late: sum(outcome => outcome.late),
      elapsedS,
      ratePerS: elapsedS > 0 ? sum(outcome => outcome.inTime) / elapsedS : 0,
      targetPerS: plan.stages === undefined ? undefined : new Schedule(plan.stages).lines / stagesS,
      connections: {
        opened: plan.connections,
        lost: lostCount + sum(outcome => outcome.hungUp),
        reopened: sum(outcome => outcome.reopened),
      },
      outages: commonOutages(outcomes.map(outcome => outcome.outages)).map(({ fromMs, untilMs }) => ({
        atS: round(fromMs / 1_000),
        ms: untilMs === Number.POSITIVE_INFINITY ? null : round(untilMs - fromMs),
      })),
    },
    corrected: merge(outcomes.map(outcome => outcome.recorded.corrected)),
    uncorrected: merge(outcomes.map(outcome => outcome.recorded.uncorrected)),
    problems: [
      ...(isGone ? [`the server was gone: no connection could be opened again`] : []),
      ...(plan.reconnect ? [] : [...lost]).map(([why, times]) =>
        times === 1
          ? why
          : why.replace('a connection', `${count(times)} of ${count(plan.connections)} connections`),
      ),
      ...(missing > 0 && !isCutShort ? [unansweredLine(plan, missing, lostCount)] : []),
      ...(answered === 0 && lostCount > 0 && !plan.tls && !plan.reconnect && !isCutShort
        ? ['no line was answered; does the server speak TLS? (--tls)']
        : []),
      ...(missingWarmup > 0 && !isCutShort
        ? [`${count(missingWarmup)} lines of the warm-up were not answered`]
        : []),
    ],
  };
}

/** What timers tell of it: thousandths. */
export function round(value: number): number {
  return Number(value.toFixed(3));
}

function unansweredLine(plan: LoadPlan, unknown: number, lostCount: number): string {
  const lines = unknown === 1 ? '1 line was' : `${count(unknown)} lines were`;
  return lostCount > 0
    ? `${lines} sent and never answered`
    : `${lines} sent and not answered within ${plan.graceMs / 1_000} s of the last one`;
}

function addMaps(maps: readonly [string, number][][]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, value] of maps.flat()) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
}

function merge(threads: readonly (Encoded | undefined)[][]): ByVerdict {
  const merged: ByVerdict = {};
  for (const thread of threads) {
    thread.forEach((encoded, index) => {
      if (encoded === undefined) return;
      merged[VERDICTS[index]!] ??= newHistogram();
      addEncoded(merged[VERDICTS[index]!]!, encoded);
    });
  }
  return merged;
}

/** Of all replies together. */
export function total(byVerdict: ByVerdict): Histogram {
  const all = newHistogram();
  for (const histogram of Object.values(byVerdict)) all.add(histogram as Parameters<Histogram['add']>[0]);
  return all;
}

export function latencyOf(byVerdict: ByVerdict): Latency {
  const entries = Object.entries(byVerdict).map(([name, histogram]) => [name, percentilesOf(histogram)]);
  return { ...percentilesOf(total(byVerdict)), byVerdict: Object.fromEntries(entries) };
}

/** The seconds of all threads, as seconds of the run, from the first to the last in which there was a reply. */
export function mergeIntervals(parts: readonly IntervalCounts[]): Interval[] {
  const byIndex = new Map<number, IntervalCounts[]>();
  for (const part of parts) byIndex.set(part.index, [...(byIndex.get(part.index) ?? []), part]);
  const first = Math.min(...byIndex.keys());
  const seconds = byIndex.size === 0 ? 0 : Math.max(...byIndex.keys()) - first + 1;
  return Array.from({ length: seconds }, (_, second) => {
    const ofIt = byIndex.get(first + second) ?? [];
    const latency = newHistogram();
    for (const part of ofIt) addEncoded(latency, part.latency);
    const { p50, p99 } = percentilesOf(latency);
    const sum = (key: 'answered' | 'busy' | 'errors') => ofIt.reduce((all, part) => all + part[key], 0);
    return {
      atS: ((first + second) * INTERVAL_MS) / 1_000,
      answered: sum('answered'),
      busy: sum('busy'),
      errors: sum('errors'),
      ratePerS: sum('answered') / (INTERVAL_MS / 1_000),
      p50Ms: p50,
      p99Ms: p99,
    };
  });
}
