/** The arguments of `tally race`, read and checked, with one line for each mistake. */

import { readCount, readDurationMs } from '../../src/cli/terminal/numbers.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { readArgs, UsageError } from '../../src/cli/terminal/usage.ts';
import { STEPS } from '../kit/manifest.ts';
import { lessonIn } from '../lesson-kit/lessons.ts';
import type { RaceLoad } from './load.ts';
import { type Matchup, matchupOf, RACERS } from './matchup.ts';
import { labelOf, lessonSubject, type Racer, takes } from './racer.ts';

export interface RaceOptions {
  subjects: [Racer, Racer];
  matchup: Matchup;
  load: RaceLoad;
  json: boolean;
}

const FLAGS = {
  duration: { type: 'string' },
  laps: { type: 'string' },
  rate: { type: 'string' },
  connections: { type: 'string' },
  pipeline: { type: 'string' },
  users: { type: 'string' },
  'work-us': { type: 'string' },
  'window-us': { type: 'string' },
  workers: { type: 'string' },
  queue: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const LAP_MS_MIN = 100;
const DURATION_MS_MAX = 600_000;
const RATE_MAX = 1_000_000;
/** The steps have room for 100,000. */
const USERS_MAX = 50_000;
const COST_US_MAX = 1_000_000;
const QUEUE_MAX = 65_536;

export function readOptions(args: string[]): RaceOptions {
  const { values, positionals } = readArgs('race', args, FLAGS);
  const subjects = readSubjects(positionals);
  const matchup = matchupOf(...subjects);
  const whole = (name: keyof typeof FLAGS, standard: number, min: number, max: number): number => {
    const text = values[name] as string | undefined;
    if (text === undefined) return standard;
    const value = readCount(text);
    if (value === undefined || !Number.isInteger(value) || value < min || value > max)
      throw new UsageError(
        `--${name} ${text} is not a whole number from ${min} to ${max.toLocaleString('en-US')}`,
      );
    return value;
  };
  const standard = matchup.load;
  const load: RaceLoad = {
    ...standard,
    ratePerS:
      values.rate === 'max' ? undefined : whole('rate', standard.ratePerS ?? 0, 1, RATE_MAX) || undefined,
    connections: whole('connections', standard.connections, 1, 2_000),
    pipeline: whole('pipeline', standard.pipeline, 1, 10_000),
    users: whole('users', standard.users, 1, USERS_MAX),
    workUs: whole('work-us', standard.workUs, 0, COST_US_MAX),
    windowUs: whole('window-us', standard.windowUs, 0, COST_US_MAX),
    workers: whole('workers', standard.workers, 1, 64),
    queue: whole('queue', standard.queue, 2, QUEUE_MAX),
    seed: whole('seed', standard.seed, 0, 2 ** 32 - 1),
    laps: whole('laps', standard.laps, 1, 20),
    durationMs: readDuration(values.duration, standard.durationMs),
  };
  if (load.durationMs < load.laps * LAP_MS_MIN)
    throw new UsageError(
      `${load.laps} laps in ${load.durationMs} ms are too short: a lap takes ${LAP_MS_MIN} ms at least`,
    );
  if (!Number.isInteger(Math.log2(load.queue)))
    throw new UsageError(
      `--queue ${load.queue} is not a power of two; the next is ${2 ** Math.ceil(Math.log2(load.queue))}`,
    );
  refuseForeign(subjects, values);
  return { subjects, matchup, load, json: values.json === true };
}

function readSubjects(words: string[]): [Racer, Racer] {
  if (words.length !== 2)
    throw new UsageError(
      `two servers are needed, as in tally race 4 5; ${listed(RACERS.map(String))} can race`,
    );
  const [one, other] = words.map(readSubject) as [Racer, Racer];
  if (one === other) throw new UsageError(`${labelOf(one)} beside itself: two different ones are needed`);
  const [lesson, others] = [one, other].map(subject => lessonSubject(subject)?.lesson.number);
  if (lesson !== others)
    throw new UsageError(
      `a lesson races with itself: tally race ${lesson ?? others} ${lesson ?? others}-right`,
    );
  return [one, other];
}

function readSubject(word: string): Racer {
  const lesson = lessonIn(word.replace(/-right$/, ''));
  if (lesson !== undefined) {
    const { number, race } = lesson;
    if (race === undefined)
      throw new UsageError(
        `lesson ${number} has no race: tally pain ${number} --all measures its servers side by side`,
      );
    return word === String(number) ? number : `${number}-right`;
  }
  const subject = word === 'src' ? word : /^\d{1,2}$/.test(word) ? Number(word) : 0;
  if (RACERS.includes(subject)) return subject;
  const can = `steps 4 to ${STEPS.length} and src can race`;
  throw new UsageError(
    subject !== 'src' && subject >= 1 && subject < 4
      ? `step ${subject} keeps no balances, so no money can be counted; ${can}`
      : `there is no step ${word}; ${can}`,
  );
}

function readDuration(text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  const durationMs = readDurationMs(text);
  if (durationMs === undefined || durationMs < LAP_MS_MIN || durationMs > DURATION_MS_MAX)
    throw new UsageError(`--duration ${text} is not a time from ${LAP_MS_MIN}ms to 10m, such as 4s`);
  return durationMs;
}

/** A load that one of the two cannot be given would compare nothing, and threads that none has would change nothing. */
function refuseForeign(
  subjects: readonly Racer[],
  given: Partial<Record<'window-us' | 'workers' | 'work-us' | 'queue', string>>,
): void {
  const lesson = lessonSubject(subjects[0]!)?.lesson;
  const foreign = (['window-us', 'workers', 'work-us', 'queue'] as const).find(
    name => given[name] !== undefined,
  );
  if (lesson !== undefined && foreign !== undefined)
    throw new UsageError(`the servers of lesson ${lesson.number} know no --${foreign}`);
  if (given.workers !== undefined && subjects.every(subject => !takes(subject, 'workers')))
    throw new UsageError(
      `${subjects.map(labelOf).join(' and ')} have one thread that applies events, whatever --workers says`,
    );
  if (given['window-us'] === undefined) return;
  for (const subject of subjects)
    if (!takes(subject, 'windowUs'))
      throw new UsageError(
        `${labelOf(subject)} knows no window, as one thread applies its events; --work-us is what an event costs there`,
      );
}
