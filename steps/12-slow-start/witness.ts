/**
 * Pain 12, a start reads all that ever happened: how long until the server serves, with few events and with many, and what
 * becomes of events while somebody asks about a day?
 *
 * Events are sent in rounds, each answered before the next. Behind each round the server is killed and started with the
 * same folder. The shortest of some starts counts: every one does the same work, and other work of the machine only adds.
 * What was accepted must be there: a start that forgets is no fast one.
 */
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import type { Client } from '../../src/tools/harness/client.ts';
import type { Source } from '../kit/server.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { type Evidence, Undecided, WITNESS_MS_MAX, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';
import { type Delays, delaysOf } from './questions.ts';

const ROUNDS = 4;
/** Of each of the servers that have events to take; the others only start. */
const SERVER_MS_MAX = WITNESS_MS_MAX / ROUNDS;
const EVENTS_EACH_ROUND = 20_000;
const CLIENTS = 100;
/** One of each client: none at all would be another way to start. */
const FEW = 100;
/** Lines that a client has under way. */
const BATCH = 40;
/** How often it is started with few events, and with all of them, at least and at most: more often where it can't be told. */
const STARTS_MIN = 3;
const STARTS_MAX = 10;
/** This many times the time of a server with few events is too long. */
const TIMES_MAX = 1.6;
const TIMES_UNCLEAR = [1.3, 2.2] as const;
/** An event waits for questions if it takes this many times as long as without. */
const DELAY_TIMES_MAX = 4;
const ANSWER_MS_MAX = 30_000;

export interface Account {
  user: string;
  accepted: number;
}

export const laterStart: LessonWitness = {
  mustStart: true,
  async run(source, say, place) {
    const [small, data] = [place.folder(), place.folder()];
    const accounts = newAccounts();
    await served(source, small, scene => send(scene, newAccounts(), FEW));
    const [few, all]: [number[], number[]] = [[await servedAfterMs(source, small)], []];
    say(`${FEW} events were ever accepted: it serves after ${ms(few[0]!)} ms`);
    let [lost, delays]: [number, Delays | undefined] = [0, undefined];
    for (let round = 0; round <= ROUNDS && lost === 0; round += 1)
      await served(source, data, async (scene, afterMs) => {
        lost = await lostIn(scene, accounts);
        if (round > 0)
          say(`${count(acceptedBy(accounts))} events were ever accepted: it serves after ${ms(afterMs)} ms`);
        if (lost > 0 || round === ROUNDS) return void all.push(afterMs);
        await send(scene, accounts, EVENTS_EACH_ROUND);
        if (round === ROUNDS - 1) delays = await delaysOf(scene, accounts[0]!, say);
      });
    const isUnclear = () => {
      const times = Math.min(...all) / Math.min(...few);
      return times > TIMES_UNCLEAR[0] && times < TIMES_UNCLEAR[1];
    };
    while (lost === 0 && (all.length < STARTS_MIN || (isUnclear() && all.length < STARTS_MAX))) {
      few.push(await servedAfterMs(source, small));
      all.push(await servedAfterMs(source, data));
    }
    return findingOf(accounts, Math.min(...few), Math.min(...all), lost, delays);
  },
};

function findingOf(
  accounts: readonly Account[],
  fewMs: number,
  allMs: number,
  lost: number,
  delays: Delays | undefined,
) {
  const events = acceptedBy(accounts);
  const grows = allMs > TIMES_MAX * fewMs;
  const waits = delays !== undefined && delays.besideMs > DELAY_TIMES_MAX * delays.aloneMs;
  const evidence: Evidence = {
    events,
    startMsWithFew: rounded(fewMs),
    startMsWithAll: rounded(allMs),
    timesAsLong: rounded(allMs / fewMs),
    lost,
    ...(delays !== undefined && {
      eventMsAlone: rounded(delays.aloneMs),
      eventMsBesideQuestions: rounded(delays.besideMs),
      questionMs: rounded(delays.questionMs),
    }),
  };
  const start = grows
    ? `With ${count(events)} events it serves after ${ms(allMs)} ms, with ${FEW} after ${ms(fewMs)} ms`
    : `With ${count(events)} events it serves as soon as with ${FEW}, after ${ms(allMs)} ms`;
  const besides =
    delays && `${ms(delays.besideMs)} ms beside questions, and ${ms(delays.aloneMs)} ms without`;
  const sentences = [
    ...(lost > 0
      ? [`Of ${count(events)} accepted events ${count(lost)} were gone behind a start, or counted twice.`]
      : []),
    `${start}${besides === undefined ? '' : `; an event takes ${besides}`}.`,
  ];
  return { isPresent: lost > 0 || grows || waits, evidence, sentence: sentences.join(' ') };
}

export function newAccounts(): Account[] {
  return Array.from({ length: CLIENTS }, (_, index) => ({ user: `start-${index + 1}`, accepted: 0 }));
}

/** Starts it with the folder, and asks for a balance: `afterMs` is how long that took. It is killed afterwards. */
export function served(
  source: Source,
  data: string,
  use: (scene: Scene, afterMs: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  const each = async (scene: Scene) => {
    const client = await scene.open();
    await balanceOf(client, 'start-1');
    await use(scene, performance.now() - startMs);
  };
  return withServer(source, { own: { data } }, each, SERVER_MS_MAX);
}

export async function servedAfterMs(source: Source, data: string): Promise<number> {
  let servedMs = 0;
  await served(source, data, async (_, afterMs) => {
    servedMs = afterMs;
  });
  return servedMs;
}

/** Has events accepted, as many of each user. All of them are answered in the end. */
export async function send(scene: Scene, accounts: readonly Account[], events: number): Promise<void> {
  const clients = await scene.openAll(accounts.length);
  const sendFor = async (client: Client, account: Account) => {
    const line = `{"user":"${account.user}","action":"buy","amount":1}\n`;
    for (let left = events / accounts.length; left > 0; left -= BATCH) {
      client.send(line.repeat(Math.min(left, BATCH)));
      const replies = await client.lines(Math.min(left, BATCH), ANSWER_MS_MAX);
      const other = replies.find(reply => !isTaken(reply));
      if (other !== undefined) throw new Undecided(`it answers an event with ${shown(other)}`);
      account.accepted += replies.length;
    }
    client.close();
  };
  await Promise.all(clients.map((client, index) => sendFor(client, accounts[index]!)));
}

/** By how much balances differ from what was accepted. Nothing is under way. */
async function lostIn(scene: Scene, accounts: readonly Account[]): Promise<number> {
  const client = await scene.open();
  let lost = 0;
  for (const { user, accepted } of accounts) lost += Math.abs(accepted - (await balanceOf(client, user)));
  return lost;
}

async function balanceOf(client: Client, user: string): Promise<number> {
  const reply = await client.ask(`{"type":"balance","user":"${user}"}\n`, ANSWER_MS_MAX);
  const balance = balanceIn(reply);
  if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  return balance;
}

export function acceptedBy(accounts: readonly Account[]): number {
  return accounts.reduce((sum, { accepted }) => sum + accepted, 0);
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
