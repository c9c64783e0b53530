/** Lesson 19, poison, as data. */
import { ask, error } from '../kit/check/case.ts';
import { EVENTS } from '../kit/predictions.ts';
import type { Lesson } from '../lesson-kit/lesson.ts';
import { poisoned } from './witness.ts';

const COUNTS = /^\{"status":"ok","waiting":\d+,"dead":\d+\}$/;

export const poison: Lesson = {
  number: 19,
  folder: '19-poison',
  title: 'poison',
  wrong: 'a payout that fails goes back to the queue, at once; or leaves it before it is paid',
  right:
    'some tries, each later than the last, then put aside; paid under its id; more workers the deeper the queue is',
  pain: 'one bad job stops all others, or a job is done twice',
  painLesson: 'A queue promises that a job is tried, not that it is done, and not once.',
  covers: [
    'job queue',
    'at-least-once',
    'at-most-once',
    'dead letters',
    'backoff with jitter',
    'visibility time-out',
    'priority',
  ],
  engines: ['nats'],
  packages: ['@nats-io/transport-node', '@nats-io/jetstream'],
  companions: ['bank'],
  keepsData: false,
  flags: {},
  ways: { wrong: ['at-least-once', 'at-most-once'] },
  witness: poisoned,
  question: {
    situation:
      'A server has a hundred payouts in its queue, in their order. The bank pays each in 10 ms, but refuses the tenth every time. After some seconds nothing changes any more.',
    asks: 'How many of the others still wait?',
    unit: EVENTS,
    choices: [
      { text: 'none but the bad one', below: 1 },
      { text: 'a few', below: 20 },
      { text: 'about half of them', below: 80 },
      { text: 'about ninety: all behind it', below: Number.POSITIVE_INFINITY },
    ],
    figure: 'stopped',
    because: {
      present:
        'what a worker gives back is given out again before anything that was never tried. So a worker that fails gets the same payout at once, for ever, and never the next one.',
      absent:
        'a payout that has failed waits for a while, and the worker takes the next one. After some tries it is put aside, where somebody can look at it.',
    },
  },
  cases: [
    {
      name: 'a payout is accepted, and a second one of the same id is not another',
      hint: 'Answer when the queue has it. Give the queue the id: JetStream stores a message of a known Nats-Msg-Id once.',
      acts: user => {
        const payout = `{"type":"payout","id":"${user}","user":"${user}","amount":30}`;
        return [...ask(payout, '{"status":"accepted"}'), ...ask(payout, '{"status":"accepted"}')];
      },
    },
    {
      name: 'a payout without an id, a user or an amount is none',
      hint: 'The id and the user are like the user of an event, the amount like its amount.',
      acts: user => [
        ...ask(`{"type":"payout","user":"${user}","amount":30}`, error('invalid_event')),
        ...ask(`{"type":"payout","id":"${user}","amount":30}`, error('invalid_event')),
        ...ask(`{"type":"payout","id":"${user}","user":"${user}","amount":0}`, error('invalid_event')),
      ],
    },
    {
      name: 'it says how many payouts wait, and how many are put aside',
      hint: 'Ask the queue: of JetStream, the number of messages in the streams.',
      run: async ({ open }) => {
        const talk = await open();
        await talk.send('{"type":"payouts"}\n');
        const line = await talk.beginning('{"status":"ok","waiting":');
        if (!COUNTS.test(line))
          talk.fail('the reply is not what it must be', '{"status":"ok","waiting":0,"dead":0}', line);
      },
    },
  ],
};
