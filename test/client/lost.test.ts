/** Connections that are cut behind any byte, bring nonsense or nothing: the client opens another one, and nobody notices. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/tools/harness/server.ts';
import { ACCEPTED, HEALTHY, okLine } from '../support/asking.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { connect, FakeServer, Ledger, well } from './fake-server.ts';

describe('a connection that is lost', () => {
  /** What is asked of every client here, and what it must hear, whatever happens meanwhile. */
  async function shop(port: number) {
    const tally = await connect({ port });
    return await Promise.all([
      tally.buy('ann', 5),
      tally.buy('ann', 7, { wait: true }),
      tally.sell('ann', 2, { wait: true }),
      tally.sell('ann', 1),
      tally.buy('bob', 3, { wait: true }),
    ]);
  }
  const heard = [
    { status: 'accepted' },
    { status: 'ok', balance: 12 },
    { status: 'ok', balance: 10 },
    { status: 'accepted' },
    { status: 'ok', balance: 3 },
  ];
  const replyBytes = [HEALTHY, ACCEPTED, okLine(12), okLine(10), ACCEPTED, okLine(3)].join('\n').length + 1;

  test.each(['ended', 'reset'])('is made good, %s behind any byte of the replies', async how => {
    const afterBytes = async (bytes: number) => {
      const ledger = new Ledger();
      let left = bytes;
      const server = await FakeServer.start((line, socket, connection) => {
        const reply = ledger.answer(line);
        if (connection > 0) return reply;
        if (left >= 0) socket.write(`${reply}\n`.slice(0, left));
        left -= reply.length + 1;
        if (left < 0) how === 'ended' ? socket.end() : socket.resetAndDestroy();
        return undefined;
      });
      const said = await shop(server.port);
      return { said, applied: ledger.applied, balances: [...ledger.balances.values()] };
    };
    const all = await Promise.all(Array.from({ length: replyBytes }, (_, bytes) => afterBytes(bytes)));
    for (const each of all) expect(each).toEqual({ said: heard, applied: 5, balances: [9, 3] });
  });

  test('is made good, cut behind any byte of the requests', async () => {
    const afterBytes = async (bytes: number) => {
      const ledger = new Ledger();
      const server = await FakeServer.start(ledger.answer);
      const proxy = await FaultProxy.start(server.port, bytes, before =>
        before === 0
          ? { toServer: bytes % 2 === 0 ? { resetAfterBytes: bytes } : { closeAfterBytes: bytes } }
          : {},
      );
      const said = await shop(proxy.port);
      await proxy.stop();
      return { said, applied: ledger.applied, balances: [...ledger.balances.values()] };
    };
    for (let from = 1; from < 340; from += 40) {
      const all = await Promise.all(Array.from({ length: 40 }, (_, at) => afterBytes(from + at)));
      for (const each of all) expect(each).toEqual({ said: heard, applied: 5, balances: [9, 3] });
    }
  });

  test.each([
    ['no JSON', 'hello'],
    ['an empty line', ''],
    ['what is no object', '[1]'],
    ['null', 'null'],
    ['a reply to something else', '{"received":1,"processed":1,"dropped":0}'],
    ['a balance that is none', '{"status":"ok","balance":"5"}'],
    ['one reply too many', `${ACCEPTED}\n${ACCEPTED}`],
    ['a line that was broken on its way', '{"status":"error","reason":"invalid_json"}'],
    ['a connection too many', '{"status":"rejected","reason":"too_many_connections"}'],
  ])('is given up on %s, and what was asked is asked again', async (_, rubbish) => {
    const ledger = new Ledger();
    const server = await FakeServer.start(
      well((line, _, connection) => {
        const reply = ledger.answer(line);
        return connection === 0 ? rubbish : reply;
      }),
    );
    const tally = await connect({ port: server.port });
    expect(await tally.buy('ann', 5)).toEqual({ status: 'accepted' });
    expect(await tally.balance('ann')).toBe(5);
    expect(server.sockets.length).toBe(2);
  });

  test('is given up on a line without an end', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(
      well((line, socket, connection) => {
        if (connection > 0) return ledger.answer(line);
        socket.write('x'.repeat(100_000));
        return undefined;
      }),
    );
    const tally = await connect({ port: server.port });
    expect(await tally.buy('ann', 5, { wait: true })).toEqual({ status: 'ok', balance: 5 });
  });

  test('leaves the order as it was: what was sent comes before what waited', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(
      well((line, socket, connection) => {
        if (connection > 0) return ledger.answer(line);
        if (line.includes('"amount":2')) socket.destroy();
        return undefined;
      }),
    );
    const tally = await connect({ port: server.port, requestsMax: 2 });
    const said = await Promise.all([1, 2, 3, 4].map(amount => tally.buy('ann', amount, { wait: true })));
    expect(said.map(reply => reply.status === 'ok' && reply.balance)).toEqual([1, 3, 6, 10]);
  });

  test('is given up when it is silent for too long', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(
      well((line, _, connection) => (connection === 0 ? undefined : ledger.answer(line))),
    );
    const tally = await connect({ port: server.port, silenceMs: 50 });
    expect(await tally.buy('ann', 5, { wait: true })).toEqual({ status: 'ok', balance: 5 });
  });

  test('and idle is opened again for the next request', async () => {
    const server = await FakeServer.start(new Ledger().answer);
    const tally = await connect({ port: server.port });
    server.sockets[0]!.destroy();
    await sleep(20);
    expect(server.sockets.length).toBe(1);
    expect(await tally.buy('ann', 5, { wait: true })).toEqual({ status: 'ok', balance: 5 });
  });

  test('is asked for until there is a server', async () => {
    const port = await freePort();
    const connecting = connect({ port });
    await sleep(100);
    await FakeServer.start(new Ledger().answer, port);
    expect(await (await connecting).health()).toBe('ok');
  });
});
