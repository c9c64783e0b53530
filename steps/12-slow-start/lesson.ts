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
  // Small files: the finished server makes a snapshot when some are full.
  finished: ({ data }) => ['--data', String(data), '--segment-bytes', '65536'],
  witness: laterStart,
  question: {
    situation:
      'A server is started with an empty folder. 80,000 events later it is killed by kill -9, and started again with the same folder.',
    asks: 'How many times as long is that start, until it serves?',
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
      `serves after ${ms(Number(evidence.startMsWithAll))} ms, with none ever accepted after ${ms(Number(evidence.startMsWithNone))} ms`,
    label: 'starts after',
    cell: ({ evidence }) => `${ms(Number(evidence.startMsWithAll))} ms`,
  },
  cases: [],
};
