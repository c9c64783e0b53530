/** The client against servers that do what no server should: they take nothing, are late, refuse, or are not there. */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { TallyError } from '../../src/client/client.ts';
import { freePort } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { BUSY, okLine, SHUTTING_DOWN } from '../support/asking.ts';
import { type Answer, connect, FakeServer, Ledger, well } from './fake-server.ts';

describe('what is sent', () => {
  test('is one write for all that was asked for at once, with an id of its own for each event', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(ledger.answer);
    const tally = await connect({ port: server.port });
    const before = server.chunks;
    await Promise.all([
      ...Array.from({ length: 100 }, () => tally.buy('ann', 1)),
      tally.sell('ann', 1, { wait: true, id: 'mine' }),
    ]);
    expect(server.chunks - before).toBe(1);
    const ids = server.lines.flatMap(line => JSON.parse(line).id ?? []);
    expect(new Set(ids).size).toBe(101);
    expect(ids.at(-1)).toBe('mine');
    expect(Math.max(...ids.map(id => id.length))).toBeLessThanOrEqual(16);
    expect(ledger.applied).toBe(101);
  });

  test('is in the form of the protocol', async () => {
    const server = await FakeServer.start(
      well(line => (line.includes('metrics') ? '{"received":1,"processed":1,"dropped":0}' : okLine(7))),
    );
    const tally = await connect({ port: server.port });
    await tally.buy('a', 5, { id: 'x', min: -1, wait: false });
    await tally.transfer('a', 'b', 5, { id: 'y', min: 0 });
    expect(await tally.balance('ü"')).toBe(7);
    expect(await tally.metrics({ detail: true })).toEqual({ received: 1, processed: 1, dropped: 0 });
    expect(server.lines.slice(1)).toEqual([
      '{"user":"a","action":"buy","amount":5,"id":"x","wait":false,"min":-1}',
      '{"type":"transfer","from":"a","to":"b","amount":5,"id":"y","min":0}',
      '{"type":"balance","user":"ü\\""}',
      '{"type":"metrics","detail":true}',
    ]);
  });

  test('is nothing, if something is out of its range', async () => {
    const server = await FakeServer.start(new Ledger().answer);
    const tally = await connect({ port: server.port });
    // biome-ignore format: a table
    const wrong = [
      () => tally.buy('', 1), () => tally.buy('ü'.repeat(65), 1), () => tally.buy('\ud800', 1),
      () => tally.buy(7 as never, 1), () => tally.buy('a', 0), () => tally.sell('a', 0.5),
      () => tally.sell('a', 2 ** 53), () => tally.sell('a', '1' as never), () => tally.buy('a', 1, { id: '' }),
      () => tally.buy('a', 1, { id: 'i'.repeat(65) }), () => tally.buy('a', 1, { min: 0.5 }),
      () => tally.transfer('a', '', 1), () => tally.transfer('a', 'b', -1), () => tally.balance('x'.repeat(129)),
      () => tally.buy('a', 1, { deadlineMs: 600_000 }), () => tally.health({ deadlineMs: 0 }),
      () => connect({ port: server.port, requestsMax: 0 }),
    ];
    for (const ask of wrong) await expect(ask).rejects.toThrow(RangeError);
    await tally.buy('ü'.repeat(64), 2 ** 53 - 1, { id: 'i'.repeat(64), min: -(2 ** 53 - 1) });
    expect(server.lines.length).toBe(2);
  });

  test('waits while the socket takes no more, and all arrives', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(ledger.answer);
    const tally = await connect({ port: server.port, requestsMax: 65_536 });
    server.sockets[0]!.pause();
    let full = 0;
    const { write } = Socket.prototype;
    Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
      if (this.remotePort === server.port && this.writableNeedDrain) full += 1;
      return Reflect.apply(write, this, args);
    };
    onTestFinished(() => {
      Socket.prototype.write = write;
    });
    const asked: Promise<unknown>[] = [];
    for (let turn = 0; turn < 10; turn++) {
      for (let event = 0; event < 1_000; event++) asked.push(tally.buy('\u0001'.repeat(128), 1));
      await new Promise(setImmediate);
    }
    server.sockets[0]!.resume();
    await Promise.all(asked);
    expect([full, ledger.applied]).toEqual([0, 10_000]);
  });
});

