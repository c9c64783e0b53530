/** Pain 6, lost updates: is the balance the sum of what was accepted, when all clients send to one user? */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { type Say, type Witness, withServer } from './witness.ts';

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
    withServer(source, { workers: WORKERS, windowUs: WINDOW_US, queue: 1024 }, async ({ host, port }) => {
      const user = `everybody-${process.pid}-${Date.now()}`;
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port, host)));
      say(`${CONNECTIONS} clients send ${EVENTS} events each, all for one user`);
      const accepted = await Promise.all(
        clients.map(async client => {
          client.send(`{"user":"${user}","action":"buy","amount":1}\n`.repeat(EVENTS));
          const replies = await client.lines(EVENTS, LIMIT_MS);
          return replies.filter(reply => /"(?:accepted|ok)"/.test(reply)).length;
        }),
      );
      const expected = accepted.reduce((sum, events) => sum + events, 0);
      say(`${count(expected)} of them were accepted`);
      // Each asks after its own events, so after the last answer all events have been applied.
      await Promise.all(clients.map(client => balanceOf(client, user)));
      const balance = await settled(clients[0]!, user, expected, say);
      for (const client of clients) client.close();
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
  return Number(/"balance":(-?\d+)/.exec(reply)?.[1]);
}

/** A server whose balances are not final yet gets more time. */
async function settled(client: Client, user: string, expected: number, say: Say): Promise<number> {
  let balance = await balanceOf(client, user);
  for (let sinceMs = performance.now(); balance !== expected && performance.now() - sinceMs < SETTLED_MS; ) {
    await sleep(20);
    const before = balance;
    balance = await balanceOf(client, user);
    if (balance !== before) sinceMs = performance.now();
  }
  say(`the balance is ${count(balance)}`);
  return balance;
}
