/** Lesson 16, greedy client, as data. */
import { count } from '../../src/cli/terminal/numbers.ts';
import { EVENTS } from '../kit/predictions.ts';
import { whole } from '../kit/values.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { CASES } from './cases.ts';
import { overTheLimit } from './witness.ts';

export const greedyClient: Lesson = {
  number: 16,
  folder: '16-greedy-client',
  title: 'greedy client',
  wrong: 'counts events in fixed windows, in each instance or in Redis, by its own clock',
  right: 'a token bucket or a sliding window, by the clock of Redis; exact, or a share that is reconciled',
  pain: 'a client gets twice its limit, or three times',
  painLesson: 'A limit is what the greediest client gets from all instances together.',
  covers: ['rate limiter', 'token bucket', 'sliding window', 'strong and eventual consistency', 'clock skew'],
  engines: ['redis'],
  packages: ['ioredis'],
  keepsData: false,
  flags: {
    limit: { ...whole(1, 100_000), usual: 1_000, meaning: 'events that a user may send in a window' },
    'window-ms': { ...whole(100, 3_600_000), usual: 1_000, meaning: 'how long a window is' },
    'clock-ahead-ms': {
      ...whole(0, 3_600_000),
      usual: 0,
      meaning: 'how far the clock of this machine is ahead',
    },
  },
  ways: { wrong: ['memory', 'redis'], right: ['bucket', 'sliding', 'share'] },
  witness: overTheLimit,
  question: {
    situation:
      'A user may send 50 events in 1.5 s. Each of four instances counts, in its memory, and begins anew every 1.5 s. A client sends as fast as it can for a part of that time: at the end of a window, to one instance; then to three instances; then to and fro between two whose clocks differ.',
    asks: 'How many events are accepted in the best of the three?',
    unit: EVENTS,
    choices: [
      { text: '50, and a few', below: 80 },
      { text: 'about 100: twice the limit', below: 125 },
      { text: 'about 150: three times', below: 175 },
      { text: 'more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'mostAccepted',
    because: {
      present:
        'each instance counts alone, so three of them give three limits. And even one gives two, to who comes at the end of a window and at the beginning of the next.',
      absent:
        'nothing begins anew at any moment, and what one instance has given is known to all, soon or at once. What is above 50 has come in meanwhile, one in 30 ms.',
    },
  },
  race: {
    ratePerS: undefined,
    connections: 50,
    pipeline: 16,
    users: 1_000,
    durationMs: 3_000,
    why: 'the wrong one counts in memory; the right one asks Redis about each event, and the next line of a connection waits for that. That is the price of one count for all.',
    text: ({ evidence }) =>
      `accepts ${count(Number(evidence.mostAccepted))} events of a client when ${count(Number(evidence.mostAllowed))} are allowed`,
    label: 'accepted, allowed',
    cell: ({ evidence }) => `${count(Number(evidence.mostAccepted))}, ${count(Number(evidence.mostAllowed))}`,
  },
  cases: CASES,
};
