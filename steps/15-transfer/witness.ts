/**
 * Pain 15, transfers stand still, and money is gone: does each transfer happen, and is all money here or there, once?
 *
 * First clients send to and fro between two accounts of one bank. Then they send to the other bank: while it is shut the
 * bank is killed and started again; when it is open, it loses replies, or does not know the account. What is sent has an
 * account of its own on both sides, so each can be looked for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import { Client, HungUp, TooLate } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { within } from '../../src/tools/harness/waiting.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { type Say, Undecided, WITNESS_MS_MAX, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';

const CLIENTS = 6;
const TO_AND_FRO_MS = 1_500;
const FUNDS = 1_000_000;
/** Longer than any engine needs to find a deadlock. */
const STUCK_MS = 4_000;
/** To each kind of account. */
const SENT = 20;
const END_MS_MAX = 5_000;
const ANSWER_MS_MAX = 20_000;
/** For what is on its way: so long after anything has moved, nothing more will. */
const STILL_MS = 3_000;
const LOOK_MS = 50;

interface ToAndFro {
  moved: number;
  refused: number;
  standstillMs: number;
}

export const transferring: LessonWitness = {
  mustStart: true,
  async run(source, say, place) {
    const there = place.companion('bank');
    const limitMs = WITNESS_MS_MAX / 2;
    const { moved, refused, standstillMs } = await withServer(
      source,
      {},
      async scene => {
        const seen = await toAndFro(scene);
        say(
          `to and fro between two accounts, ${CLIENTS} clients: ${count(seen.moved)} done, ${count(seen.refused)} refused; ` +
            `nothing moved for up to ${count(seen.standstillMs)} ms`,
        );
        await sendAndKill(scene, say);
        await ask(there, '{"type":"open"}\n');
        return seen;
      },
      limitMs,
    );
    const sums = await withServer(
      source,
      {},
      async scene => {
        say(
          `started again; ${SENT} transfers whose replies are lost, and ${SENT} to accounts that are closed`,
        );
        await Promise.all([...send(await open(scene, 'mute')), ...send(await open(scene, 'closed'))]);
        return settled(scene.server, there);
      },
      limitMs,
    );
    const [gone, doubled] = [sums.filter(sum => sum < 1).length, sums.filter(sum => sum > 1).length];
    say(`of ${sums.length} transfers, ${gone} are neither here nor there, and ${doubled} are in both`);
    const isPresent = refused > 0 || gone > 0 || doubled > 0;
    return {
      isPresent,
      evidence: {
        moved,
        refused,
        standstillMs: Math.round(standstillMs),
        sent: sums.length,
        wrongSums: gone + doubled,
        gone,
        doubled,
      },
      sentence: isPresent
        ? `${count(refused)} of ${count(refused + moved)} transfers between two accounts failed; of ${sums.length} to another bank, ${gone} never arrived, and ${doubled} did and came back, or came twice.`
        : `${count(moved)} transfers between two accounts were done, none failed, and each of ${sums.length} to another bank has arrived or was given back.`,
    };
  },
};

