/** Lesson 20, stuck downstream, as data. */
import { ask, error } from '../kit/check/case.ts';
import { MS } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { staysDown } from './witness.ts';

const RATE = /^\{"status":"ok","rate":\d+,"as_of_ms":\d{13}\}$/;

export const stuckDownstream: Lesson = {
  number: 20,
  folder: '20-stuck-downstream',
  title: 'stuck downstream',
  wrong: 'calls are made again until one is answered, or wait for as long as it takes',
  right:
    'calls end with the patience of who asked; a bulkhead, a budget of retries, a breaker; an old rate rather than none',
  pain: 'a slow second downstream takes the server with it',
  painLesson: 'What you wait for without an end, you share the fate of.',
  covers: ['deadline', 'retry budget', 'circuit breaker', 'bulkhead', 'stale answers', 'metastable failure'],
  engines: [],
  packages: [],
  companions: ['rates'],
  keepsData: false,
  flags: {},
  ways: { wrong: ['retries', 'waits'] },
  witness: staysDown,
  question: {
    situation:
      '100 users a second ask for a rate of another service, which could answer 400. That service is slow for a second and a half, and then as fast as before. Who has no answer within 400 ms asks again, twice. When the slow time begins, a report asks for 120 rates at once. It is watched for another three seconds.',
    asks: 'For how long, in all, do users have no answer?',
    unit: MS,
    choices: [
      { text: 'hardly at all', below: 500 },
      { text: 'for that time', below: 2_000 },
      { text: 'for one or two seconds more', below: 4_000 },
      { text: 'for as long as it is watched', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'downMs',
    because: {
      present:
        'every call that is made again stands behind those that were given up, and they are worked on, too. So each answer comes too late, and has the next call made. The slow time has long passed, and the retries keep it alive.',
      absent:
        'few calls wait at a time, and none longer than who asked. The others get the last known rate at once. When the service is fast again, it finds no queue.',
    },
  },
  cases: [
    {
      name: 'a question for a rate is answered with a rate, and when it was that',
      hint: 'Ask the service at RATES_URL: a connection, {"currency":"EUR"} and a newline; its answer has both.',
      run: async ({ open }) => {
        const talk = await open();
        await talk.send('{"type":"rate","currency":"EUR"}\n');
        const line = await talk.beginning('{"status":"ok","rate":');
        if (!RATE.test(line))
          talk.fail(
            'the reply is not what it must be',
            '{"status":"ok","rate":10841,"as_of_ms":1767225600000}',
            line,
          );
      },
    },
    {
      name: 'a currency is three capital letters',
      hint: 'What is wrong with a request is said before anybody else is asked.',
      acts: () => [
        ...ask('{"type":"rate","currency":"euro"}', error('invalid_event')),
        ...ask('{"type":"rate"}', error('invalid_event')),
      ],
    },
  ],
};
