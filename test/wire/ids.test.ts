/** What an event may have beyond a user and an amount: an id, a minimum, and another user to give to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, askMetrics, BUSY, balanceRequest, FREEZE, okLine, THAW } from '../support/asking.ts';
import { newFolder } from '../support/folders.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const rejected = (reason: string) => `{"status":"rejected","reason":"${reason}"}`;
const INVALID = '{"status":"error","reason":"invalid_event"}';
const MAX = Number.MAX_SAFE_INTEGER;

const event = (user: string, amount: number, more: object = {}) =>
  `${JSON.stringify({ user, action: amount < 0 ? 'sell' : 'buy', amount: Math.abs(amount), ...more })}\n`;
const transfer = (from: string, to: string, amount: number, more: object = {}) =>
  `${JSON.stringify({ type: 'transfer', from, to, amount, ...more })}\n`;

/** Lines with their replies, as the contract has them; users are called by the case, so cases do not meet. */
const ROWS: Record<string, [line: string, reply: string][]> = {
  'an id that comes again': [
    [event('id-1', 5, { id: 'x' }), ACCEPTED],
    [event('id-1', 5, { id: 'x' }), ACCEPTED],
    [balanceRequest('id-1'), okLine(5)],
    [event('id-1', 5, { id: 'y' }), ACCEPTED],
    [balanceRequest('id-1'), okLine(10)],
  ],
  'an id of another user': [
    [event('id-2', 5, { id: 'x' }), ACCEPTED],
    [event('id-2b', 5, { id: 'x' }), ACCEPTED],
    [balanceRequest('id-2b'), okLine(5)],
  ],
  'an id with wait: the balance of then': [
    [event('id-3', 5, { id: 'x', wait: true }), okLine(5)],
    [event('id-3', 7, { id: 'y' }), ACCEPTED],
    [event('id-3', 5, { id: 'x', wait: true }), okLine(5)],
    [balanceRequest('id-3'), okLine(12)],
  ],
  'an id used for something else': [
    [event('id-4', 5, { id: 'x' }), ACCEPTED],
    [event('id-4', 6, { id: 'x' }), rejected('id_reused')],
    [event('id-4', -5, { id: 'x' }), rejected('id_reused')],
    [event('id-4', 5, { id: 'x', wait: true }), rejected('id_reused')],
    [event('id-4', 5, { id: 'x', min: 0 }), rejected('id_reused')],
    [transfer('id-4', 'id-4b', 5, { id: 'x' }), rejected('id_reused')],
    [event('id-4', 5, { id: 'x', wait: false }), ACCEPTED],
    [balanceRequest('id-4'), okLine(5)],
  ],
  'ids of every length, as bytes': [
    [event('id-5', 1, { id: '' }), INVALID],
    [event('id-5', 1, { id: 'i'.repeat(64) }), ACCEPTED],
    [event('id-5', 1, { id: 'i'.repeat(64) }), ACCEPTED],
    [event('id-5', 1, { id: 'i'.repeat(65) }), INVALID],
    [event('id-5', 1, { id: '\u00fc'.repeat(32) }), ACCEPTED],
    [event('id-5', 1, { id: '\u00fc'.repeat(33) }), INVALID],
    [event('id-5', 1, { id: 7 }), INVALID],
    [event('id-5', 1, { id: null }), INVALID],
    ['{"user":"id-5","action":"buy","amount":1,"id":"a","id":"a"}\n', INVALID],
    ['{"user":"id-5","action":"buy","amount":1,"id":"\\u0061bc"}\n', ACCEPTED],
    ['{"id":"abc","user":"id-5","action":"buy","amount":1}\n', ACCEPTED],
    ['{"user":"id-5","action":"buy","amount":1,"id":"\\ud800"}\n', INVALID],
    ['{"user":"id-5","action":"buy","amount":1,"id":"abcd"}\r\n', ACCEPTED],
    [balanceRequest('id-5'), okLine(4)],
  ],
  'a refusal that was decided comes again, too': [
    [event('id-6', -5, { id: 'x', min: 0 }), rejected('insufficient_balance')],
    [event('id-6', 9), ACCEPTED],
    [event('id-6', -5, { id: 'x', min: 0 }), rejected('insufficient_balance')],
    [event('id-6', MAX, { id: 'o' }), rejected('balance_overflow')],
    [event('id-6', MAX, { id: 'o' }), rejected('balance_overflow')],
    [event('id-6', MAX, { id: 'p', wait: true }), rejected('balance_overflow')],
    [balanceRequest('id-6'), okLine(9)],
  ],
  'a minimum': [
    [event('min-1', 100, { min: 100 }), okLine(100)],
    [event('min-1', -30, { min: 70 }), okLine(70)],
    [event('min-1', -1, { min: 70 }), rejected('insufficient_balance')],
    [event('min-1', -70, { min: 0, wait: true }), okLine(0)],
    [event('min-1', -1, { min: 0 }), rejected('insufficient_balance')],
    [event('min-1', -1, { min: -1 }), okLine(-1)],
    [event('min-1', 1, { min: 1 }), rejected('insufficient_balance')],
    [event('min-1', 1, { min: -MAX }), okLine(0)],
    ['{"user":"min-1","action":"sell","amount":1,"min":-1e1}\n', okLine(-1)],
    ['{"user":"min-1","action":"sell","amount":1,"min":0.5}\n', INVALID],
    ['{"user":"min-1","action":"sell","amount":1,"min":"0"}\n', INVALID],
    ['{"user":"min-1","action":"sell","amount":1,"min":null}\n', INVALID],
    ['{"user":"min-1","action":"sell","amount":1,"min":-9007199254740992}\n', INVALID],
    ['{"user":"min-1","action":"sell","amount":1,"min":0,"min":0}\n', INVALID],
    [balanceRequest('min-1'), okLine(-1)],
  ],
};

