/** From step 5 on: events are accepted at once, applied later, and refused if the queue is full; none is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../manifest.ts';
import {
  ACCEPTED,
  type Act,
  ask,
  BUSY,
  balance,
  type Case,
  error,
  event,
  HEALTH,
  OK,
  ok,
  pipeline,
  waiting,
} from './case.ts';
import type { Talk } from './talk.ts';

const PIPELINED = 50;
/** A small queue behind slow work: it is full at once, and stays so for almost a second. */
const SLOW: Settings = { workers: 1, queue: 16, workUs: 50_000 };
const FLOOD = 100;
/** How long a full queue may take to empty, with a large margin for slow machines. */
const EMPTY_MS_MAX = 15_000;
const HEALTH_MS_MAX = 200;
/** A busy machine may be late once. A server that waits is late in every round. */
const ROUNDS = 3;
/** Two events take a second. */
const AT_ONCE_MS_MAX = 800;

/** The result of a flood of events with the amounts 1, 2, 3, … */
export interface Flooded {
  accepted: number;
  busy: number;
  /** The sum of the accepted amounts. */
  sum: number;
}

/** Sends `events` events in one packet, and reads one reply for each. */
export async function flood(talk: Talk, user: string, events = FLOOD): Promise<Flooded> {
  await talk.send(
    Array.from({ length: events }, (_, index) => `${event(user, 'buy', index + 1)}\n`).join(''),
  );
  const flooded: Flooded = { accepted: 0, busy: 0, sum: 0 };
  for (let amount = 1; amount <= events; amount += 1) {
    const isAccepted = (await talk.oneOf([ACCEPTED, BUSY])) === ACCEPTED;
    if (isAccepted) flooded.accepted += 1;
    else flooded.busy += 1;
    if (isAccepted) flooded.sum += amount;
  }
  return flooded;
}

const slowQueue = `The queue of ${SLOW.queue} tasks was full of events of ${SLOW.workUs! / 1_000} ms`;

export const QUEUEING: readonly Case[] = [
  {
    name: 'a balance reflects every event accepted before it on its connection',
    hint: 'Let the balance be read behind the events, by whoever applies them, not beside them.',
    acts: user => [
      ...pipeline([
        ...Array.from({ length: PIPELINED }, () => [event(user, 'buy', 3), ACCEPTED] as const),
        [balance(user), ok(3 * PIPELINED)],
      ]),
      { quietMs: 50 },
    ],
  },
  {
    name: 'replies of every kind stay in the order of their lines',
    hint: '"accepted" is known at once, a balance later: what comes behind it waits for it.',
    acts: user =>
      pipeline([
        [event(user, 'buy', 5), ACCEPTED],
        [waiting(user, 'buy', 5), ok(10)],
        ['garbage', error('invalid_json')],
        [event(user, 'sell', 1), ACCEPTED],
        [balance(user), ok(9)],
        [HEALTH, OK],
        [event(user, 'buy', 0), error('invalid_event')],
        [waiting(user, 'sell', 10), ok(-1)],
      ]),
  },
  {
    name: 'an overflow without wait was accepted, and is not applied',
    hint: 'It was answered before anybody knew. Whoever applies it must leave the balance as it is.',
    acts: (user): Act[] => [
      ...ask(event(user, 'buy', 2 ** 53 - 1), ACCEPTED),
      ...ask(event(user, 'buy', 1), ACCEPTED),
      ...ask(balance(user), ok(2 ** 53 - 1)),
    ],
  },
  {
    name: 'accepted at once, though an event takes half a second',
    hint: 'Answer when the event is in the queue; somebody else applies it. Half a second is WORK_US=500000.',
    settings: { workers: 1, queue: 64, workUs: 500_000 },
    run: async ({ open, user }) => {
      const talk = await open();
      for (let round = 1; ; round += 1) {
        await talk.send(`${event(user, 'buy', 1)}\n${event(user, 'buy', 2)}\n`);
        const startMs = performance.now();
        await talk.reply(ACCEPTED);
        await talk.reply(ACCEPTED);
        const tookMs = Math.round(performance.now() - startMs);
        await talk.send(`${balance(user)}\n`);
        await talk.reply(ok(3 * round), EMPTY_MS_MAX);
        if (tookMs <= AT_ONCE_MS_MAX) return;
        if (round === ROUNDS)
          talk.fail('accepted too late', 'both replies at once', `both, after ${tookMs} ms`);
      }
    },
  },
  {
    name: 'more than fits is refused, one reply for each, and the balance is the sum of what was accepted',
    hint: 'Bound the queue (QUEUE), and answer server_busy instead of waiting for room. What was accepted is applied.',
    settings: SLOW,
    run: async ({ open, user }) => {
      const talk = await open();
      const { accepted, busy, sum } = await flood(talk, user);
      if (busy === 0) {
        const got = `${accepted} × ${ACCEPTED}`;
        talk.fail(`${slowQueue}, and nothing was refused`, `for some of ${FLOOD} events ${BUSY}`, got);
      }
      if (accepted === 0) {
        const got = `${busy} × ${BUSY}`;
        const hint =
          'QUEUE is how many events fit. An empty queue takes that many; only what is beyond is refused.';
        talk.fail('an empty queue took nothing', `for the first events ${ACCEPTED}`, got, hint);
      }
      await talk.send(`${balance(user)}\n`);
      await talk.reply(ok(sum), EMPTY_MS_MAX);
      await talk.quiet(50);
    },
  },
  {
    name: `health answers within ${HEALTH_MS_MAX} ms while the queue is full`,
    hint: 'Who answers clients must never do the work, nor wait for it: health needs no queue.',
    settings: SLOW,
    run: async ({ open, user }) => {
      const [talk, other] = [await open(), await open()];
      for (let round = 1; ; round += 1) {
        await flood(talk, `${user}r${round}`);
        const startMs = performance.now();
        await other.send(`${HEALTH}\n`);
        await other.reply(OK, EMPTY_MS_MAX);
        const tookMs = Math.round(performance.now() - startMs);
        if (tookMs <= HEALTH_MS_MAX) return;
        if (round === ROUNDS)
          other.fail(slowQueue, `${OK} within ${HEALTH_MS_MAX} ms`, `the same, after ${tookMs} ms`);
        await sleep((SLOW.queue! * SLOW.workUs!) / 1_000);
      }
    },
  },
];