describe('a refusal', () => {
  const refusing = (times: number, reason: string): Answer => {
    const ledger = new Ledger();
    let left = times;
    return well(line => (left-- > 0 ? `{"status":"rejected","reason":"${reason}"}` : ledger.answer(line)));
  };

  test.each([
    ['server_busy', BUSY],
    ['shutting_down', SHUTTING_DOWN],
  ])('as %s is asked again, in order', async (reason, line) => {
    const server = await FakeServer.start(refusing(10, reason));
    const tally = await connect({ port: server.port });
    const said = await Promise.all([1, 2, 3, 4, 5].map(amount => tally.buy('ann', amount, { wait: true })));
    expect(said.map(reply => reply.status === 'ok' && reply.balance)).toEqual([1, 3, 6, 10, 15]);
    expect(server.lines.length).toBe(1 + 5 + 10);
    const other = await FakeServer.start(refusing(1, reason));
    const impatient = await connect({ port: other.port, retries: false });
    expect(await impatient.buy('ann', 1)).toEqual(JSON.parse(line));
  });

  test.each(['too_many_users', 'disk_full', 'insufficient_balance', 'balance_overflow', 'id_reused'])(
    'as %s is returned',
    async reason => {
      const server = await FakeServer.start(refusing(1, reason));
      const tally = await connect({ port: server.port });
      expect(await tally.buy('ann', 1)).toEqual({ status: 'rejected', reason });
    },
  );

  test('says nothing of an event that may have been taken from a connection before', async () => {
    const ledger = new Ledger();
    let buys = 0;
    const server = await FakeServer.start(
      well((line, socket) => {
        buys += 1;
        if (buys === 1) socket.destroy();
        return buys === 2 ? '{"status":"rejected","reason":"disk_full"}' : ledger.answer(line);
      }),
    );
    const tally = await connect({ port: server.port, retries: false });
    expect(await tally.buy('ann', 1, { wait: true })).toEqual({ status: 'ok', balance: 1 });
    expect(buys).toBe(3);
  });

  test('as an error is thrown', async () => {
    const server = await FakeServer.start(well(() => '{"status":"error","reason":"invalid_event"}'));
    const tally = await connect({ port: server.port });
    await expect(tally.buy('ann', 1, { id: 'x' })).rejects.toMatchObject({
      reason: 'invalid_event',
      id: 'x',
    });
  });
});

