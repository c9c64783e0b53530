/**
 * What the generator says of servers that are wrong. Each ends in time, with one clear line, the right exit code,
 * and the table where lines were sent.
 */
import { describe, expect, test } from 'vitest';
import { ACCEPTED } from '../support/asking.ts';
import { load, type RanWithResult, tally } from './running.ts';
import { type Asked, type Fault, startWrongServer } from './wrong-servers.ts';

const SMALL = '--connections 4 --pipeline 8 --events 2000 --users 50 --grace 500ms';
const ok = { exitCode: 0, complaints: [] };

function expectWhole({ result, stderr }: RanWithResult): void {
  const { sent, answered, unknown, accepted, ok, busy, refused, errors, echoed } = result;
  expect(answered).toBe(accepted + ok + busy + refused + errors + echoed);
  expect(sent).toBe(answered + unknown);
  expect(result.latencyMs.uncorrected.count).toBe(answered);
  expect(stderr).toContain('replies a second');
}

/** Something else for one event, counted over all connections. */
const at =
  (event: number, what: (reply: string, asked: Asked) => string): NonNullable<Fault['says']> =>
  (reply, asked) =>
    asked.kind === 'event' && asked.number === event ? what(reply, asked) : reply;

test('a server that is right is found right', async () => {
  const { port, counts } = await startWrongServer();
  const ran = await load(port, `${SMALL} --check-balances`);
  expect(ran).toMatchObject(ok);
  expectWhole(ran);
  expect(counts.event).toBe(2_000);
  expect(ran.stderr).toContain('balanced: 2,000 events of 50 users, 100,000 in all');
});

