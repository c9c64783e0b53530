/** Lesson 12, slow start, as data. */
import { ms } from '../../src/cli/terminal/numbers.ts';
import { TIMES } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { laterStart } from './witness.ts';

export const slowStart: Lesson = {
  number: 12,
  folder: '12-slow-start',
  title: 'slow start',
  wrong: 'a log of events, read from its beginning: at the start, and for a question about a day',
  right:
    'snapshots, and the log cut behind them; questions go to a read model, fed from the log by a thread of its own',
  pain: 'it serves later with every event there ever was',
  painLesson: 'What a start must read may grow with what there is, but not with what has happened.',
  covers: ['snapshots', 'CQRS', 'read model', 'log compaction'],
  engines: [],
  packages: [],
  keepsData: true,
  flags: {},
  // Small files, so that some are full: those it folds into a snapshot.
  finished: ({ data }) => ['--data', String(data), '--segment-bytes', '1048576'],
  witness: laterStart,
  question: {
    situation:
      'A server has accepted 100 events, is killed by kill -9, and started again with the same folder. Another has accepted 80,000.',
    asks: 'How many times as long is the start of the second, until it serves?',
    unit: TIMES,
    choices: [
      { text: 'less than 1.6: starting a process takes most of it', below: 1.6 },
      { text: '1.6 to 3', below: 3 },
      { text: '3 to 10', below: 10 },
      { text: '10 or more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'timesAsLong',
    because: {
      present:
        'it reads the log from its beginning, and judges every event again: some microseconds for each that was ever accepted. 80,000 is a minute or two of a busy service.',
      absent:
        'a start reads what there is, which is one balance for each user, and the few events behind the last snapshot.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 50,
    pipeline: 16,
    users: 1_000,
    durationMs: 3_000,
    why: 'both write each event once, and wait for the disk; the right one has a second thread beside it, which reads what was written and makes snapshots.',
    text: ({ evidence }) =>
      `serves after ${ms(Number(evidence.startMsWithAll))} ms, with 100 events after ${ms(Number(evidence.startMsWithFew))} ms`,
    label: 'starts after',
    cell: ({ evidence }) => `${ms(Number(evidence.startMsWithAll))} ms`,
  },
  cases: [],
};
