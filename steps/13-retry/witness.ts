/**
 * Pain 13, a retry is charged twice: is an event with an `id` done once, however often it is sent?
 *
 * First, one after the other: what an id stands for. It is for one event of one user. All other events have ids that no
 * other user has, so that nothing else is taken for this.
 *
 * Then three reasons to send again. The reply is lost; here the witness keeps it, to compare it with the second one. The
 * server is killed by `kill -9` and started again with the same folder; the engine, if it talks to one, is some
 * milliseconds away, so that some events are between any two commands at that moment. And an impatient client sends to all
 * instances at once. A second instance that does not know the balances of the first is another service, and is left out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { type Client, HungUp } from '../../src/tools/harness/client.ts';
import { within } from '../../src/tools/harness/waiting.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { Undecided, WITNESS_MS_MAX, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';
import { distanceTo } from './distance.ts';

const ENGINE_MS = 10;
/** Of each of the servers: the first, the one after the crash, and the second instance. */
const SERVER_MS_MAX = WITNESS_MS_MAX / 3;
const LOST_REPLIES = 40;
const CLIENTS = 64;
const LOAD_MS = 600;
/** A slow server gets longer, so that every client has an event to send again. */
const LOAD_MS_MAX = 10_000;
/** Clients begin one after the other, and so are at different places of their events when the server is killed. */
const APART_MS = 1;
const AT_ONCE = 30;
const AMOUNT = 5;
const OTHER_AMOUNT = 3;
const AGAIN_MS = 50;
const AGAIN_MS_MAX = 10_000;
const END_MS_MAX = 5_000;

/** What became of events that were sent again. */
interface Tally {
  events: number;
  twice: number;
  never: number;
  otherReplies: number;
}

interface Buyer {
  user: string;
  sent: number;
  /** Of the last event that was answered. */
  reply: string | undefined;
  answered: number;
}

export const chargedTwice: LessonWitness = {
  mustStart: true,
  async run(source, say, place) {
    const distance = await distanceTo(place.engine('redis').url, ENGINE_MS);
    try {
      const own = { data: place.folder(), 'redis-url': distance.url };
      const onServer = <Value>(data: string, use: (scene: Scene) => Promise<Value>) =>
        withServer(source, { own: { ...own, data } }, use, SERVER_MS_MAX);
      const buyers = Array.from({ length: CLIENTS }, (_, index) => ({
        user: `crash-${index + 1}`,
        sent: 0,
        reply: undefined,
        answered: 0,
      }));
      const [ids, lost] = await onServer(own.data, async scene => {
        const standing = await whatIdsStandFor(scene);
        say(
          `an id again, of another user: ${standing.isOfUser ? 'charged' : 'never charged'}; with another amount: ${standing.isOfEvent ? 'refused' : 'not refused'}`,
        );
        const found = await afterLostReplies(scene);
        say(`${count(found.events)} replies are lost, and sent again: ${told(found)}`);
        await loadAndKill(scene, buyers);
        return [standing, found] as const;
      });
      const [crash, atOnce, instances] = await onServer(own.data, async scene => {
        const crashed = await afterCrash(scene, buyers);
        say(`${CLIENTS} clients send; kill -9; started again, and sent again: ${told(crashed)}`);
        return onServer(place.folder(), async second => {
          const scenes = (await areOne(scene, second)) ? [scene, second] : [scene];
          const doubled = await allAtOnce(scenes);
          const where = scenes.length === 2 ? 'both instances' : 'the only instance, twice';
          say(`${AT_ONCE} clients send to ${where}, at the same time: ${told(doubled)}`);
          return [crashed, doubled, scenes.length] as const;
        });
      });
      const all = [lost, crash, atOnce];
      const [events, twice, never, otherReplies] = (
        ['events', 'twice', 'never', 'otherReplies'] as const
      ).map(name => all.reduce((sum, found) => sum + found[name], 0)) as [number, number, number, number];
      const wrong = [
        ...(twice > 0 ? [`${count(twice)} were charged twice`] : []),
        ...(never > 0 ? [`${count(never)} were never charged, though it was said`] : []),
        ...(otherReplies > 0 ? [`${count(otherReplies)} got another reply than the first`] : []),
      ];
      const isRight = twice + never + otherReplies === 0;
      const alsoWrong = [
        ...(ids.isOfUser ? [] : ['an event was taken for that of another user, whose id was the same']),
        ...(ids.isOfEvent ? [] : ['another amount under a known id was not refused']),
      ];
      const isPresent = !isRight || alsoWrong.length > 0;
      return {
        isPresent,
        evidence: {
          events,
          chargedTwice: twice,
          chargedTwicePercent: Math.round((1_000 * twice) / events) / 10,
          twiceAfterLostReply: lost.twice,
          twiceAfterCrash: crash.twice,
          twiceAtOnce: atOnce.twice,
          neverCharged: never,
          otherReplies,
          hasIdsByUser: ids.isOfUser,
          isReuseRefused: ids.isOfEvent,
          instances,
        },
        sentence: [
          isRight
            ? `${count(events)} events were sent again, and each was charged once, and answered as the first time`
            : `Of ${count(events)} events that were sent again, ${listed(wrong, 'and')}`,
          ...alsoWrong,
        ]
          .join('; ')
          .concat('.'),
      };
    } finally {
      distance.close();
    }
  },
};