describe.concurrent('the money', () => {
  interface WrongMoney {
    name: string;
    fault: Fault;
    flags?: string;
    line: string;
  }
  const wrongs: WrongMoney[] = [
    {
      name: 'one event in a hundred is lost',
      fault: { applies: event => (event % 100 === 0 ? 0 : 1) },
      line: 'lost 20 events, 1,000 of 100,000',
    },
    {
      name: 'one event in a hundred thousand is lost',
      fault: { applies: event => (event % 100_000 === 0 ? 0 : 1) },
      flags: '--connections 4 --pipeline 512 --events 400000',
      line: 'lost 4 events, 200 of 20,000,000',
    },
    {
      name: 'one event is lost, and all are sales',
      fault: { applies: event => (event === 7 ? 0 : 1) },
      flags: `${SMALL} --mix sell=1`,
      line: 'lost 1 event, 50 of 100,000',
    },
    {
      name: 'one event in five hundred is applied twice',
      fault: { applies: event => (event % 500 === 0 ? 2 : 1) },
      line: 'applied 4 events too many, 200 more than 100,000',
    },
    {
      name: 'a refused event is applied all the same',
      fault: { says: at(100, () => '{"status":"rejected","reason":"server_busy"}\n') },
      line: 'applied 1 event too many, 50 more than 99,950',
    },
    {
      name: 'an answered event, with the balance, is applied twice',
      fault: { applies: event => (event === 3 ? 2 : 1) },
      flags: `${SMALL} --mix wait=1`,
      line: 'applied 1 event too many, 50 more than 100,000',
    },
  ];
  test.each(wrongs)('$name: exit code 3', async ({ fault, flags = SMALL, line }) => {
    const { port } = await startWrongServer(fault);
    const ran = await load(port, `${flags} --check-balances`);
    expect(ran).toMatchObject({ exitCode: 3, complaints: [`the money is wrong: ${line}`] });
    expectWhole(ran);
    expect(ran.result.money).toMatchObject({ balanced: false });
    const { user, expected, actual } = ran.result.money!.wrongUsers[0]!;
    expect(ran.stderr).toMatch(new RegExp(`${user} should have -?[\\d,]+ and has -?[\\d,]+`));
    expect(actual).not.toBe(expected);
  });

  test('is not read where nobody says what it is', async () => {
    const { port } = await startWrongServer({ says: (reply, { kind }) => (kind === 'balance' ? '' : reply) });
    const ran = await tally(['load', '--port', `${port}`, '--check-balances', '--grace', '300ms']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.complaints).toEqual([
      expect.stringMatching(/^the balances could not be read: no reply within 0.3 s/),
    ]);
  });

  test('that can only be read before the run: the table, and exit code 1', async () => {
    const says: Fault['says'] = (reply, { kind, number }) => (kind === 'balance' && number > 50 ? '' : reply);
    const { port } = await startWrongServer({ says });
    const ran = await load(port, `${SMALL} --check-balances`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toEqual([expect.stringMatching(/^the balances could not be read: no reply/)]);
    expectWhole(ran);
  });

  test('of lines that a dead connection left open is not called wrong, whether they were applied or not', async () => {
    for (const isApplied of [0, 1]) {
      const { port } = await startWrongServer({
        applies: event => (event > 1_000 ? isApplied : 1),
        says: (reply, asked, socket) => {
          if (asked.kind !== 'event' || asked.number <= 1_000) return reply;
          socket.destroy();
          return '';
        },
      });
      const ran = await load(port, `${SMALL} --connections 1 --check-balances`);
      expect(ran.exitCode).toBe(1);
      expectWhole(ran);
      expect(ran.result.money).toMatchObject({ balanced: true, unknownEvents: ran.result.unknown });
      expect(ran.result.unknown).toBeGreaterThan(0);
    }
  });
});

describe.concurrent('replies', () => {
  interface WrongReply {
    name: string;
    fault: Fault;
    flags?: string;
    says: RegExp;
  }
  const wrongs: WrongReply[] = [
    {
      name: 'garbage',
      fault: { says: at(1_000, () => 'HTTP/1.1 400 Bad Request\r\n') },
      says: /^the server sent HTTP\/1\.1 400 Bad Request in reply to \{"user":"u\d+","action":"buy","amount":50\}$/,
    },
    {
      name: 'bytes that are no text',
      fault: { says: at(500, () => '\x00\x01\x1b[31m\n') },
      says: /^the server sent "[ -~]+" in reply to \{"user"/,
    },
    {
      name: 'an empty line',
      fault: { says: at(500, () => '\n') },
      says: /^the server sent an empty line in reply to/,
    },
    {
      name: 'one too many in the middle',
      fault: { says: at(1_000, reply => reply + reply) },
      says: /^the server sent a reply that nobody asked for$/,
    },
    {
      name: 'one too many with the last one',
      fault: { says: at(2_000, reply => reply + reply) },
      says: /^the server sent a reply that nobody asked for$/,
    },
    {
      name: 'one too many when the client has said that it is done',
      fault: { lastWords: `${ACCEPTED}\n` },
      says: /^the server sent a reply that nobody asked for$/,
    },
    {
      name: 'an unasked one that is garbage',
      fault: { lastWords: 'goodbye\n' },
      says: /^the server sent a reply that nobody asked for: goodbye$/,
    },
    {
      name: 'one too few',
      fault: { says: at(1_000, () => '') },
      says: /^1 line was sent and not answered within 0.5 s of the last one$/,
    },
    {
      name: 'accepted, for a request of the balance',
      fault: {
        says: (reply, { kind, number }) => (kind === 'balance' && number === 200 ? `${ACCEPTED}\n` : reply),
      },
      flags: `${SMALL} --mix buy=1,balance=1`,
      says: /^the server sent "accepted" in reply to \{"type":"balance","user":"u\d+"\}$/,
    },
    {
      name: 'accepted, for an event that wants to know the balance',
      fault: { says: at(500, () => `${ACCEPTED}\n`) },
      flags: `${SMALL} --mix wait=1`,
      says: /^the server sent "accepted" in reply to \{.*"wait":true\}$/,
    },
    {
      name: 'accepted, for a line that is no event',
      fault: { says: (reply, { kind }) => (kind === 'other' ? `${ACCEPTED}\n` : reply) },
      flags: `${SMALL} --mix buy=9,garbage=1`,
      says: /^the server sent "accepted" in reply to /,
    },
    {
      name: 'a reply without an end',
      fault: { says: at(1_000, () => 'x'.repeat(1 << 20)) },
      says: /^the server sent x{120}… in reply to/,
    },
  ];
  test.each(wrongs)('$name: one line, exit code 1, and the table', async ({ fault, flags = SMALL, says }) => {
    const { port } = await startWrongServer(fault);
    const ran = await load(port, `${flags} --check-balances`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints[0]).toMatch(says);
    expect(ran.complaints).toHaveLength(1);
    expectWhole(ran);
    expect(ran.result.money).toMatchObject({ balanced: true });
  });

  test('none at all: says how many, and ends, whether lines or time were to end it', async () => {
    const { port } = await startWrongServer({ says: () => '' });
    for (const flags of ['--events 1000', '--duration 300ms', '--rate 1000 --duration 300ms']) {
      const ran = await load(port, `${flags} --connections 4 --grace 300ms`);
      expect(ran).toMatchObject({
        exitCode: 1,
        complaints: ['4 lines were sent and not answered within 0.3 s of the last one'],
        result: { sent: 4, answered: 0, unknown: 4 },
      });
      expectWhole(ran);
    }
  });

  test('the line itself: counted as echoed, which is right for a server that echoes', async () => {
    const { port } = await startWrongServer({ hears: socket => void socket.pipe(socket) });
    const ran = await load(port, `${SMALL} --mix buy=3,wait=1,balance=1,metrics=1,health=1,garbage=1`);
    expect(ran).toMatchObject({ ...ok, result: { echoed: 2_000 } });
    expectWhole(ran);
    const checked = await tally(['load', '--port', `${port}`, '--check-balances', '--events', '10']);
    expect(checked).toMatchObject({ exitCode: 1, stdout: '' });
    expect(checked.complaints).toEqual([
      expect.stringMatching(/^the balances could not be read: the server sent/),
    ]);
  });

  test('refusals are counted by their reasons, and are no failure', async () => {
    const says = at(100, () => '{"status":"rejected","reason":"too_many_users"}\n');
    const { port } = await startWrongServer({ applies: event => (event === 100 ? 0 : 1), says });
    const ran = await load(port, `${SMALL} --check-balances`);
    expect(ran).toMatchObject({
      ...ok,
      result: { refused: 1, accepted: 1_999, reasons: { too_many_users: 1 } },
    });
    expect(ran.stderr).toContain('too_many_users 1');
    expectWhole(ran);
  });

  test('without an end, where a balance is wanted: given up soon', async () => {
    const { port } = await startWrongServer({
      hears: socket => {
        const push = () => socket.writable && socket.write('x'.repeat(1 << 14), () => setImmediate(push));
        socket.once('data', push);
      },
    });
    const ran = await tally(['load', '--port', `${port}`, '--check-balances', '--grace', '1s']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.complaints).toEqual([
      expect.stringMatching(/^the balances could not be read: the server sent x+/),
    ]);
  });
});

describe.concurrent('connections', () => {
  test('nobody listens: one line that says what to do, and nothing else', async () => {
    const { port } = await startWrongServer({ hears: socket => void socket.destroy() });
    const ran = await tally(['load', '--host', '127.0.0.2', '--port', `${port}`]);
    expect(ran).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: `tally load: nothing listens on 127.0.0.2:${port}; start a server first, for example: tally serve\n`,
    });
  });

  test.each(['--events 1000', '--duration 10m', '--rate 1000 --duration 10m'])(
    'all are closed as soon as they are open: a run with %s ends at once',
    async flags => {
      const { port } = await startWrongServer({ hears: socket => void socket.end() });
      const ran = await load(port, `${flags} --connections 20 --grace 500ms`);
      expect(ran.exitCode).toBe(1);
      expect(ran.complaints[0]).toMatch(/^the server (?:closed|reset) .*20 of 20 connections/);
      expectWhole(ran);
    },
  );

  test('one of four is closed halfway: the others go on, exit code 1', async () => {
    const says: Fault['says'] = (reply, { kind, number }, socket) => {
      if (kind === 'event' && number === 1_000) socket.end();
      return reply;
    };
    const { port } = await startWrongServer({ says });
    const ran = await load(port, `${SMALL} --check-balances`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints[0]).toBe('the server closed a connection');
    expectWhole(ran);
    expect(ran.result).toMatchObject({
      sent: 2_000,
      connections: { opened: 4, lost: 1 },
      money: { balanced: true },
    });
  });

  test('all are reset halfway: the run ends, exit code 1', async () => {
    const says: Fault['says'] = (reply, { kind, number }, socket) => {
      if (kind === 'event' && number >= 1_000) socket.resetAndDestroy();
      return reply;
    };
    const { port } = await startWrongServer({ says });
    const ran = await load(port, `${SMALL} --check-balances --duration 10m`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints[0]).toBe('the server reset 4 of 4 connections');
    expect(ran.complaints[1]).toMatch(/^\d+ lines were sent and never answered$/);
    expect(ran.result).toMatchObject({ connections: { opened: 4, lost: 4 }, money: { balanced: true } });
    expectWhole(ran);
  });

  test('the server stops reading: what is under way is unknown, exit code 1', async () => {
    const says: Fault['says'] = (reply, { kind, number }, socket) => {
      if (kind !== 'event' || number < 1_000) return reply;
      socket.pause();
      return '';
    };
    const { port } = await startWrongServer({ says });
    const ran = await load(port, `${SMALL} --pipeline 100 --check-balances`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toEqual([
      expect.stringMatching(/^\d+ lines were sent and not answered within 0.5 s/),
    ]);
    expect(ran.result.unknown).toBeGreaterThanOrEqual(300);
    expect(ran.result.money).toMatchObject({ balanced: true });
    expectWhole(ran);
  });

  test('the server is too slow for the rate: lines are late and unsent, and the table says so', async () => {
    const { port } = await startWrongServer({ everyMs: 20 });
    const ran = await load(port, '--connections 4 --rate 1000 --duration 500ms --grace 5s');
    expect(ran).toMatchObject(ok);
    const { sent, unsent, late, targetPerS, ratePerS } = ran.result;
    expect(sent + unsent).toBe(500);
    expect(unsent).toBeGreaterThan(0);
    expect(late).toBeGreaterThan(0);
    expect(targetPerS).toBe(1_000);
    expect(ratePerS).toBeLessThan(500);
    expect(ran.stderr).toMatch(/unsent \d+ {3}late \d+/);
    expect(ran.stderr).toContain('of 1,000 asked for');
    expect(ran.stderr).toMatch(/\d+ lines have no latency \(unsent or unknown\)/);
    expectWhole(ran);
  });
});
