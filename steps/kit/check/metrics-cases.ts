/** From step 9 on: exact counts of received, processed and dropped events. Needs a server that no one else uses. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ACCEPTED,
  ask,
  balance,
  type Case,
  error,
  event,
  HEALTH,
  METRICS,
  OK,
  OVERFLOW,
  ok,
  waiting,
} from './case.ts';
import { flood } from './queue-cases.ts';
import type { Talk } from './talk.ts';
import { readable } from './transcript.ts';

interface Counts {
  received: number;
  processed: number;
  dropped: number;
}

const EMPTY_MS_MAX = 15_000;
const FLOOD = 60;
const AMOUNT_MAX = 2 ** 53 - 1;

function counts(received: number, processed: number, dropped: number): string {
  return `{"received":${received},"processed":${processed},"dropped":${dropped}}`;
}

export const COUNTING: readonly Case[] = [
  {
    name: 'a new server has counted nothing',
    hint: 'metrics answers three numbers, in this order.',
    settings: {},
    acts: () => ask(METRICS, counts(0, 0, 0)),
  },
  {
    name: 'received, processed and dropped, one by one',
    hint: 'An overflow is dropped. Requests and errors are no events, and count nowhere.',
    settings: {},
    acts: user => [
      ...ask(waiting(user, 'buy', AMOUNT_MAX), ok(AMOUNT_MAX)),
      ...ask(METRICS, counts(1, 1, 0)),
      ...ask(waiting(user, 'buy', 1), OVERFLOW),
      ...ask(METRICS, counts(2, 1, 1)),
      ...ask('garbage', error('invalid_json')),
      ...ask(waiting(user, 'buy', 0), error('invalid_event')),
      ...ask(HEALTH, OK),
      ...ask(balance(user), ok(AMOUNT_MAX)),
      ...ask(event(user, 'sell', 1), ACCEPTED),
      ...ask(waiting(user, 'sell', 1), ok(AMOUNT_MAX - 2)),
      ...ask(METRICS, counts(4, 3, 1)),
    ],
  },
  {
    name: 'what is refused is received and dropped, and what is accepted is processed',
    hint: 'Count received for every well-formed event, dropped where it is refused, processed where it is applied.',
    settings: { workers: 1, queue: 16, workUs: 20_000 },
    run: async ({ open, user }) => {
      const [talk, watcher] = [await open(), await open()];
      const { accepted, busy, sum } = await flood(talk, user, FLOOD);
      await talk.send(`${balance(user)}\n`);
      let before: Counts = { received: FLOOD, processed: 0, dropped: busy };
      const endMs = performance.now() + EMPTY_MS_MAX;
      while (before.processed < accepted && performance.now() < endMs) {
        const now = await countsOf(watcher);
        judge(watcher, before, now, accepted);
        before = now;
        await sleep(20);
      }
      await watcher.send(`${METRICS}\n`);
      await watcher.reply(counts(FLOOD, accepted, busy));
      await talk.reply(ok(sum), EMPTY_MS_MAX);
    },
  },
  {
    name: 'metrics in detail begin with the same three',
    hint: 'With "detail":true more may come behind the three numbers; they stay first.',
    settings: {},
    run: async ({ open, user }) => {
      const talk = await open();
      await talk.send(`${waiting(user, 'buy', 5)}\n`);
      await talk.reply(ok(5));
      await talk.send('{"type":"metrics","detail":true}\n');
      await talk.beginning(counts(1, 1, 0).slice(0, -1));
    },
  },
];

/** While the queue empties, only `processed` grows, and never beyond what was accepted. */
function judge(talk: Talk, before: Counts, now: Counts, accepted: number): void {
  const isGrowing = now.processed >= before.processed && now.processed <= accepted;
  if (isGrowing && now.received === before.received && now.dropped === before.dropped) return;
  talk.fail(
    `${accepted} events were accepted, and the counts are wrong while they are applied`,
    `received ${before.received}, processed from ${before.processed} to ${accepted}, dropped ${before.dropped}`,
    `received ${now.received}, processed ${now.processed}, dropped ${now.dropped}`,
  );
}

async function countsOf(talk: Talk): Promise<Counts> {
  await talk.send(`${METRICS}\n`);
  const line = await talk.beginning('{"received":');
  const match = /^\{"received":(\d+),"processed":(\d+),"dropped":(\d+)\}$/.exec(line);
  if (match === null)
    return talk.fail('this is not what metrics answers', counts(60, 20, 40), readable(line));
  const [received, processed, dropped] = match.slice(1).map(Number) as [number, number, number];
  return { received, processed, dropped };
}
