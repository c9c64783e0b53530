/**
 * What the generator says of servers that are wrong. Each ends in time, with one clear line, the right exit code,
 * and the table where lines were sent.
 */
import { describe, expect, test } from 'vitest';
import { ACCEPTED } from '../support/asking.ts';
import { load, type RanWithResult, tally } from './running.ts';
import { type Asked, type Fault, startWrongServer } from './wrong-servers.ts';

const SMALL = '--connections 4 --pipeline 8 --events 2000 --users 50 --grace 2s';
const UNASKED = /^the server sent a reply that nobody asked for$/;
const ok = { exitCode: 0, complaints: [] };

function expectWhole({ result, stderr }: RanWithResult): void {
  const { sent, answered, unknown, accepted, ok, busy, refused, insufficient, errors, echoed } = result;
  expect(answered).toBe(accepted + ok + busy + refused + insufficient + errors + echoed);
  expect(sent).toBe(answered + unknown);
  expect(result.latencyMs.uncorrected.count).toBe(answered);
  expect(stderr).toContain('replies a second');
}

/** There is no table: the balances were wanted before the run. */
async function expectUnread(port: number, flags: string, why: string): Promise<void> {
  const ran = await tally(`load --port ${port} --check-balances ${flags}`.split(' '));
  expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
  expect(ran.complaints).toEqual([expect.stringContaining(`the balances could not be read: ${why}`)]);
}

test('a server that never answers has no latencies: none is made up', async () => {
  const { port } = await startWrongServer({ says: () => '' });
  const { exitCode, result, stderr } = await load(port, '--connections 2 --events 2 --grace 300ms');
  expect(exitCode).toBe(1);
  expect(result.latencyMs.corrected).toMatchObject({ count: 0, p50: null, p99: null, max: null });
  expect(stderr).toContain('  no replies, and so no latencies\n');
  expect(stderr).not.toMatch(/0\.000/);
});

test('what a terminal would obey is quoted, wherever a server says it', async () => {
  const obeyed = '\u001b[2J\u009b1m';
  const reasons = await startWrongServer({
    says: () => `{"status":"error","reason":"${obeyed}"}\n`,
  });
  const replies = await startWrongServer({ says: () => `${obeyed}\n` });
  const balances = await startWrongServer({
    says: (reply, { kind }) => (kind === 'balance' ? `${obeyed}\n` : reply),
  });
  for (const [{ port }, more] of [
    [reasons, ''],
    [replies, ''],
    [balances, ' --check-balances'],
  ] as const) {
    const ran = await tally(`load --port ${port} --connections 1 --events 2 --json -${more}`.split(' '));
    expect(ran.stdout + ran.stderr).toContain('\\u001b[2J');
    expect(ran.stdout + ran.stderr).not.toMatch(/(?!\n)\p{Cc}/u);
  }
});

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

test('one event in a hundred thousand that is lost is found', async () => {
  const { port } = await startWrongServer({ applies: event => (event % 100_000 === 0 ? 0 : 1) });
  const ran = await load(port, '--connections 4 --pipeline 512 --events 100000 --check-balances');
  const complaints = ['the money is wrong: lost 1 event, 50 of 5,000,000'];
  expect(ran).toMatchObject({ exitCode: 3, complaints });
});

