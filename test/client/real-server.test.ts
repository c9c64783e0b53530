/** The client against the real server, through a network that cuts. */
import { expect, test } from 'vitest';
import { connect } from '../../src/client/client.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { type Course, FaultProxy } from '../support/fault-proxy.ts';
import { pickSeed } from '../support/load.ts';
import { startServer } from '../support/server.ts';

test('what is asked for at once is answered in order', async () => {
  const server = await startServer(['--workers', '2']);
  const tally = await connect({ port: server.port });
  const said = await Promise.all([
    ...Array.from({ length: 3_000 }, () => tally.buy('ann', 1, { wait: true })),
    tally.sell('ann', 1_000),
    tally.sell('ann', 2_001, { min: 0 }),
    tally.transfer('ann', 'bob', 500, { min: 1_500 }),
    tally.transfer('ann', 'bob', 1, { min: 1_500 }),
    tally.buy('ann', 7, { id: 'x' }),
    tally.buy('ann', 7, { id: 'x' }),
    tally.buy('ann', 8, { id: 'x' }),
  ]);
  expect(said).toEqual([
    ...Array.from({ length: 3_000 }, (_, at) => ({ status: 'ok', balance: at + 1 })),
    { status: 'accepted' },
    { status: 'rejected', reason: 'insufficient_balance' },
    { status: 'ok', balance: 1_500 },
    { status: 'rejected', reason: 'insufficient_balance' },
    { status: 'accepted' },
    { status: 'accepted' },
    { status: 'rejected', reason: 'id_reused' },
  ]);
  expect(await Promise.all(['ann', 'bob', 'carol'].map(user => tally.balance(user)))).toEqual([
    1_507, 500, 0,
  ]);
  expect(await tally.health()).toBe('ok');
  expect(await tally.metrics()).toEqual({ received: 3_007, processed: 3_003, dropped: 4 });
  expect(await tally.metrics({ detail: true })).toMatchObject({ refused: { duplicate: 1, id_reused: 1 } });
  await tally.close();
  await server.stop();
});

test('through a network that cuts at random bytes, each event is applied once', async () => {
  const seed = pickSeed();
  const random = randomFrom(seed);
  const server = await startServer(['--workers', '2']);
  const cut = () => {
    const bytes = 1 + Math.floor(random() ** 2 * 6_000);
    return (['resetAfterBytes', 'closeAfterBytes', 'halfCloseAfterBytes'] as const).map(how => ({
      [how]: bytes,
    }))[Math.floor(random() * 3)]!;
  };
  let connections = 0;
  const proxy = await FaultProxy.start(server.port, seed, (): Course => {
    connections += 1;
    return random() < 0.5 ? { toServer: cut() } : { toClient: cut() };
  });
  const users = ['ann', 'bob', 'carol', 'dave'];
  const known = new Map(users.map(user => [user, 0]));
  const add = (user: string, amount: number) => known.set(user, known.get(user)! + amount);
  const wrong: string[] = [];
  await Promise.all(
    users.map(async user => {
      const tally = await connect({ port: proxy.port, requestsMax: 64, silenceMs: 1_000 });
      const pay = async () => {
        const amount = 1 + Math.floor(random() * 1_000);
        const other = users[Math.floor(random() * users.length)]!;
        const kind = random();
        const options = { wait: kind > 0.25 };
        if (kind < 0.5) add(user, amount);
        else add(user, -amount);
        if (kind > 0.75 && other !== user) add(other, amount);
        const reply =
          kind < 0.5
            ? await tally.buy(user, amount, options)
            : kind > 0.75 && other !== user
              ? await tally.transfer(user, other, amount)
              : await tally.sell(user, amount, options);
        if (reply.status === 'rejected') wrong.push(`${user}: ${reply.reason}`);
      };
      for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 50 }, pay));
      await tally.close();
    }),
  );
  const tally = await connect({ port: server.port });
  const balances = await Promise.all(users.map(user => tally.balance(user)));
  await tally.close();
  await proxy.stop();
  await server.stop();
  expect({ seed, wrong, balances }).toEqual({
    seed,
    wrong: [],
    balances: users.map(user => known.get(user)),
  });
  expect(connections).toBeGreaterThan(20);
});
