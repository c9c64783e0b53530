/**
 * The path as data: the steps, what each teaches, its pain, and in which other steps that pain must be present or
 * absent. All that lists, runs, checks or tags steps reads it here.
 */
import { UsageError } from '../../src/cli/terminal/usage.ts';

/** The settings of servers. Each step takes some of them. */
export interface Settings {
  workers?: number;
  /** The capacity of each worker's queue. A power of two, as the finished server requires. */
  queue?: number;
  /** The cost of an event before it accesses the balances. */
  workUs?: number;
  /** The cost of an event between reading and writing a balance. */
  windowUs?: number;
  /** Whether that cost blocks (sleeps) or computes. */
  work?: 'block' | 'cpu';
  /** What only a lesson has: the folder `data`, the addresses of its engines, flags of its own; by name. */
  own?: Readonly<Record<string, string | number>>;
}

export type SettingName = Exclude<keyof Settings, 'own'>;

export const FLAGS: Record<SettingName, string> = {
  workers: '--workers',
  queue: '--queue',
  workUs: '--work-us',
  windowUs: '--window-us',
  work: '--work',
};

export interface Step {
  number: number;
  folder: string;
  title: string;
  /** What the reader builds. */
  builds: string;
  pain: string;
  /** What the step teaches by what it builds. */
  lesson: string;
  /** What its pain teaches. */
  painLesson: string;
  takes: readonly SettingName[];
  /** Other flags of its own, that no witness sets. */
  more?: readonly string[];
}

const WORKED = ['queue', 'workers', 'workUs', 'windowUs', 'work'] as const;

export const STEPS: readonly Step[] = [
  {
    number: 1,
    folder: '01-blocking-echo',
    title: 'blocking echo',
    builds: 'reads bytes and sends them back, with calls that block',
    pain: 'one client at a time',
    lesson: 'Blocking I/O is poison for servers.',
    painLesson: 'Whoever waits for one client makes all others wait.',
    takes: [],
  },
  {
    number: 2,
    folder: '02-async-echo',
    title: 'async echo',
    builds: 'the same, on events',
    pain: 'one reset kills everybody',
    lesson: 'Async is about waiting efficiently, not about speed.',
    painLesson: "An error that nobody handles is everybody's error.",
    takes: [],
  },
  {
    number: 3,
    folder: '03-parse-events',
    title: 'parse events',
    builds: 'JSON becomes an event, or an error that says why not',
    pain: 'a split packet is refused',
    lesson: 'Real users send garbage.',
    painLesson: 'TCP carries bytes, not messages.',
    takes: [],
  },
  {
    number: 4,
    folder: '04-single-threaded',
    title: 'single-threaded processing',
    builds: 'finds lines in packets, and applies each event at once',
    pain: 'one heavy client delays everybody',
    lesson: 'Async does not equal parallel.',
    painLesson: 'Who answers clients must not do the work.',
    takes: ['workUs', 'work'],
  },
  {
    number: 5,
    folder: '05-bounded-queue',
    title: 'bounded queue',
    builds: 'accepts at once, applies elsewhere, with a bounded queue between',
    pain: 'capacity is one thread',
    lesson: 'Dropping data is better than crashing.',
    painLesson: 'A queue buys time, not capacity.',
    takes: ['queue', 'workUs', 'work'],
    more: ['--unbounded'],
  },
  {
    number: 6,
    folder: '06-worker-threads',
    title: 'worker threads',
    builds: 'several threads apply events to one shared table',
    pain: 'lost updates',
    lesson: 'Parallelism introduces correctness problems.',
    painLesson: 'Read, change and write are three steps until something makes them one.',
    takes: WORKED,
  },
  {
    number: 7,
    folder: '07-one-lock',
    title: 'one lock',
    builds: 'one lock, made of atomic operations, around the table',
    pain: 'a hot lock',
    lesson: 'Locks scale badly if used blindly.',
    painLesson: 'A lock that everybody needs turns many workers into one.',
    takes: WORKED,
  },
  {
    number: 8,
    folder: '08-sharded-locks',
    title: 'sharded read-write locks',
    builds: 'a lock for each part of the table: readers side by side, writers alone',
    pain: 'blind',
    lesson: 'Most systems are read-heavy.',
    painLesson: 'What nobody counts, nobody can see.',
    takes: WORKED,
  },
  {
    number: 9,
    folder: '09-lock-free-metrics',
    title: 'lock-free metrics',
    builds: 'counts what was received, processed and dropped, without a lock',
    pain: 'Ctrl+C loses accepted events',
    lesson: 'Atomics exist for a reason.',
    painLesson: 'Accepted is a promise, and a signal must not break it.',
    takes: WORKED,
    more: ['--count'],
  },
  {
    number: 10,
    folder: '10-graceful-shutdown',
    title: 'graceful shutdown',
    builds: 'stops accepting, empties its queues, answers, and ends',
    pain: 'a silent client holds the exit hostage',
    lesson: 'Shutdown is harder than startup.',
    painLesson: 'Every wait needs a limit.',
    takes: WORKED,
    more: ['--count'],
  },
];

/** A step's number, or the finished server. */
export type Subject = number | 'src';

export type Expected = 'present' | 'absent';

/** By the number of the pain, which is the number of the step that has it. It does not apply to subjects not named. */
export const MATRIX: Readonly<Record<number, { present: readonly Subject[]; absent: readonly Subject[] }>> = {
  1: { present: [1], absent: [2, 3, 4, 5, 6, 7, 8, 9, 10, 'src'] },
  2: { present: [2], absent: [1, 3, 4, 5, 6, 7, 8, 9, 10, 'src'] },
  3: { present: [3], absent: [4, 5, 6, 7, 8, 9, 10, 'src'] },
  4: { present: [4], absent: [5, 6, 7, 8, 9, 10, 'src'] },
  5: { present: [5], absent: [6, 7, 8, 9, 10, 'src'] },
  // If one thread applies all events, no update is lost: this pain comes with threads.
  6: { present: [6], absent: [4, 5, 7, 8, 9, 10, 'src'] },
  7: { present: [7], absent: [8, 9, 10, 'src'] },
  8: { present: [8], absent: [9, 10, 'src'] },
  9: { present: [9], absent: [10, 'src'] },
  10: { present: [10], absent: ['src'] },
};

export function expectedOf(pain: number, subject: Subject): Expected | undefined {
  const row = MATRIX[pain];
  if (row?.present.includes(subject)) return 'present';
  return row?.absent.includes(subject) ? 'absent' : undefined;
}

export function stepOf(number: number): Step {
  const step = STEPS[number - 1];
  if (step === undefined) throw new RangeError(`there is no step ${number}`);
  return step;
}

/** From a command line. Steps and their pains have the same numbers. */
export function readStep(text: string, what = 'step', others = ''): Step {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > STEPS.length)
    throw new UsageError(
      `there is no ${what} ${text}: they are 1 to ${STEPS.length}${others}; tally steps lists them`,
    );
  return stepOf(number);
}

export function nameOf(subject: Subject): string {
  return subject === 'src' ? 'src, the finished server' : `step ${subject}, ${stepOf(subject).title}`;
}