// Between enough users that, with several workers, some pairs have one worker and some two.
for (let user = 0; user < 8; user++)
  ROWS[`a transfer to user ${user}`] = [
    [event(`from-${user}`, 100), ACCEPTED],
    [transfer(`from-${user}`, `to-${user}`, 30), okLine(70)],
    [balanceRequest(`to-${user}`), okLine(30)],
    [balanceRequest(`from-${user}`), okLine(70)],
    [transfer(`from-${user}`, `to-${user}`, 70, { id: 't', min: 0 }), okLine(0)],
    [transfer(`from-${user}`, `to-${user}`, 70, { id: 't', min: 0 }), okLine(0)],
    [transfer(`from-${user}`, `to-${user}`, 71, { id: 't', min: 0 }), rejected('id_reused')],
    [transfer(`from-${user}`, `to-${(user + 1) % 8}`, 70, { id: 't', min: 0 }), rejected('id_reused')],
    [event(`from-${user}`, -70, { id: 't', min: 0 }), rejected('id_reused')],
    [transfer(`from-${user}`, `to-${user}`, 1, { min: 0 }), rejected('insufficient_balance')],
    [transfer(`from-${user}`, `to-${user}`, 5), okLine(-5)],
    [balanceRequest(`to-${user}`), okLine(105)],
    [transfer(`from-${user}`, `from-${user}`, 1), INVALID],
    [transfer(`from-${user}`, '', 1), INVALID],
    [transfer(`from-${user}`, 'x'.repeat(129), 1), INVALID],
    [transfer(`from-${user}`, `to-${user}`, 0), INVALID],
    [transfer(`from-${user}`, `to-${user}`, 1, { id: '' }), INVALID],
    [transfer(`from-${user}`, `to-${user}`, 1, { min: 'x' }), INVALID],
    [
      `{"type":"transfer","to":"\\u0074o-${user}","from":"\\u0066rom-${user}","amount":1e0,"user":7}\n`,
      okLine(-6),
    ],
    [`{"type":"transfer","to":"to-${user}","amount":1,"user":"from-${user}"}\n`, INVALID],
    [balanceRequest(`to-${user}`), okLine(106)],
  ];

const LINES = Object.values(ROWS).flat();

