/** Clients that send again what has no reply, with its id, until it has one: every balance is exact. */
import { expect, test } from 'vitest';
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances } from '../support/asking.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { killWhileResending } from '../support/id-cycles.ts';
import { pickSeed } from '../support/load.ts';
import { askAgain, Resender, sumOf } from '../support/resender.ts';
import { startServer } from '../support/server.ts';

test('a server with a journal, killed a few times', async () => {
  const size = { events: 1_500, transfers: 300 };
  const figures = await killWhileResending({ runs: 1, ...size, killMs: 200, killsMax: 2 });
  expect(figures).toMatchObject({ decided: 1_800, wrongReplies: 0, wrongRepeats: 0, wrongAccounts: 0 });
  expect(figures.kills).toBeGreaterThan(0);
});

/** The longest of the usual replies takes some 44 bytes. */
const REPLY_BYTES = 22;

test('a network that loses the reply to one event in ten', async () => {
  const seed = pickSeed();
  const random = randomFrom(seed);
  const server = await startServer(['--workers', '2']);
  // A connection ends in the midst of a reply, about ten replies on.
  const proxy = await FaultProxy.start(server.port, seed, () => ({
    toClient: { closeAfterBytes: 1 + Math.floor(2 * 10 * REPLY_BYTES * random()) },
  }));
  const accounts = Array.from({ length: 8 }, (_, account) => `lossy-${account}`);
  const clients = Array.from(
    { length: 8 },
    (_, client) =>
      new Resender({
        name: `c${client}`,
        accounts,
        events: 150,
        transfers: 50,
        depth: 1 + (client % 2),
        random: randomFrom(seed + client),
        portOf: () => proxy.port,
      }),
  );
  await Promise.all(clients.map(client => client.run()));
  const what = `TALLY_TEST_SEED=${seed}`;
  for (const client of clients) {
    expect(client.wrong, what).toEqual([]);
    expect(client.applied + client.insufficient, what).toBe(200);
    expect(client.resent, what).toBeGreaterThan(200 / 20);
  }
  expect(await askBalances(server.port, accounts), what).toEqual(sumOf(clients));
  expect(await askAgain(server.port, clients), what).toEqual([]);
  expect(await askBalances(server.port, accounts), what).toEqual(sumOf(clients));
  await proxy.stop();
  expect(await server.stop(), what).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
});
