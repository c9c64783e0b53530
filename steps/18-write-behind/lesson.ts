/** Lesson 18, write-behind, as data. */
import { count } from '../../src/cli/terminal/numbers.ts';
import { PERCENT } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { goneWithCache } from './witness.ts';

export const writeBehind: Lesson = {
  number: 18,
  folder: '18-write-behind',
  title: 'write-behind',
  wrong: 'a cache in front of SQLite answers, and is flushed twice a second and at the end',
  right:
    'the database behind a log that is synced; or a transaction for each event; or one for each turn of the loop',
  pain: 'what was only in the cache is gone after kill -9',
  painLesson: 'Writing later is fine, if what is to be written is already safe.',
  covers: ['write-behind', 'write-through', 'embedded store'],
  engines: [],
  packages: ['better-sqlite3'],
  keepsData: true,
  flags: {},
  ways: { right: ['log', 'through', 'embedded'] },
  finished: ({ data }) => ['--data', String(data), '--sync', 'always'],
  witness: goneWithCache,
  question: {
    situation:
      '16 clients send events as fast as they are answered. The server is killed by kill -9 five times, each time after 0.3 to 1.1 seconds, and started again with the same folder. It flushes its cache twice a second.',
    asks: 'How much of what was accepted is gone in the end?',
    unit: PERCENT,
    choices: [
      { text: 'nothing', below: 0.1 },
      { text: 'up to 5 %', below: 5 },
      { text: '5 to 25 %', below: 25 },
      { text: '25 % or more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'shareLostPercent',
    because: {
      present:
        'a kill comes a quarter of a second after the last flush, on average, and there were five. The database is durable, and is asked too late.',
      absent:
        'a reply leaves when the change is on the disk: in a log, or in the database. What the database lacks at a crash, the log still has.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 50,
    pipeline: 16,
    users: 1_000,
    durationMs: 3_000,
    why: 'the wrong one answers out of memory; the right one waits for one sync a turn of the event loop. The log writes a line where the database writes a page, so the three ways differ most where one event comes at a time.',
    text: ({ isPresent, evidence }) =>
      isPresent
        ? `lost ${count(Number(evidence.lost))} of ${count(Number(evidence.accepted))} accepted events to ${evidence.kills} kills`
        : `had all ${count(Number(evidence.accepted))} accepted events after ${evidence.kills} kills`,
    label: 'lost to kill -9',
    cell: ({ evidence }) => `${count(Number(evidence.lost))} of ${count(Number(evidence.accepted))}`,
  },
  cases: [],
};