/** Every row is answered, cut in this way; `mark` makes the users others. */
async function expectRows(client: Client, cut: (bytes: Buffer) => Buffer[], mark: string): Promise<void> {
  const lines = LINES.map(([line]) => line.replaceAll(/[a-z]-(?=\d)/g, `$&${mark}`));
  for (const packet of cut(Buffer.from(lines.join('')))) {
    client.send(packet);
    await sleep(0);
  }
  const replies = await client.lines(lines.length);
  const wrong = lines.flatMap((line, at) =>
    replies[at] === LINES[at]![1] ? [] : [[line, LINES[at]![1], replies[at]]],
  );
  expect(wrong).toEqual([]);
}

function inPackets(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
}

const CUTS: Record<string, (bytes: Buffer) => Buffer[]> = {
  'in one packet': bytes => [bytes],
  'in packets of 97 bytes': bytes => inPackets(bytes, 97),
};

/** Counts of the detailed metrics. */
async function countsOf(client: Client): Promise<Record<string, number>> {
  const { processed, dropped, queued, in_transit, ids, users, refused } = JSON.parse(
    await client.ask('{"type":"metrics","detail":true}\n'),
  ) as Record<string, number> & { refused: Record<string, number> };
  return { processed, dropped, queued, in_transit, ids, users, ...refused } as Record<string, number>;
}

/** What has changed: nothing is left out, so that nothing else has. */
async function countedSince(before: Record<string, number>, client: Client): Promise<Record<string, number>> {
  const differences = Object.entries(await countsOf(client)).map(([name, count]) => [
    name,
    count - before[name]!,
  ]);
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

/** A server for the tests of a block. Its clients are gone when it is to end, so that none holds it up. */
function serverFor(how: string, flags: string[]): { open(): Promise<Client> } {
  const clients: Client[] = [];
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-ids-'));
    const journal = ['--data', join(folder, 'data'), '--segment-bytes', '65536', '--ring', '1024'];
    server = await startServer(['--debug-requests', ...flags, ...(how === 'in memory' ? [] : journal)]);
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    async open() {
      clients.push(await Client.open(server.port));
      return clients.at(-1)!;
    },
  };
}

const PLACES = ['in memory', 'with a journal'];

describe.each(PLACES.flatMap(how => [1, 4].map(workers => ({ how, workers }))))(
  '$how, with $workers workers',
  ({ how, workers }) => {
    const server = serverFor(how, ['--workers', String(workers)]);

    test.each(Object.entries(CUTS))('every row is answered, %s', async (name, cut) => {
      const client = await server.open();
      await expectRows(client, cut, name.replaceAll(' ', '-'));
      expect(await countsOf(client)).toMatchObject({ in_transit: 0, queued: 0 });
    });

    test('two connections that send the same id at once get the same reply, and it counts once', async () => {
      const clients = [await server.open(), await server.open()];
      const before = await countsOf(clients[0]!);
      expect(await clients[0]!.ask(FREEZE)).toBe('{"status":"ok"}');
      for (const client of clients) {
        for (let id = 0; id < 20; id++) client.send(event('twin', 1 + id, { id: `i${id}`, wait: true }));
        for (let id = 0; id < 20; id++) client.send(transfer('twin', `other-${id}`, 1, { id: `t${id}` }));
      }
      await sleep(30);
      const thawer = await server.open();
      expect(await thawer.ask(THAW)).toBe('{"status":"ok"}');
      const replies = await Promise.all(clients.map(client => client.lines(40)));
      expect(replies[0]).toEqual(replies[1]);
      expect(replies[0]!.at(-1)).toBe(okLine(210 - 20));
      const counted = { processed: 40, dropped: 40, duplicate: 40, ids: 40, users: 21 };
      expect(await countedSince(before, thawer)).toEqual(counted);
    });

    test('a transfer that its second side refuses goes back', async () => {
      const client = await server.open();
      const before = await countsOf(client);
      for (let user = 0; user < 8; user++) {
        const move = transfer(`giver-${user}`, `full-${user}`, 1, { id: 'f' });
        expect(await client.ask(event(`full-${user}`, MAX))).toBe(ACCEPTED);
        expect(await client.ask(move)).toBe(rejected('balance_overflow'));
        expect(await client.ask(move)).toBe(rejected('balance_overflow'));
        expect(await client.ask(event(`full-${user}`, -1, { wait: true }))).toBe(okLine(MAX - 1));
        expect(await client.ask(move)).toBe(rejected('balance_overflow'));
        expect(await client.ask(balanceRequest(`giver-${user}`))).toBe(okLine(0));
      }
      const counted = { processed: 16, dropped: 24, balance_overflow: 8, duplicate: 16, ids: 8, users: 16 };
      expect(await countedSince(before, client)).toEqual(counted);
    });
  },
);

