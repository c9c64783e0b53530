/** Pain 6, lost updates: is the balance the sum of what was accepted, when all clients send to one user? */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import type { Client } from '../../../src/tools/harness/client.ts';
import { balanceIn, isTaken, shown } from './scene.ts';
import { type Say, Undecided, type Witness, withServer } from './witness.ts';

const CONNECTIONS = 16;
const EVENTS = 20;
const WORKERS = 4;
/** Between reading and writing the balance: long enough that a conflict is certain. */
const WINDOW_US = 2_000;
const SETTLED_MS = 500;
const LIMIT_MS = 20_000;

export const lostUpdates: Witness = {
  pain: 6,
  mustStart: false,
  run: (source, say) =>
    withServer(source, { workers: WORKERS, windowUs: WINDOW_US, queue: 1024 }, async scene => {
      const user = `everybody-${process.pid}-${Date.now()}`;
      const clients = await scene.openAll(CONNECTIONS);
      say(`${CONNECTIONS} clients send ${EVENTS} events each, all for one user`);
      const answered = await Promise.all(
        clients.map(async client => {
          client.send(`{"user":"${user}","action":"buy","amount":1}\n`.repeat(EVENTS));
          return client.lines(EVENTS, LIMIT_MS);
        }),
      );
      const replies = answered.flat();
      const expected = replies.filter(isTaken).length;
      if (expected === 0) throw new Undecided(`it takes no event, and answers ${shown(replies[0]!)}`);
      say(`${count(expected)} of them were accepted`);
      // Each asks after its own events, so after the last answer all events have been applied.
      await Promise.all(clients.map(client => balanceOf(client, user)));
      const balance = await settled(clients[0]!, user, expected, say);
      if (balance > expected)
        throw new Undecided(`the balance of ${count(expected)} events of 1 is ${count(balance)}`);
      return {
        isPresent: balance !== expected,
        evidence: { accepted: expected, balance, lost: expected - balance },
        sentence:
          balance === expected
            ? `${count(expected)} events were accepted, and the balance is ${count(balance)}.`
            : `${count(expected)} events were accepted, but the balance is ${count(balance)}: ${count(expected - balance)} are lost.`,
      };
    }),
};

async function balanceOf(client: Client, user: string): Promise<number> {
  const reply = await client.ask(`{"type":"balance","user":"${user}"}\n`, LIMIT_MS);
  const balance = balanceIn(reply);
  if (balance === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  return balance;
}

/** A server whose balances are not final yet gets more time, while they still change. */
async function settled(client: Client, user: string, expected: number, say: Say): Promise<number> {
  const endMs = performance.now() + LIMIT_MS;
  let balance = await balanceOf(client, user);
  for (let sinceMs = performance.now(); balance !== expected && performance.now() - sinceMs < SETTLED_MS; ) {
    await sleep(20);
    const before = balance;
    balance = await balanceOf(client, user);
    if (balance !== before) sinceMs = performance.now();
    if (performance.now() > endMs)
      throw new Undecided(
        `its balance still changes after ${LIMIT_MS / 1_000} s, and is now ${count(balance)}`,
      );
  }
  say(`the balance is ${count(balance)}`);
  return balance;
}
