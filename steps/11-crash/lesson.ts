/** Lesson 11, crash, as data. */
import { count } from '../../src/cli/terminal/numbers.ts';
import { PERCENT } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { goneAfterCrash } from './witness.ts';

export const crash: Lesson = {
  number: 11,
  folder: '11-crash',
  title: 'crash',
  wrong: 'balances in memory, saved every second and at the end',
  right: 'a log of events: written and synced before the reply, read at the start',
  pain: 'accepted events are gone after kill -9',
  painLesson: 'Accepted is a promise about the disk, not about memory.',
  covers: ['write-ahead log', 'event sourcing', 'group commit'],
  engines: [],
  packages: [],
  keepsData: true,
  flags: {},
  finished: ({ data }) => ['--data', String(data), '--sync', 'always'],
  witness: goneAfterCrash,
  question: {
    situation:
      '16 clients send events for a little more than a second, as fast as they are answered. Then the server is killed by kill -9, and started again with the same folder; twice in a row.',
    asks: 'How much of what was accepted is gone in the end?',
    unit: PERCENT,
    choices: [
      { text: 'nothing', below: 0.1 },
      { text: 'up to 1 %: the last few', below: 1 },
      { text: '1 to 10 %', below: 10 },
      { text: '10 % or more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'shareLostPercent',
    because: {
      present:
        'no line of the program runs after SIGKILL, so what is only in its memory ends with it. A save every second makes that a second of everybody’s events, not the last few.',
      absent:
        'a reply leaves when the event is in the file, and the next start reads the file. What was under way may be lost, but nobody had been told that it was accepted.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 50,
    pipeline: 16,
    users: 1_000,
    durationMs: 3_000,
    why: 'the wrong one answers out of memory; the right one waits for the disk, once for all who wait at the same time. That is the price of a promise.',
    text: ({ isPresent, evidence }) =>
      isPresent
        ? `lost ${count(Number(evidence.lost))} of ${count(Number(evidence.accepted))} accepted events to kill -9`
        : `had all ${count(Number(evidence.accepted))} accepted events after kill -9`,
    label: 'lost to kill -9',
    cell: ({ evidence }) => `${count(Number(evidence.lost))} of ${count(Number(evidence.accepted))}`,
  },
  cases: [],
};