function told({ twice, never, otherReplies }: Tally): string {
  const more = [
    ...(never > 0 ? [`${count(never)} never charged`] : []),
    ...(otherReplies > 0 ? [`${count(otherReplies)} other replies`] : []),
  ];
  return [`${count(twice)} charged twice`, ...more].join(', ');
}

interface Standing {
  isOfUser: boolean;
  isOfEvent: boolean;
}

async function whatIdsStandFor(scene: Scene): Promise<Standing> {
  const send = (user: string, amount: number) => insist(scene, eventOf(user, 'same', amount), isDecided);
  await send('one', AMOUNT);
  await send('other', AMOUNT);
  const isOfUser = (await balanceOf(scene, 'other')) === AMOUNT;
  return { isOfUser, isOfEvent: !isTaken(await send('one', OTHER_AMOUNT)) };
}

function isDecided(reply: string): boolean {
  return isTaken(reply) || reply.includes('"id_reused"');
}

/** Between the two goes another event of the user: a reply made anew would not be the first one. */
async function afterLostReplies(scene: Scene): Promise<Tally> {
  const found = await Promise.all(
    Array.from({ length: LOST_REPLIES }, async (_, index) => {
      const user = `lost-${index + 1}`;
      const line = lineOf(user, 'a', AMOUNT);
      const first = await insist(scene, line);
      await insist(scene, lineOf(user, 'b', OTHER_AMOUNT));
      const second = await insist(scene, line);
      return judged(await balanceOf(scene, user), AMOUNT + OTHER_AMOUNT, [first, second]);
    }),
  );
  return added(found);
}

async function loadAndKill(scene: Scene, buyers: Buyer[]): Promise<void> {
  const { server } = scene;
  const clients = await scene.openAll(buyers.length);
  let isKilled = false;
  const send = async (client: Client, buyer: Buyer, index: number) => {
    try {
      await sleep(index * APART_MS);
      while (!isKilled) {
        buyer.sent += 1;
        const reply = await client.ask(lineOf(buyer.user, String(buyer.sent), 1), AGAIN_MS_MAX);
        if (!isTaken(reply)) throw notTaken(reply);
        buyer.reply = reply;
        buyer.answered = buyer.sent;
      }
    } catch (error) {
      if (!isKilled) throw error;
    }
  };
  const sending = Promise.all(clients.map((client, index) => send(client, buyers[index]!, index)));
  let hasFailed = false;
  sending.catch(() => {
    hasFailed = true;
  });
  const startMs = performance.now();
  const isEnough = () => {
    const limitMs = buyers.every(({ answered }) => answered > 0) ? LOAD_MS : LOAD_MS_MAX;
    return performance.now() - startMs >= limitMs;
  };
  while (!hasFailed && !isEnough()) await sleep(1);
  if (!hasFailed) {
    isKilled = true;
    server.signal('SIGKILL');
  }
  await sending;
  if ((await within(END_MS_MAX, server.ended)) === undefined)
    throw new Undecided('it does not end when it is killed: is it started in the background?');
}

