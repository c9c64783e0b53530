/**
 * Pain 17, a stampede: how often is the database asked when many want the same at the same time, and how old is what they
 * get?
 *
 * The companion counts its calls, and the witness changes balances there, as another service would. A server passes if a
 * thousand readers of one value make a handful of calls, whether it has expired or was never there; if what came into
 * the cache together does not leave it together; if it never hides a client's own event from it; and if no change
 * stays unseen for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { Undecided, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';

const TTL_MS = 1_000;
const READERS = 1_000;
/** So many connections are opened at a time: more may not fit into the queue of those that wait to be taken. */
const OPENED_AT_ONCE = 100;
const CALLS_MAX = 10;
const HOT_BALANCE = 7;
/** Fewer than queries run at a time, so these are all kept in the same moment. */
const TOGETHER = 50;
const TOGETHER_MAX = 45;
/** When all of them are read, in parts of the time that they are kept. */
const ROUNDS = [0.6, 0.7, 0.8, 1.15];
/** In parts of the time that it is kept: an old value that is still an answer for a while is one now. */
const EXPIRED = 1.05;
/** Half of what lies between the last round but one and the end of their time. */
const LATE_MS = 100;
const ATTEMPTS_MAX = 3;
/** A call that is made behind a reply is counted a little later. */
const COUNTED_MS = 20;
const WRITERS = 20;
const BEGUN_MS_MAX = 2_000;
const LOOK_MS = 10;
const STALE_MS_MAX = 2 * TTL_MS + 1_000;
const ANSWER_MS_MAX = 30_000;

/** A line to the companion, and its answer. */
type Ask = (type: string, more?: object) => Promise<Record<string, number>>;

export const stampede: LessonWitness = {
  mustStart: true,
  run(source, say, place) {
    return withServer(source, { own: { 'ttl-ms': TTL_MS } }, async scene => {
      const { port } = place.companion('database');
      const databases = await Promise.all(Array.from({ length: WRITERS }, () => Client.open(port)));
      const asks = databases.map(askOn);
      try {
        const readers: Client[] = [];
        while (readers.length < READERS) readers.push(...(await scene.openAll(OPENED_AT_ONCE)));
        for (const user of ['missing', 'expiring']) await asks[0]!('add', { user, amount: HOT_BALANCE });
        const missing = await rush('missing', scene, readers, asks[0]!);
        say(`${count(READERS)} readers of a value that is not there: ${told(missing)}`);
        const together = await expiredTogether(readers.slice(0, TOGETHER), asks[0]!);
        say(`of ${TOGETHER} values that were kept together, ${together} are asked for together`);
        await balanceOf(readers[0]!, 'expiring');
        const keptMs = performance.now();
        const unseen = await unseenWrites(readers, asks[0]!);
        say(`${WRITERS} clients change a value while it is read: ${unseen} do not see what they did`);
        await sleep(Math.max(0, keptMs + EXPIRED * TTL_MS - performance.now()));
        const expired = await rush('expiring', scene, readers, asks[0]!);
        say(`${count(READERS)} readers of one that has expired: ${told(expired)}`);
        const stale = await staleReads(readers, asks);
        say(`${WRITERS} values are changed elsewhere: ${seen(stale)}`);
        const { versions } = await asks[0]!('calls');
        const wrong = [
          ...(expired.calls > CALLS_MAX
            ? [`${count(READERS)} readers of an expired value made ${count(expired.calls)} calls`]
            : []),
          ...(missing.calls > CALLS_MAX
            ? [`${count(READERS)} readers of a missing one made ${count(missing.calls)}`]
            : []),
          ...(together > TOGETHER_MAX ? [`${together} of ${TOGETHER} values expired together`] : []),
          ...(unseen > 0 ? [`${unseen} of ${WRITERS} clients did not see their own event`] : []),
          ...(stale.isForEver ? ['a change was never seen'] : []),
        ];
        return {
          isPresent: wrong.length > 0,
          evidence: {
            callsAtExpiry: expired.calls,
            callsWhenMissing: missing.calls,
            waitedMs: Math.round(expired.waitedMs),
            neighbourWaitedMs: Math.round(expired.neighbourMs),
            expiredTogether: together,
            ownEventsUnseen: unseen,
            staleReads: stale.reads,
            staleMs: Math.round(stale.ms),
            versionChecks: versions!,
          },
          sentence:
            wrong.length > 0
              ? `${listed(wrong, 'and')}.`
              : `${count(READERS)} readers of an expired value made ${told(expired)}. Of changes elsewhere ${seen(stale)}.`,
        };
      } finally {
        for (const database of databases) database.close();
      }
    });
  },
};

function askOn(database: Client): Ask {
  return async (type, more) =>
    JSON.parse(await database.ask(`${JSON.stringify({ n: 1, type, ...more })}\n`, ANSWER_MS_MAX));
}

interface Rush {
  calls: number;
  waitedMs: number;
  /** Of one that asks for something else, which nobody has asked for. */
  neighbourMs: number;
}

