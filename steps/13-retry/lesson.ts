/** Lesson 13, retry, as data. */
import { PERCENT } from '../kit/predictions.ts';
import { whole } from '../kit/values.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { CASES } from './cases.ts';
import { chargedTwice } from './witness.ts';

export const retry: Lesson = {
  number: 13,
  folder: '13-retry',
  title: 'retry',
  wrong: 'an id for each event, kept in Redis; the balance and the id are two writes',
  right: 'one script writes the balance and, under the id, the first reply; it is kept for a while',
  pain: 'a retry is charged twice',
  painLesson: 'Exactly once is at least once, and a memory kept in the same place as the money.',
  covers: ['idempotent API', 'deduplication', 'the illusion of exactly once'],
  engines: ['redis'],
  packages: ['ioredis'],
  keepsData: false,
  flags: { 'ids-ms': { ...whole(1, 604_800_000), usual: 600_000, meaning: 'how long an id is remembered' } },
  ways: { wrong: ['after', 'before', 'none'] },
  finished: ({ data }) => ['--data', String(data), '--sync', 'always'],
  witness: chargedTwice,
  question: {
    situation:
      'Events with an id are sent again with the same id: 40 because the reply was lost, 64 after a kill -9 in the midst of them, 30 to two instances at the same time. Redis is 10 ms away. The server looks for the id in Redis, applies the event, and then writes its reply under the id.',
    asks: 'How much of what was sent again is charged twice?',
    unit: PERCENT,
    choices: [
      { text: 'nothing: that is what ids are for', below: 0.1 },
      { text: 'up to 5 %', below: 5 },
      { text: '5 to 60 %', below: 60 },
      { text: '60 % or more', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'chargedTwicePercent',
    because: {
      present:
        'to look, to apply and to remember are three steps. Whoever dies between the last two has charged and does not know it; and of those who look at the same time, each finds nothing.',
      absent:
        'the id is written together with the balance, so there is no moment in which one is there without the other.',
    },
  },
  cases: CASES,
};