/** Each sends what was not answered; and what was, because it can't be known who saw it. */
async function afterCrash(scene: Scene, buyers: readonly Buyer[]): Promise<Tally> {
  const found = await Promise.all(
    buyers.map(async ({ user, sent, answered, reply }) => {
      const replies: string[] = [];
      if (reply !== undefined) replies.push(reply, await insist(scene, lineOf(user, String(answered), 1)));
      if (sent > answered) await insist(scene, lineOf(user, String(sent), 1));
      return judged(await balanceOf(scene, user), sent, replies);
    }),
  );
  return added(found);
}

/** A balance that one has is known to the other: they are two instances of one service. */
async function areOne(scene: Scene, second: Scene): Promise<boolean> {
  const user = 'instances';
  await insist(scene, lineOf(user, 'a', AMOUNT));
  return (await balanceOf(second, user)) === AMOUNT;
}

/** To the first instance twice, to the others once. */
async function allAtOnce(scenes: readonly Scene[]): Promise<Tally> {
  const found = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, index) => {
      const user = `at-once-${index + 1}`;
      const line = lineOf(user, 'a', AMOUNT);
      const replies = await Promise.all([scenes[0]!, ...scenes].map(scene => insist(scene, line)));
      return judged(await balanceOf(scenes[0]!, user), AMOUNT, replies);
    }),
  );
  return added(found);
}

/** As a client does that wants it done: until there is an answer, on a connection of its own each time. */
async function insist(scene: Scene, line: string, isWanted = isTaken): Promise<string> {
  const endMs = performance.now() + AGAIN_MS_MAX;
  for (;;) {
    const reply = await answerOf(scene, line);
    if (reply !== undefined && isWanted(reply)) return reply;
    if (reply !== undefined && !reply.includes('server_busy')) throw notTaken(reply);
    if (performance.now() > endMs)
      throw reply === undefined
        ? new HungUp(`for ${AGAIN_MS_MAX / 1_000} s it hung up instead of answering`)
        : new Undecided(`an event that is sent again is not taken within ${AGAIN_MS_MAX / 1_000} s`);
    await sleep(AGAIN_MS);
  }
}

/** Undefined if the server hung up instead. */
async function answerOf(scene: Scene, line: string): Promise<string | undefined> {
  const client = await scene.open();
  try {
    return await client.ask(line, AGAIN_MS_MAX);
  } catch (error) {
    if (error instanceof HungUp && !scene.server.hasEnded) return undefined;
    throw error;
  } finally {
    client.close();
  }
}

async function balanceOf(scene: Scene, user: string): Promise<number> {
  const reply = await insist(scene, `{"type":"balance","user":"${user}"}\n`);
  const balance = balanceIn(reply);
  if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  return balance;
}

function judged(balance: number, wanted: number, replies: readonly string[]): Tally {
  return {
    events: 1,
    twice: Number(balance > wanted),
    never: Number(balance < wanted),
    otherReplies: Number(new Set(replies).size > 1),
  };
}

function added(found: readonly Tally[]): Tally {
  const sum = (name: keyof Tally) => found.reduce((all, each) => all + each[name], 0);
  return {
    events: sum('events'),
    twice: sum('twice'),
    never: sum('never'),
    otherReplies: sum('otherReplies'),
  };
}

/** With an id that no other user has. */
function lineOf(user: string, id: string, amount: number): string {
  return eventOf(user, `${user}-${id}`, amount);
}

function eventOf(user: string, id: string, amount: number): string {
  return `{"user":"${user}","action":"buy","amount":${amount},"wait":true,"id":"${id}"}\n`;
}

function notTaken(reply: string): Undecided {
  return new Undecided(`it answers an event with an id with ${shown(reply)}`);
}
