/**
 * Which load makes a difference show. Two servers differ by the pain of the earlier one, which the later has no more;
 * so the earlier one says what is sent, and what to look at.
 */
import { count } from '../../src/cli/terminal/numbers.ts';
import type { Subject } from '../kit/manifest.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import type { Seen } from './figures.ts';
import type { RaceLoad } from './load.ts';
import { lessonSubject, type Racer } from './racer.ts';

/** The figure in which the pain is to be seen. */
export type Lens = 'health' | 'refused' | 'money' | 'done' | 'witness' | 'price';

/** How it is told what a witness saw, of a pain that no load shows. */
export interface Tells {
  /** In front of its row. */
  label: string;
  cell(seen: Seen): string;
  /** Behind a name. */
  text(seen: Seen): string;
}

export interface Matchup {
  /** The pain that decides, by the number of its step. */
  pain: number;
  lens: Lens;
  load: RaceLoad;
  /** Why it came out so: behind "Why:". */
  why: string;
  /** The step whose lesson that is. */
  lessonOf?: number;
  /** With the lenses `witness` and `price`. */
  tells?: Tells;
}

const COMMON = { waits: false, windowUs: 0, workUs: 0, workers: 4, seed: 1, durationMs: 3_600, laps: 3 };

const MATCHUPS: readonly Matchup[] = [
  {
    pain: 4,
    lessonOf: 4,
    lens: 'health',
    load: {
      ...COMMON,
      ratePerS: 1_700,
      connections: 50,
      pipeline: 64,
      users: 1_000,
      workUs: 1_000,
      queue: 256,
      // Step 4 takes twice as long.
      durationMs: 3_000,
    },
    why: 'step 4 applies every event on the one thread that also answers; behind a queue, applying is somebody else’s work.',
  },
  {
    pain: 5,
    lessonOf: 5,
    lens: 'refused',
    load: { ...COMMON, ratePerS: 800, connections: 64, pipeline: 64, users: 1_000, workUs: 2_000, queue: 64 },
    why: 'one thread applies everything in step 5, and what it has no time for is refused, however many cores there are.',
  },
  {
    pain: 6,
    lessonOf: 6,
    lens: 'money',
    load: {
      ...COMMON,
      ratePerS: 350,
      connections: 16,
      pipeline: 64,
      users: 1,
      windowUs: 2_000,
      queue: 1_024,
    },
    why: 'two threads of step 6 read the same balance, and the second to write it undoes what the first has added.',
  },
  {
    pain: 7,
    lessonOf: 7,
    lens: 'done',
    load: {
      ...COMMON,
      ratePerS: undefined,
      connections: 64,
      pipeline: 1,
      users: 1_000,
      waits: true,
      windowUs: 5_000,
      workers: 8,
      queue: 1_024,
    },
    why: 'all workers of step 7 wait for one lock, though their users have nothing to do with each other.',
  },
  {
    pain: 8,
    lessonOf: 9,
    lens: 'witness',
    load: {
      ...COMMON,
      ratePerS: 1_000,
      connections: 64,
      pipeline: 64,
      users: 1_000,
      workUs: 2_000,
      queue: 256,
    },
    why: 'step 8 counts nothing, so nobody can ask it what it has received, processed and dropped.',
    tells: {
      label: 'asked for metrics',
      cell: ({ isPresent, evidence }) =>
        isPresent ? 'cannot say' : `${evidence.processed} of ${evidence.applied} counted`,
      text: ({ isPresent, evidence }) =>
        isPresent
          ? `answered ${String(evidence.reply)} when asked what it had done`
          : `had counted all ${evidence.processed} of ${evidence.applied} events`,
    },
  },
  {
    pain: 9,
    lessonOf: 10,
    lens: 'witness',
    load: {
      ...COMMON,
      ratePerS: 1_000,
      connections: 64,
      pipeline: 64,
      users: 1_000,
      workUs: 2_000,
      queue: 256,
      durationMs: 2_400,
    },
    why: 'step 9 ends at once, and what lies in its queues ends with it.',
    tells: {
      label: 'lost at Ctrl+C',
      cell: ({ isPresent, evidence }) => (isPresent ? `${evidence.lost} of ${evidence.accepted}` : 'nothing'),
      text: ({ isPresent, evidence }) => {
        const accepted = count(Number(evidence.accepted));
        return isPresent
          ? `lost ${count(Number(evidence.lost))} of ${accepted} accepted events at Ctrl+C`
          : `applied all ${accepted} accepted events after Ctrl+C`;
      },
    },
  },
  {
    pain: 10,
    lens: 'done',
    load: {
      ...COMMON,
      ratePerS: undefined,
      connections: 50,
      pipeline: 64,
      users: 10_000,
      workers: 2,
      queue: 65_536,
    },
    why: 'src builds nothing for an event: it judges the bytes where they lie, writes 8 bytes into a ring, and sends prepared replies.',
  },
];

/** Those that can race: from the first that keeps balances. */
export const RACERS: readonly Subject[] = [4, 5, 6, 7, 8, 9, 10, 'src'];

export function matchupOf(one: Racer, other: Racer): Matchup {
  const lesson = lessonSubject(one)?.lesson;
  if (lesson !== undefined) return lessonMatchup(lesson);
  const earlier = [one, other].filter(subject => typeof subject === 'number').sort((a, b) => a - b)[0]!;
  return MATCHUPS.find(({ pain }) => pain === earlier)!;
}

/** What the mending costs, and that it mends. */
function lessonMatchup({ number, race }: Lesson): Matchup {
  const { ratePerS, connections, pipeline, users, durationMs, why, label, cell, text } = race!;
  const load = { ...COMMON, ratePerS, connections, pipeline, users, durationMs, queue: 2 };
  return { pain: number, lens: 'price', load, why, tells: { label, cell, text } };
}