describe.each(PLACES)('with little room, %s', how => {
  const limits = ['--users', '3', '--ids-max', '6', '--ids-ms', '500'];
  const server = serverFor(how, ['--workers', '2', ...limits]);

  test('an id is forgotten when its time is over, and not before; a full memory refuses new ones only', async () => {
    const client = await server.open();
    const before = await countsOf(client);
    const ids = ['a', 'b', 'c', 'd'].map(id => event('u', 1, { id }));
    client.send([...ids, event('u', 1, { id: 'd', wait: true }), ids[1]].join(''));
    expect(await client.lines(6)).toEqual([ACCEPTED, ACCEPTED, ACCEPTED, BUSY, BUSY, ACCEPTED]);
    expect(await client.ask(balanceRequest('u'))).toBe(okLine(3));
    const refused = { dropped: 3, server_busy: 2, duplicate: 1 };
    expect(await countedSince(before, client)).toEqual({ processed: 3, ...refused, ids: 3, users: 1 });
    await sleep(600);
    expect(await client.ask(ids[3]!)).toBe(ACCEPTED);
    expect(await client.ask(ids[0]!)).toBe(ACCEPTED);
    expect(await client.ask(balanceRequest('u'))).toBe(okLine(5));
    expect(await countedSince(before, client)).toEqual({ processed: 5, ...refused, ids: 2, users: 1 });
    expect(await askMetrics(client)).toMatchObject({ ids_max: 6 });
  });

  test('a transfer to one user more than there may be is refused as a whole', async () => {
    const client = await server.open();
    const before = await countsOf(client);
    expect(await client.ask(event('a', 10))).toBe(ACCEPTED);
    expect(await client.ask(transfer('x', 'y', 1))).toBe(rejected('too_many_users'));
    expect(await client.ask(transfer('a', 'b', 1))).toBe(okLine(9));
    expect(await client.ask(transfer('a', 'c', 1))).toBe(rejected('too_many_users'));
    expect(await client.ask(balanceRequest('a'))).toBe(okLine(9));
    const counted = { processed: 2, dropped: 2, too_many_users: 2, users: 2 };
    expect(await countedSince(before, client)).toEqual(counted);
  });
});

test('ids, and the replies they had, outlive a crash, and other numbers of workers', async () => {
  const data = join(newFolder(), 'data');
  const lines = Array.from({ length: 60 }, (_, at) =>
    event(`u${at % 7}`, 1 + at, { id: `i${at}`, wait: true }),
  );
  const moves = Array.from({ length: 20 }, (_, at) =>
    transfer(`u${at % 7}`, `v${at}`, 1, { id: `t${at}`, min: -3 }),
  );
  let first: string[] | undefined;
  for (const workers of [3, 1, 4, 2]) {
    const flags = ['--data', data, '--workers', String(workers), '--segment-bytes', '65536', '--ring', '256'];
    const server = await startServer(flags);
    const client = await Client.open(server.port);
    client.send([...lines, ...moves].join(''));
    const replies = await client.lines(80);
    first ??= replies;
    expect(replies).toEqual(first);
    expect(await countsOf(client)).toMatchObject({ in_transit: 0, queued: 0 });
    client.close();
    server.process.kill(workers === 1 ? 'SIGTERM' : 'SIGKILL');
    await server.exited;
  }
});
