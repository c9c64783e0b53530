/**
 * What lessons 11 and 18 ask: is everything there that was accepted before `kill -9`?
 *
 * Clients send events as fast as they are answered, each for a user of its own. In the midst of that the server is killed
 * and started again with the same folder, some times in a row, so that what it has recovered has to be recovered again.
 * What was sent and not answered may be there or not: nobody was told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import type { Client } from '../../src/tools/harness/client.ts';
import { within } from '../../src/tools/harness/waiting.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { Undecided, WITNESS_MS_MAX, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from './lesson.ts';

const CLIENTS = 16;
/** Lines that a client has under way: fewer than fit into any buffer. */
const UNDER_WAY = 8;
/** A slow disk gets longer, so that there is something to lose. */
const ACCEPTED_MIN = 100;
const LOAD_MS_MAX = 15_000;
const LOOK_MS = 5;
const END_MS_MAX = 5_000;
const ANSWER_MS_MAX = 20_000;

interface Account {
  user: string;
  sent: number;
  accepted: number;
}

/** The server is killed once for each of `livesMs`, which says how long it is under load before. */
export const goneAfterKills = (livesMs: readonly number[]): LessonWitness => ({
  mustStart: true,
  async run(source, say, place) {
    const kills = livesMs.length;
    // One server for each kill, and a last one.
    const serverMsMax = WITNESS_MS_MAX / (kills + 1);
    const own = { data: place.folder() };
    const accounts = Array.from({ length: CLIENTS }, (_, index) => ({
      user: `killed-${index + 1}`,
      sent: 0,
      accepted: 0,
    }));
    const tell = (lost: number) => {
      const accepted = sum(accounts, 'accepted');
      say(
        `started again with the same folder: ${count(accepted - lost)} of the ${count(accepted)} are there`,
      );
    };
    let loadMs = 0;
    const onServer = <Value>(use: (scene: Scene) => Promise<Value>) =>
      withServer(source, { own }, use, serverMsMax);
    for (const [index, lifeMs] of livesMs.entries())
      loadMs += await onServer(async scene => {
        if (index > 0) tell(await lostIn(scene, accounts));
        const before = sum(accounts, 'accepted');
        const elapsedMs = await loadAndKill(scene, accounts, lifeMs);
        const accepted = count(sum(accounts, 'accepted') - before);
        say(`${CLIENTS} clients send; ${accepted} events are accepted, then kill -9`);
        return elapsedMs;
      });
    const lost = await onServer(scene => lostIn(scene, accounts));
    tell(lost);
    const accepted = sum(accounts, 'accepted');
    return {
      isPresent: lost > 0,
      evidence: {
        accepted,
        lost,
        shareLostPercent: Math.round((1_000 * lost) / accepted) / 10,
        kills,
        acceptedPerS: Math.round((1_000 * accepted) / loadMs),
      },
      sentence:
        lost > 0
          ? `The server had accepted ${count(accepted)} events when it was killed, and ${count(lost)} of them are gone.`
          : `The server had accepted ${count(accepted)} events, was killed ${kills} times in the midst of them, and has them all.`,
    };
  },
});

/** Returns how long the server was under load. */
async function loadAndKill(scene: Scene, accounts: readonly Account[], lifeMs: number): Promise<number> {
  const { server } = scene;
  const clients = await scene.openAll(accounts.length);
  const acceptedBefore = sum(accounts, 'accepted');
  let isKilled = false;
  let other: string | undefined;
  const send = async (client: Client, account: Account) => {
    try {
      while (!isKilled) {
        account.sent += 1;
        const reply = await client.ask(
          `{"user":"${account.user}","action":"buy","amount":1}\n`,
          ANSWER_MS_MAX,
        );
        if (isTaken(reply)) account.accepted += 1;
        else other ??= reply;
      }
    } catch (error) {
      // What was answered before the end has been counted; what was not, nobody was told.
      if (!isKilled) throw error;
    }
  };
  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;
  const sending = Promise.all(
    clients.flatMap((client, index) =>
      Array.from({ length: UNDER_WAY }, () => send(client, accounts[index]!)),
    ),
  );
  let hasFailed = false;
  sending.catch(() => {
    hasFailed = true;
  });
  const isEnough = () =>
    elapsedMs() >= (sum(accounts, 'accepted') - acceptedBefore >= ACCEPTED_MIN ? lifeMs : LOAD_MS_MAX);
  while (!hasFailed && !isEnough()) await sleep(LOOK_MS);
  const loadMs = elapsedMs();
  if (!hasFailed) {
    isKilled = true;
    server.signal('SIGKILL');
  }
  await sending;
  if ((await within(END_MS_MAX, server.ended)) === undefined)
    throw new Undecided('it does not end when it is killed: is it started in the background?');
  if (sum(accounts, 'accepted') > acceptedBefore) return loadMs;
  throw new Undecided(`it accepts no event, and answers ${other === undefined ? 'nothing' : shown(other)}`);
}

/** How many accepted events are not there. */
async function lostIn(scene: Scene, accounts: readonly Account[]): Promise<number> {
  const client = await scene.open();
  let lost = 0;
  for (const { user, sent, accepted } of accounts) {
    const reply = await client.ask(`{"type":"balance","user":"${user}"}\n`, ANSWER_MS_MAX);
    const balance = balanceIn(reply);
    if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
    if (balance > sent)
      throw new Undecided(
        `it has ${count(balance)} of ${count(sent)} events: what it kept, it applies more than once`,
      );
    lost += Math.max(0, accepted - balance);
  }
  return lost;
}

function sum(accounts: readonly Account[], what: 'sent' | 'accepted'): number {
  return accounts.reduce((all, account) => all + account[what], 0);
}
