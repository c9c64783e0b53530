/** Administration over the wire: who may, and what a listing of users answers, byte by byte. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Administered, adminLine, ENTRIES, errorLine, lastOf, NOBODY } from '../support/administered.ts';
import {
  ACCEPTED,
  askMetrics,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
  sellLine,
  THAW,
} from '../support/asking.ts';
import { startServer } from '../support/server.ts';

const INVALID = errorLine('invalid_event');
const NO_SUCH_CLIENT = errorLine('no_such_client');
const ACTS = [
  adminLine({ do: 'users' }),
  adminLine({ do: 'connections' }),
  adminLine({ do: 'close', client: NOBODY }),
  adminLine({ do: 'log_level', level: 'error' }),
  adminLine({ do: 'snapshot' }),
];

let its: Administered;
beforeAll(async () => {
  its = await Administered.start();
});
afterAll(() => its.stop());
beforeEach(() => its.closeAll());

describe('who may', () => {
  test('nobody who has not said who they are, and nobody without the right; each try of the latter is logged', async () => {
    const ops = await its.open('ops');
    const from = await its.caughtUp(ops);
    const stranger = await its.open();
    for (const act of ACTS) expect(await stranger.ask(act)).toBe(errorLine('unauthorized'));
    const till = await its.open('till');
    for (const act of ACTS) expect(await till.ask(act)).toBe(errorLine('forbidden'));
    // Not even whether a request is right.
    expect(await till.ask(adminLine({ do: 'dance' }))).toBe(errorLine('forbidden'));
    await its.caughtUp(ops);
    expect(its.actsSince(from).length).toBe(1);
    expect(await ops.ask(adminLine({ do: 'log_level', level: 'warn' }))).toBe(HEALTHY);
    const said = () => its.server.events.filter(({ event }) => event === 'unauthorized');
    await until(async () => {
      await till.ask(ACTS[0]!);
      await its.caughtUp(ops);
      return said().length > 0;
    }, 'the log to say it');
    expect(said()[0]).toMatchObject({ name: 'token till', reason: 'no_admin_right', address: '127.0.0.1' });
  });

  test('whoever has the right, also without any other, and each act is logged at every level', async () => {
    const ops = await its.open('ops');
    await ops.ask(adminLine({ do: 'log_level', level: 'error' }));
    const number = await lastOf(ops);
    const from = await its.caughtUp(ops);
    const replies = [];
    for (const act of ACTS) replies.push(await ops.ask(act));
    expect(replies[0]).toMatch(/^\{"status":"ok","users":\[/);
    expect(replies[1]).toMatch(/^\{"status":"ok","connections":\[/);
    expect(replies.slice(2)).toEqual([NO_SUCH_CLIENT, HEALTHY, HEALTHY]);
    expect(await ops.ask('{"type":"balance","user":"a"}\n')).toBe(errorLine('forbidden'));
    await until(() => its.actsSince(from).length >= ACTS.length, 'the log to say it');
    const by = {
      event: 'administered',
      level: 'info',
      client: number,
      address: '127.0.0.1',
      name: 'token ops',
    };
    expect(its.actsSince(from).map(({ time: _, ...said }) => said)).toEqual([
      { ...by, act: { do: 'users', prefix: '', after: '', limit: 100 } },
      { ...by, act: { do: 'connections', after: 0, limit: 100 } },
      { ...by, act: { do: 'close', client: NOBODY } },
      { ...by, act: { do: 'log_level', level: 'error' } },
      { ...by, act: { do: 'snapshot' } },
    ]);
  });

  test('not even whoever had the right when they asked, and has it no longer when the answer is there', async () => {
    const [all, ops, other] = [await its.open('all'), await its.open('ops'), await its.open('all')];
    expect(await all.ask(buyLine('asked', 1))).toBe(ACCEPTED);
    expect(await all.ask(FREEZE)).toBe(HEALTHY);
    // Its balance is known when the worker goes on.
    all.send(buyLine('asked', 1).replace('}', ',"wait":true}'));
    const asked = ops.ask(adminLine({ do: 'users', prefix: 'asked' }));
    await other.ask(HEALTH);
    const { ops: _, ...rest } = ENTRIES;
    const read = its.rewriteTokens(rest);
    await expect(asked).rejects.toThrow('hung up');
    await read;
    expect(await other.ask(THAW)).toBe(HEALTHY);
    expect(await all.line()).toBe(okLine(2));
    await its.rewriteTokens(ENTRIES);
  });
});

describe('without tokens there is no administration', () => {
  test.each([[[]], [['--rate-connection', '1000']]])('with the flags %j', async flags => {
    const open = await startServer(flags);
    const client = await Client.open(open.port);
    client.send(ACTS.join('') + HEALTH);
    expect(await client.lines(ACTS.length + 1)).toEqual([
      ...ACTS.map(() => errorLine('unknown_type')),
      HEALTHY,
    ]);
    client.close();
    await open.stop();
  });
});

test('what is no request, or has a field that is not as it should be, is invalid', async () => {
  const ops = await its.open('ops');
  const from = await its.caughtUp(ops);
  const wrong = [
    '{"type":"admin"}',
    '{"type":"admin","do":1}',
    '{"type":"admin","do":"Users"}',
    '{"type":"admin","do":"toString"}',
    '{"type":"admin","do":"snapshot","do":"snapshot"}',
    '{"type":"admin","do":"users","limit":5,"limit":5}',
    ...['0', '1001', '1.5', '-1', '"5"', 'null', '1e999'].map(
      it => `{"type":"admin","do":"users","limit":${it}}`,
    ),
    ...['5', 'null', '["a"]', '"\\ud800"', `"${'x'.repeat(129)}"`].flatMap(it => [
      `{"type":"admin","do":"users","prefix":${it}}`,
      `{"type":"admin","do":"users","after":${it}}`,
    ]),
    ...['"5"', '-1', '0.5', '1e16'].map(it => `{"type":"admin","do":"connections","after":${it}}`),
    '{"type":"admin","do":"connections","limit":0}',
    ...['', ',"client":0', ',"client":"7"', ',"client":1.5'].map(it => `{"type":"admin","do":"close"${it}}`),
    ...['', ',"level":"loud"', ',"level":["debug"]'].map(it => `{"type":"admin","do":"log_level"${it}}`),
  ];
  for (const line of wrong) expect([line, await ops.ask(`${line}\n`)]).toEqual([line, INVALID]);
  // Unknown fields are ignored, and it may be written in any way that JSON allows.
  for (const line of [
    '{"limit":1e0,"d\\u006f":"users","type":"admin","prefix":"nobody","after":"","x":{"y":[1]}}',
    '{"type":"admin","do":"users","prefix":"nobody","client":"7","level":1}',
  ])
    expect(await ops.ask(`${line}\n`)).toBe('{"status":"ok","users":[]}');
  await its.caughtUp(ops);
  expect(its.actsSince(from).length).toBe(3);
  const all = await its.open('all');
  const { invalid } = await askMetrics(all);
  await ops.ask(`${wrong[0]}\n`);
  await ops.ask(adminLine({ do: 'close', client: 999_999 }));
  expect((await askMetrics(all)).invalid).toBe(invalid + 2);
});

describe('users', () => {
  test('come in the order of their bytes, in pages, with the balances behind all that was accepted before', async () => {
    const all = await its.open('all');
    const names = ['p:b', 'p:a', 'p:ab', 'p:', 'p:é', 'p:Z'];
    all.send(names.map((name, at) => buyLine(name, 10 + at)).join(''));
    all.send(sellLine('p:a', 30) + adminLine({ do: 'users', prefix: 'p:' }));
    const lines = await all.lines(names.length + 2);
    const each = (name: string, balance: number) => `{"user":"${name}","balance":${balance}}`;
    const inOrder = [each('p:', 13), each('p:Z', 15), each('p:a', -19), each('p:ab', 12), each('p:b', 10)];
    expect(lines.at(-1)).toBe(`{"status":"ok","users":[${[...inOrder, each('p:\\u00e9', 14)].join(',')}]}`);
    expect(await all.ask(adminLine({ do: 'users', prefix: 'p:', limit: 2 }))).toBe(
      `{"status":"ok","users":[${inOrder.slice(0, 2).join(',')}],"next":"p:Z"}`,
    );
    // Nobody has to have the name.
    expect(await all.ask(adminLine({ do: 'users', prefix: 'p:', after: 'p:aa', limit: 2 }))).toBe(
      `{"status":"ok","users":[${inOrder.slice(3).join(',')}],"next":"p:b"}`,
    );
    expect(await all.ask(adminLine({ do: 'users', prefix: 'p:', after: 'p:b', limit: 1 }))).toBe(
      `{"status":"ok","users":[${each('p:\\u00e9', 14)}]}`,
    );
    expect(await all.ask(adminLine({ do: 'users', prefix: 'p:', after: 'q' }))).toBe(
      '{"status":"ok","users":[]}',
    );
  });

  test('may have any name: what is beyond ASCII, or no text, is written as an escape', async () => {
    const all = await its.open('all');
    const name = 'odd "\\\u0000\u001f\u007f𝄞\u2028/';
    all.send(`${JSON.stringify({ user: name, action: 'buy', amount: 7 })}\n`);
    all.send(adminLine({ do: 'users', prefix: 'odd ', limit: 1 }));
    const [, line] = await all.lines(2);
    const user = '"odd \\"\\\\\\u0000\\u001f\\u007f\\ud834\\udd1e\\u2028/"';
    expect(line).toBe(`{"status":"ok","users":[{"user":${user},"balance":7}]}`);
    expect(JSON.parse(user)).toBe(name);
  });

  test('reflect a transfer that was asked for before, whole', async () => {
    const all = await its.open('all');
    // Of eight users, some two have different workers.
    const names = Array.from({ length: 8 }, (_, user) => `t:${user}`);
    all.send(buyLine(names[0]!, 1_000));
    const pay = (from: string, to: string) =>
      `{"type":"transfer","from":"${from}","to":"${to}","amount":1}\n`;
    for (let round = 0; round < 50; round++) {
      const [from, to] = [names[round % 8]!, names[(round * 3 + 1) % 8]!];
      if (from !== to) all.send(pay(from, to));
    }
    const waiting = all.received.length;
    expect(waiting).toBe(0);
    all.send(adminLine({ do: 'users', prefix: 't:' }));
    let line = '';
    do line = await all.line();
    while (!line.includes('"users"'));
    const { users } = JSON.parse(line) as { users: { balance: number }[] };
    expect(users.length).toBe(8);
    expect(users.reduce((sum, { balance }) => sum + balance, 0)).toBe(1_000);
  });

  test('wait for a worker like a balance, and what is behind them waits, too', async () => {
    const [all, other] = [await its.open('all'), await its.open('all')];
    await all.ask(buyLine('slow', 1));
    await other.ask(FREEZE);
    all.send(buyLine('slow', 1) + adminLine({ do: 'users', prefix: 'slow' }) + HEALTH);
    expect(await other.ask(HEALTH)).toBe(HEALTHY);
    expect(await other.ask(adminLine({ do: 'connections', limit: 1 }))).toMatch(/^\{"status":"ok"/);
    expect(all.received).not.toContain('users');
    await other.ask(THAW);
    expect(await all.lines(3)).toEqual([
      ACCEPTED,
      '{"status":"ok","users":[{"user":"slow","balance":2}]}',
      HEALTHY,
    ]);
  });
});
