/** How long an event takes while nobody asks what a user had at the end of a day, and while some do, one question after another. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ms } from '../../src/cli/terminal/numbers.ts';
import type { Client } from '../../src/tools/harness/client.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { type Say, Undecided } from '../kit/witnesses/witness.ts';
import type { Account } from './witness.ts';

export interface Delays {
  /** On average. */
  aloneMs: number;
  besideMs: number;
  /** Of one that is asked alone. */
  questionMs: number;
}

/** Events are sent one after the other for this long, and some at least. */
const EVENTS_MS = 500;
const EVENTS_MIN = 5;
const ASKERS = 6;
/** Between a reply and the next question: a server that answers at once is not asked without end. */
const PAUSE_MS = 25;
const ANSWER_MS_MAX = 30_000;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** Its events are sent while others ask; the balance of the other user stays. */
const SENDER = 'start-sender';

/** Undefined if the server knows no such question. Whoever still waits for an answer in the end is not waited for. */
export async function delaysOf(scene: Scene, account: Account, say: Say): Promise<Delays | undefined> {
  const [client, ...askers] = await scene.openAll(1 + ASKERS);
  if ((await client!.ask(questionFor(account, 0), ANSWER_MS_MAX)).includes('unknown_type')) return undefined;
  await ask(client!, account, 2);
  const questionMs = await ask(client!, account, 0);
  const aloneMs = await eventMs(client!);
  let isOver = false;
  const asking = askers.map(async asker => {
    while (!isOver) {
      await ask(asker, account, 0);
      await sleep(PAUSE_MS);
    }
  });
  const failed = Promise.all(asking).then(() => 0);
  const besideMs = await Promise.race([eventMs(client!), failed]);
  isOver = true;
  // Their connections end with the server.
  failed.catch(() => {});
  say(
    `a question takes ${ms(questionMs)} ms; while ${ASKERS} clients ask, an event takes ${ms(besideMs)} ms, and ${ms(aloneMs)} while nobody does`,
  );
  return { aloneMs, besideMs, questionMs };
}

/** How long an event takes, on average: a median would not see that all of them wait now and then. */
async function eventMs(client: Client): Promise<number> {
  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;
  let sent = 0;
  for (; sent < EVENTS_MIN || elapsedMs() < EVENTS_MS; sent += 1) {
    const reply = await client.ask(`{"user":"${SENDER}","action":"buy","amount":1}\n`, ANSWER_MS_MAX);
    if (!isTaken(reply)) throw new Undecided(`it answers an event with ${shown(reply)}`);
  }
  return elapsedMs() / sent;
}

/** About today, or about a day before all of this. How long it takes. */
async function ask(client: Client, account: Account, daysAgo: number): Promise<number> {
  const startMs = performance.now();
  const reply = await client.ask(questionFor(account, daysAgo), ANSWER_MS_MAX);
  const expected = daysAgo === 0 ? account.accepted : 0;
  if (balanceIn(reply) !== expected)
    throw new Undecided(
      `asked what ${account.user} had at the end of a day, it answers ${shown(reply)}; it was ${expected}`,
    );
  return performance.now() - startMs;
}

function questionFor({ user }: Account, daysAgo: number): string {
  const day = new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
  return `{"type":"closing","user":"${user}","day":"${day}"}\n`;
}
