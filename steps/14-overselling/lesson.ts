/** Lesson 14, overselling, as data. */
import { count } from '../../src/cli/terminal/numbers.ts';
import { EVENTS } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { CASES } from './cases.ts';
import { overselling as witness } from './witness.ts';

export const overselling: Lesson = {
  number: 14,
  folder: '14-overselling',
  title: 'overselling',
  wrong: 'reads what is left, looks at it, and writes; also in a transaction',
  right: 'a lock, a version, SERIALIZABLE or an owner makes the read and the write one',
  pain: 'more is sold than there was',
  painLesson: 'What you have read is old. Write only if it still holds.',
  covers: ['optimistic locking', 'pessimistic locking', 'isolation levels', 'inventory'],
  engines: ['postgres'],
  packages: ['pg'],
  keepsData: false,
  flags: {},
  ways: {
    wrong: ['plain', 'read-committed'],
    right: ['for-update', 'version', 'serializable', 'owner'],
  },
  finished: () => [],
  witness,
  question: {
    situation:
      'There are 100 tickets. 32 clients buy them one by one, as fast as they are answered, each until it is told that there are none left.',
    asks: 'How many more than 100 are sold?',
    unit: EVENTS,
    choices: [
      { text: 'none', below: 1 },
      { text: '1 to 31: one for each other client, at the very end', below: 32 },
      { text: '32 to 100', below: 101 },
      { text: 'more than 100: each ticket twice, and more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'oversold',
    because: {
      present:
        'between the read and the write is a round trip to the database, and in that time all others read the same. Where the write then says what is left, it overwrites the sales of the others, so it goes on all the time, not only at the end.',
      absent: 'the write happens only if what was read still holds, whoever else has read it.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 32,
    pipeline: 1,
    users: 1_000,
    durationMs: 3_000,
    why: 'the right one makes two more round trips to the database for each event, to begin and to end a transaction. Where a thousand items are sold, its locks cost next to nothing; where it is one, everybody waits for everybody.',
    text: ({ isPresent, evidence }) =>
      isPresent
        ? `sold ${count(Number(evidence.sold))} of ${count(Number(evidence.stock))} tickets`
        : `sold the ${count(Number(evidence.sold))} tickets that there were`,
    label: 'sold of 100',
    cell: ({ evidence }) => count(Number(evidence.sold)),
  },
  cases: CASES,
};