describe('at a deadline', () => {
  test('of an event that was sent, its outcome is unknown until it is asked for again', async () => {
    const ledger = new Ledger();
    let late: string | undefined;
    const server = await FakeServer.start(
      well(line => {
        const reply = ledger.answer(line);
        if (late === undefined) {
          late = reply;
          return undefined;
        }
        // What comes late is not the reply to what was asked next.
        const replies = `${late}${late && '\n'}${reply}`;
        late = '';
        return replies;
      }),
    );
    const tally = await connect({ port: server.port });
    const error = await tally.buy('ann', 5, { wait: true, deadlineMs: 20 }).catch(thrown => thrown);
    expect(error).toBeInstanceOf(TallyError);
    const { name, reason, id } = error as TallyError;
    expect({ name, reason }).toEqual({ name: 'TallyError', reason: 'outcome_unknown' });
    expect(await tally.balance('bob')).toBe(0);
    expect(await tally.buy('ann', 5, { wait: true, id })).toEqual({ status: 'ok', balance: 5 });
    expect([ledger.applied, ledger.repeats]).toEqual([1, 1]);
    const [balance] = await Promise.all([tally.balance('ann'), tally.close()]);
    expect(balance).toBe(5);
  });

  test('it is over: no other connection sees the request', async () => {
    const ledger = new Ledger();
    const server = await FakeServer.start(
      well((line, socket, connection) => {
        if (connection > 0) return ledger.answer(line);
        if (line.includes('bob')) socket.destroy();
        return undefined;
      }),
    );
    const tally = await connect({ port: server.port });
    await expect(tally.buy('ann', 5, { deadlineMs: 20 })).rejects.toThrow('outcome_unknown');
    expect(await tally.buy('bob', 5, { wait: true })).toEqual({ status: 'ok', balance: 5 });
    expect([...ledger.balances]).toEqual([['bob', 5]]);
  });

  test('what was not sent was not done, and is never sent', async () => {
    const server = await FakeServer.start(well(() => undefined));
    const tally = await connect({ port: server.port, requestsMax: 1, deadlineMs: 30 });
    const [first, second] = await Promise.allSettled([tally.buy('ann', 1), tally.buy('ann', 2)]);
    expect(first).toMatchObject({ reason: { reason: 'outcome_unknown' } });
    expect(second).toMatchObject({ reason: { reason: 'not_done' } });
    expect(server.lines.length).toBe(2);
  });

  test('what was refused all the time was not done, and the cause says why', async () => {
    const server = await FakeServer.start(well(() => BUSY));
    const tally = await connect({ port: server.port });
    // The longest pauses: the deadline is in the one from 248 to 504 ms.
    const random = vi.spyOn(Math, 'random').mockReturnValue(1);
    const error = await tally.buy('ann', 1, { deadlineMs: 400 }).catch(thrown => thrown);
    random.mockRestore();
    expect(error).toMatchObject({ reason: 'not_done', cause: { message: 'server_busy' } });
    expect(server.lines.length).toBeGreaterThan(2);
  });

  test('there may be no server at all', async () => {
    const port = await freePort();
    const error = await connect({ port, deadlineMs: 300 }).catch(thrown => thrown);
    expect(error).toMatchObject({ reason: 'not_done', id: undefined, cause: { code: 'ECONNREFUSED' } });
  });
});

test('no more than so many requests are under way, however many are asked for', async () => {
  const ledger = new Ledger();
  let due = 0;
  let mostDue = 0;
  const server = await FakeServer.start(
    well((line, socket) => {
      due += 1;
      mostDue = Math.max(mostDue, due);
      const reply = ledger.answer(line);
      setImmediate(() => {
        due -= 1;
        socket.write(`${reply}\n`);
      });
      return undefined;
    }),
  );
  const tally = await connect({ port: server.port, requestsMax: 10 });
  const said = await Promise.all(Array.from({ length: 500 }, () => tally.buy('ann', 1, { wait: true })));
  expect(said.map(reply => reply.status === 'ok' && reply.balance)).toEqual(said.map((_, at) => at + 1));
  expect(mostDue).toBe(10);
});

test('closing waits for what is under way, and takes nothing more', async () => {
  const ledger = new Ledger();
  const replies: (() => void)[] = [];
  const server = await FakeServer.start(
    well((line, socket) => {
      replies.push(() => socket.write(`${ledger.answer(line)}\n`));
      return undefined;
    }),
  );
  const tally = await connect({ port: server.port });
  const asked = tally.buy('ann', 1, { wait: true });
  let isClosed = false;
  const closing = Promise.all([tally.close(), tally[Symbol.asyncDispose]()]).then(() => {
    isClosed = true;
  });
  await expect(tally.buy('ann', 1)).rejects.toThrow('closed');
  await until(() => replies.length === 1, 'the event arrives');
  await sleep(20);
  expect(isClosed).toBe(false);
  replies[0]!();
  expect(await asked).toEqual({ status: 'ok', balance: 1 });
  await closing;
  await until(() => server.sockets.every(socket => socket.readableEnded), 'the connection ends');
});
