/** Replies to large input leave at the end of a turn: whatever follows at once, they are all there, and in order. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import {
  ACCEPTED,
  askBalances,
  askMetrics,
  balanceRequest,
  buyLine,
  HEALTH,
  HEALTHY,
  okLine,
  SHUTTING_DOWN,
} from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const waiting = (line: string) => line.replace('}', ',"wait":true}');
const accepted = (lines: number) => Array<string>(lines).fill(ACCEPTED);
const LINE_BYTES = buyLine('user-1', 1).length;

/** So many lines that they are just not large, just large, and about as much as one read brings, or two. */
const COUNTS = [4_096, 4_097, 20_000, 65_536, 65_537, 131_072].flatMap(bytes => [
  Math.floor(bytes / LINE_BYTES),
  Math.floor(bytes / LINE_BYTES) + 1,
]);

let server: RunningServer;
let users = 100;
const newUser = () => `user-${++users}`;
beforeAll(async () => {
  server = await startServer(['--workers', '2', '--debug-requests']);
});
afterAll(async () => {
  const stopped = await server.stop();
  expect(stopped).toMatchObject({ exitCode: 0, ledger: { lost: 0, workerDeaths: 0 } });
});

describe.each(COUNTS)('after %i lines at once', lines => {
  test.each([false, true])('small ones are answered behind them (a turn later: %s)', async isLater => {
    const user = newUser();
    const client = await Client.open(server.port);
    client.send(buyLine(user, 1).repeat(lines));
    if (isLater) await nextTurn();
    client.send(HEALTH);
    if (isLater) await nextTurn();
    client.send(waiting(buyLine(user, 5)) + HEALTH);
    if (isLater) await nextTurn();
    client.send(balanceRequest(user));
    const behind = [HEALTHY, okLine(lines + 5), HEALTHY, okLine(lines + 5)];
    expect(await client.lines(lines + 4)).toEqual([...accepted(lines), ...behind]);
    client.close();
  });

  test('a client that shuts down its sending side gets every reply, and the end', async () => {
    const user = newUser();
    expect(await exchange(server.port, buyLine(user, 1).repeat(lines))).toBe(`${ACCEPTED}\n`.repeat(lines));
    const last = waiting(buyLine(user, 1)) + balanceRequest(user).trimEnd();
    expect(await exchange(server.port, buyLine(user, 1).repeat(lines) + last)).toBe(
      `${ACCEPTED}\n`.repeat(lines) + `${okLine(2 * lines + 1)}\n`.repeat(2),
    );
  });

  test('a client may reset the connection, and nobody is hurt', async () => {
    const user = newUser();
    const other = await Client.open(server.port);
    const { connections } = await askMetrics(other);
    for (let round = 0; round < 5; round++) {
      const client = await Client.open(server.port);
      client.send(buyLine(user, 1).repeat(lines));
      if (round % 2 === 1) await nextTurn();
      client.reset();
    }
    expect(await other.ask(buyLine(user, 1))).toBe(ACCEPTED);
    await until(
      async () => (await askMetrics(other)).connections === connections,
      'the connections to be gone',
    );
    const [balance] = await askBalances(server.port, [user]);
    expect(balance).toBeGreaterThanOrEqual(1);
    expect(balance).toBeLessThanOrEqual(5 * lines + 1);
    other.close();
  });
});

test('many clients that send batches of random size get all replies, in order, with exact balances', async () => {
  const seed = pickSeed();
  const random = randomFrom(seed);
  const run = async () => {
    const user = newUser();
    const client = await Client.open(server.port);
    let balance = 0;
    for (let batch = 0; batch < 12; batch++) {
      const wanted: string[] = [];
      const lines = 1 + Math.floor(random() ** 2 * 2_000);
      client.send(buyLine(user, 1).repeat(lines));
      balance += lines;
      wanted.push(...accepted(lines));
      for (let small = Math.floor(random() * 4); small > 0; small--) {
        if (random() < 0.5) await nextTurn();
        const isEvent = random() < 0.5;
        if (isEvent) balance += 3;
        client.send(isEvent ? waiting(buyLine(user, 3)) : balanceRequest(user));
        wanted.push(okLine(balance));
      }
      if (random() < 0.7)
        expect(await client.lines(wanted.length), `TALLY_TEST_SEED=${seed}`).toEqual(wanted);
      else await client.lines(wanted.length).then(lines => expect(lines.join()).toBe(wanted.join()));
    }
    expect(await client.finish()).toBe('');
  };
  await Promise.all(Array.from({ length: 8 }, run));
});

test('stopped while it serves batches, it answers every line that it has counted, kept ones too', async () => {
  const seed = pickSeed();
  const random = randomFrom(seed);
  for (let cycle = 0; cycle < 6; cycle++) {
    const what = `TALLY_TEST_SEED=${seed}, cycle ${cycle}`;
    const stopping = await startServer(['--workers', '2', '--drain-ms-min', '1000']);
    const clients = await Promise.all(Array.from({ length: 6 }, () => Client.open(stopping.port)));
    // A connection that the server has not taken from the system yet is lost with the listener.
    for (const client of clients) expect(await client.ask(HEALTH)).toBe(HEALTHY);
    // As many as fit into the buffers of a connection, so that all are underway when the signal comes.
    const lines = 300 + Math.floor(random() * 1_000);
    const batches = clients.map((_, index) => buyLine(`user-${index}`, 1).repeat(lines));
    for (const [index, client] of clients.entries()) client.send(batches[index]!);
    await sleep(random() * 4);
    const stopped = stopping.stop('SIGTERM');
    // Each says it has nothing more; what comes then is all that there is.
    const answers = await Promise.all(clients.map(client => client.finish()));
    let taken = 0;
    let refused = 0;
    for (const answer of answers) {
      const replies = answer.split('\n');
      expect(replies.pop(), what).toBe('');
      expect(replies.length, what).toBe(lines);
      const first = replies.indexOf(SHUTTING_DOWN);
      const served = first === -1 ? lines : first;
      expect(
        replies.slice(0, served).every(reply => reply === ACCEPTED),
        what,
      ).toBe(true);
      expect(
        replies.slice(served).every(reply => reply === SHUTTING_DOWN),
        what,
      ).toBe(true);
      taken += served;
      refused += lines - served;
    }
    const ledger = { received: taken + refused, processed: taken, dropped: refused, lost: 0 };
    expect(await stopped, what).toMatchObject({ exitCode: 0, ledger });
  }
});