describe.concurrent('the money', () => {
  const loses = (every: number): Fault => ({ applies: event => (event % every === 0 ? 0 : 1) });
  const doubles = (every: number): Fault => ({ applies: event => (event % every === 0 ? 2 : 1) });
  const refuses: Fault = { says: at(100, () => '{"status":"rejected","reason":"server_busy"}\n') };

  test.each<[string, Fault, line: string, flags?: string]>([
    ['one event in a hundred is lost', loses(100), 'lost 20 events, 1,000 of 100,000'],
    ['an event is lost, of sales', loses(1_007), 'lost 1 event, 50 of 100,000', `${SMALL} --mix sell=1`],
    ['some are applied twice', doubles(500), 'applied 4 events too many, 200 more than 100,000'],
    ['a refused event is applied all the same', refuses, 'applied 1 event too many, 50 more than 99,950'],
    [
      'an answered event, with the balance, is applied twice',
      doubles(1_003),
      'applied 1 event too many, 50 more than 100,000',
      `${SMALL} --mix wait=1`,
    ],
  ])('%s: exit code 3', async (_, fault, line, flags = SMALL) => {
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
    await expectUnread(port, '--grace 300ms', 'no reply within 0.3 s');
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
  const accepts: NonNullable<Fault['says']> = (reply, { kind, number }) =>
    kind === 'other' || (kind === 'balance' && number === 200) ? `${ACCEPTED}\n` : reply;

  test.each<[string, NonNullable<Fault['says']> | string, complaint: RegExp, mix?: string]>(
    // biome-ignore format: a table
    [
      ['garbage', at(1_000, () => 'HTTP/1.1 400 Bad Request\r\n'),
        /^the server sent HTTP\/1\.1 400 Bad Request in reply to \{"user":"u\d+","action":"buy","amount":50\}$/],
      ['bytes that are no text', at(500, () => '\x00\x01\x1b[31m\n'),
        /^the server sent "[ -~]+" in reply to \{"user"/],
      ['an empty line', at(500, () => '\n'), /^the server sent an empty line in reply to/],
      ['one too many in the middle', at(1_000, reply => reply + reply), UNASKED],
      ['one too many with the last one', at(2_000, reply => reply + reply), UNASKED],
      ['one too many when the client has said that it is done', `${ACCEPTED}\n`, UNASKED],
      ['an unasked one that is garbage', 'goodbye\n', /^the server sent a reply that nobody asked for: goodbye$/],
      ['one too few', at(1_000, () => ''), /^1 line was sent and not answered within 2 s of the last one$/],
      ['accepted, for a request of the balance', accepts,
        /^the server sent "accepted" in reply to \{"type":"balance","user":"u\d+"\}$/, 'buy=1,balance=1'],
      ['accepted, for an event that wants to know the balance', at(500, () => `${ACCEPTED}\n`),
        /^the server sent "accepted" in reply to \{.*"wait":true\}$/, 'wait=1'],
      ['accepted, for a line that is no event', accepts, /^the server sent "accepted" in reply to /,
        'buy=9,garbage=1'],
      ['a reply without an end', at(1_000, () => 'x'.repeat(1 << 20)), /^the server sent x{120}… in reply to/],
    ],
  )('%s: one line, exit code 1, and the table', async (_, says, complaint, mix = 'buy=1') => {
    const { port } = await startWrongServer(typeof says === 'string' ? { lastWords: says } : { says });
    const ran = await load(port, `${SMALL} --mix ${mix} --check-balances`);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toEqual([expect.stringMatching(complaint)]);
    expectWhole(ran);
    expect(ran.result.money).toMatchObject({ balanced: true });
  });

  test('none at all: says how many, and ends, whether lines or time were to end it', async () => {
    const { port } = await startWrongServer({ says: () => '' });
    const ends = ['--events 1000', '--duration 300ms', '--rate 1000 --duration 300ms'];
    const runs = ends.map(flags => load(port, `${flags} --connections 4 --grace 300ms`));
    const complaints = ['4 lines were sent and not answered within 0.3 s of the last one'];
    const result = { sent: 4, answered: 0, unknown: 4 };
    for (const ran of await Promise.all(runs)) {
      expect(ran).toMatchObject({ exitCode: 1, complaints, result });
      expectWhole(ran);
    }
  });

  test('the line itself: counted as echoed, which is right for a server that echoes', async () => {
    const { port } = await startWrongServer({ hears: socket => void socket.pipe(socket) });
    const ran = await load(port, `${SMALL} --mix buy=3,wait=1,balance=1,metrics=1,health=1,garbage=1`);
    expect(ran).toMatchObject({ ...ok, result: { echoed: 2_000 } });
    expectWhole(ran);
    await expectUnread(port, '--events 10', 'the server sent');
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
    await expectUnread(port, '--grace 1s', 'the server sent "x');
  });
});

describe.concurrent('connections', () => {
  test('nobody listens: one line that says what to do, and nothing else', async () => {
    const { port } = await startWrongServer({ hears: socket => void socket.destroy() });
    const ran = await tally(['load', '--host', '127.0.0.2', '--port', `${port}`]);
    expect(ran).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: `tally load: nothing listens on 127.0.0.2:${port}; npx tally serve starts a server\n`,
    });
  });

  test.each(['--events 1000', '--duration 10m', '--rate 1000 --duration 10m'])(
    'all are closed as soon as they are open: a run with %s ends at once',
    async flags => {
      const { port } = await startWrongServer({ hears: socket => void socket.end() });
      const ran = await load(port, `${flags} --connections 20 --grace 2s`);
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
      expect.stringMatching(/^\d+ lines were sent and not answered within 2 s/),
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
