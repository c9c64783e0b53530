/** Lesson 17, stampede, as data. */
import { EVENTS } from '../kit/predictions.ts';
import { whole } from '../kit/values.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { stampede as witness } from './witness.ts';

export const stampede: Lesson = {
  number: 17,
  folder: '17-stampede',
  title: 'stampede',
  wrong: 'a cache with a time to live: whoever does not find a value asks the database',
  right: 'one question at a time for a value, the old one meanwhile, and the newer version stays',
  pain: 'a thousand readers ask the database for one value',
  painLesson:
    'A cache protects a database until the moment in which it is needed most: when a value is missing.',
  covers: ['cache stampede', 'read-through cache', 'stale-while-revalidate', 'invalidation'],
  engines: [],
  packages: [],
  companions: ['database'],
  keepsData: false,
  flags: { 'ttl-ms': { ...whole(1, 86_400_000), usual: 1_000, meaning: 'how long a value is kept' } },
  ways: { right: ['event', 'version', 'time'] },
  witness,
  question: {
    situation:
      'A value is in the cache, and is kept for a second. Then 1,000 clients ask for it at the same time. A query takes the database 100 ms; it does 100 at a time.',
    asks: 'How often is the database asked?',
    unit: EVENTS,
    choices: [
      { text: 'once or twice: the first one brings it into the cache', below: 10 },
      { text: '10 to 100: as many as run at a time', below: 101 },
      { text: '101 to 299', below: 300 },
      { text: '300 or more: by all who come within those 100 ms', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'callsAtExpiry',
    because: {
      present:
        'the first one brings it into the cache after 100 ms, and by then all others have looked, found nothing, and asked. Behind them wait all who want anything else.',
      absent:
        'whoever comes while the question is on its way waits for the same answer, or takes the old value and goes on.',
    },
  },
  cases: [],
};