function told({ calls, waitedMs }: Rush): string {
  return `${count(calls)} ${calls === 1 ? 'call' : 'calls'}, and up to ${ms(waitedMs)} ms to wait`;
}

/** All at the same time. */
async function rush(user: string, scene: Scene, readers: readonly Client[], ask: Ask): Promise<Rush> {
  const neighbour = await scene.open();
  const before = await ask('calls');
  const startMs = performance.now();
  const timed = async <Value>(asked: Promise<Value>) => [await asked, performance.now() - startMs] as const;
  const [[balances, waitedMs], [, neighbourMs]] = await Promise.all([
    timed(Promise.all(readers.map(reader => balanceOf(reader, user)))),
    timed(balanceOf(neighbour, `beside-${before.gets}`)),
  ]);
  const other = balances.find(balance => balance !== HOT_BALANCE);
  if (other !== undefined)
    throw new Undecided(`the database has ${HOT_BALANCE}, and it says ${other}: does it ask there?`);
  await sleep(COUNTED_MS);
  const after = await ask('calls');
  // One of them is the neighbour's.
  return { calls: after.gets! - before.gets! - 1, waitedMs, neighbourMs };
}

/** Of values that were kept at the same time: how many were asked for again at the same time, at most. */
async function expiredTogether(readers: readonly Client[], ask: Ask): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const { most, isLate } = await expiredIn(readers, `together-${attempt}`, ask);
    if (!isLate || attempt === ATTEMPTS_MAX) return most;
  }
}

/** Late: the machine was busy, and what was read in a round may belong to two. */
async function expiredIn(
  readers: readonly Client[],
  name: string,
  ask: Ask,
): Promise<{ most: number; isLate: boolean }> {
  const readAll = () => Promise.all(readers.map((reader, at) => balanceOf(reader, `${name}-${at}`)));
  await readAll();
  const startMs = performance.now();
  let [most, lateMs] = [0, 0];
  let { gets: last } = await ask('calls');
  for (const part of ROUNDS) {
    const dueMs = startMs + part * TTL_MS;
    await sleep(Math.max(0, dueMs - performance.now()));
    lateMs = Math.max(lateMs, performance.now() - dueMs);
    await readAll();
    await sleep(COUNTED_MS);
    const { gets } = await ask('calls');
    most = Math.max(most, gets! - last!);
    last = gets;
  }
  return { most, isLate: lateMs > LATE_MS };
}

/** While one client reads, another one changes it, and then reads what it did: a cache must not have the old one. */
async function unseenWrites(clients: readonly Client[], ask: Ask): Promise<number> {
  const users = Array.from({ length: WRITERS }, (_, at) => `own-${at}`);
  const before = await ask('calls');
  const reading = Promise.all(users.map((user, at) => balanceOf(clients[2 * at]!, user)));
  const endMs = performance.now() + BEGUN_MS_MAX;
  const haveBegun = async () => (await ask('calls')).gets! - before.gets! >= WRITERS;
  while (!(await haveBegun()) && performance.now() < endMs) await sleep(1);
  const isUnseen = async (user: string, at: number) => {
    const writer = clients[2 * at + 1]!;
    const line = `{"user":"${user}","action":"buy","amount":1,"wait":true}\n`;
    const reply = await writer.ask(line, ANSWER_MS_MAX);
    if (!isTaken(reply)) throw new Undecided(`it answers an event with ${shown(reply)}`);
    await reading;
    return (await balanceOf(writer, user)) !== 1;
  };
  const found = await Promise.all(users.map(isUnseen));
  return found.filter(Boolean).length;
}

interface Stale {
  reads: number;
  ms: number;
  isForEver: boolean;
}

function seen({ reads, ms: oldMs, isForEver }: Stale): string {
  if (reads === 0) return 'no old value is read';
  return `${count(reads)} old values are read, ${isForEver ? 'without end' : `the last after ${ms(oldMs)} ms`}`;
}

/** What is read after the database has acknowledged a change, and is older than it. */
async function staleReads(readers: readonly Client[], asks: readonly Ask[]): Promise<Stale> {
  const found = { reads: 0, ms: 0, isForEver: false };
  const watch = async (ask: Ask, at: number) => {
    const [reader, user] = [readers[at]!, `elsewhere-${at}`];
    await balanceOf(reader, user);
    await ask('add', { user, amount: 1 });
    const changedMs = performance.now();
    for (;;) {
      const askedMs = performance.now() - changedMs;
      if ((await balanceOf(reader, user)) === 1) return;
      found.reads += 1;
      found.ms = Math.max(found.ms, askedMs);
      if (askedMs > STALE_MS_MAX) {
        found.isForEver = true;
        return;
      }
      await sleep(LOOK_MS);
    }
  };
  await Promise.all(asks.map(watch));
  return found;
}

async function balanceOf(client: Client, user: string): Promise<number> {
  const reply = await client.ask(`{"type":"balance","user":"${user}"}\n`, ANSWER_MS_MAX);
  const balance = balanceIn(reply);
  if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  return balance;
}