async function toAndFro(scene: Scene): Promise<ToAndFro> {
  const [first] = await scene.openAll(1);
  for (const user of ['alice', 'bob']) await fund(first!, user, FUNDS);
  const startMs = performance.now();
  let [moved, refused, standstillMs, lastMs] = [0, 0, 0, startMs];
  const isOver = () => performance.now() - startMs > TO_AND_FRO_MS;
  const note = () => {
    standstillMs = Math.max(standstillMs, performance.now() - lastMs);
    lastMs = performance.now();
  };
  const run = async (index: number) => {
    const [from, to] = index % 2 === 0 ? ['alice', 'bob'] : ['bob', 'alice'];
    const line = `{"type":"transfer","from":"${from}","to":"${to}","amount":1,"min":0}\n`;
    let client = await scene.open();
    while (!isOver()) {
      const reply = await replyOf(client, line, STUCK_MS);
      if (reply !== undefined && isTaken(reply)) {
        note();
        moved += 1;
      } else if (reply !== undefined && !reply.includes('"rejected"')) {
        throw new Undecided(`it answers a transfer with ${shown(reply)}`);
      } else {
        refused += 1;
        // It hung up, or will never answer.
        if (reply === undefined) client = await scene.open();
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => run(index)));
  note();
  return { moved, refused, standstillMs };
}

async function sendAndKill(scene: Scene, say: Say): Promise<void> {
  const { server } = scene;
  const sending = send(await open(scene, 'later'));
  const look = await scene.open();
  const endMs = performance.now() + ANSWER_MS_MAX;
  // All of it has left.
  for (let index = 0; index < SENT; index += 1)
    while ((await balanceOf(look, `from-later-${index}`)) !== 0) {
      if (performance.now() > endMs) throw new Undecided('money that is sent does not leave its account');
      await sleep(LOOK_MS);
    }
  server.signal('SIGKILL');
  if ((await within(END_MS_MAX, server.ended)) === undefined)
    throw new Undecided('it does not end when it is killed: is it started in the background?');
  await Promise.all(sending);
  say(`${SENT} transfers to another bank, which is shut: the money has left; then kill -9`);
}

/** Connections to the accounts that have something to send: one for each. */
async function open(scene: Scene, kind: string): Promise<{ client: Client; kind: string; index: number }[]> {
  const clients = await scene.openAll(SENT);
  return await Promise.all(
    clients.map(async (client, index) => {
      await fund(client, `from-${kind}-${index}`, 1);
      return { client, kind, index };
    }),
  );
}

/** What becomes of it is seen in the accounts: a client that gets no reply knows nothing. */
function send(senders: Awaited<ReturnType<typeof open>>): Promise<unknown>[] {
  return senders.map(({ client, kind, index }) =>
    replyOf(
      client,
      `{"type":"transfer","from":"from-${kind}-${index}","to":"${kind}-${index}","amount":1,"min":0,"abroad":true}\n`,
      ANSWER_MS_MAX,
    ),
  );
}

/** What there is of each transfer on both sides together, which should be 1: when it is, or when nothing moves any more. */
async function settled(here: Server, there: Server): Promise<number[]> {
  const clients = [await Client.open(here.port, here.host), await Client.open(there.port, there.host)];
  const [bank, other] = clients as [Client, Client];
  let [before, movedMs] = ['', performance.now()];
  try {
    for (;;) {
      const sums: number[] = [];
      for (const kind of ['later', 'mute', 'closed'])
        for (let index = 0; index < SENT; index += 1)
          sums.push(
            (await balanceOf(bank, `from-${kind}-${index}`)) + (await balanceOf(other, `${kind}-${index}`)),
          );
      if (sums.join() !== before) [before, movedMs] = [sums.join(), performance.now()];
      if (sums.every(sum => sum === 1) || performance.now() - movedMs > STILL_MS) return sums;
      await sleep(LOOK_MS);
    }
  } finally {
    for (const client of clients) client.close();
  }
}

async function ask({ port, host }: Server, line: string): Promise<void> {
  const client = await Client.open(port, host);
  await client.ask(line);
  client.close();
}

/** Undefined if none comes. */
async function replyOf(client: Client, line: string, limitMs: number): Promise<string | undefined> {
  try {
    return await client.ask(line, limitMs);
  } catch (error) {
    if (error instanceof HungUp || error instanceof TooLate) return undefined;
    throw error;
  }
}

async function fund(client: Client, user: string, amount: number): Promise<void> {
  const reply = await client.ask(
    `{"user":"${user}","action":"buy","amount":${amount},"wait":true}\n`,
    ANSWER_MS_MAX,
  );
  if (balanceIn(reply) === undefined) throw new Undecided(`it answers an event with ${shown(reply)}`);
}

async function balanceOf(client: Client, user: string): Promise<number> {
  const reply = await client.ask(`{"type":"balance","user":"${user}"}\n`, ANSWER_MS_MAX);
  const balance = balanceIn(reply);
  if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  return balance;
}
