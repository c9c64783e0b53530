/** What was acknowledged stays: the real server with a journal, stopped, killed, and started again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import {
  ACCEPTED,
  askBalances,
  balanceRequest,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
  sellLine,
  THAW,
} from '../support/asking.ts';
import { newFolder } from '../support/folders.ts';
import { killUnderLoad } from '../support/journal-cycles.ts';
import { Choices, LineMaker } from '../support/lines.ts';
import { Load, pickSeed } from '../support/load.ts';
import { type RunningServer, runCli, startServer } from '../support/server.ts';

const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? 4);
const SMALL = ['--segment-bytes', '65536', '--ring', '256'];

const kill = (server: RunningServer) => {
  server.process.kill('SIGKILL');
  return server.exited;
};

async function recoveredBy(server: RunningServer): Promise<Record<string, unknown>> {
  const isIt = ({ event }: Record<string, unknown>) => event === 'recovered';
  await until(() => server.events.some(isIt), 'the server to say what it has brought back');
  return server.events.find(isIt)!;
}

const filesIn = (dir: string) => readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();

test(
  `killed under load, ${CYCLES} times, it has all that it acknowledged, and nothing else`,
  async () => {
    expect(await killUnderLoad(CYCLES)).toMatchObject({ wrongUsers: 0, wrongReplies: 0 });
  },
  30_000 + CYCLES * 6_000,
);

test(
  'and with workers that die meanwhile',
  async () => {
    const cycles = Math.ceil(CYCLES / 2);
    expect(await killUnderLoad(cycles, { hasDeaths: true })).toMatchObject({
      wrongUsers: 0,
      wrongReplies: 0,
    });
  },
  30_000 + CYCLES * 6_000,
);

test('balances outlive a stop, a kill, and other numbers of workers', async () => {
  const data = join(newFolder(), 'data');
  const users = Array.from({ length: 40 }, (_, user) => `user-${user}`);
  const start = (workers: number) => startServer(['--data', data, '--workers', String(workers), ...SMALL]);
  const add = async (server: RunningServer, line: (user: string, at: number) => string) => {
    const client = await Client.open(server.port);
    client.send(users.map(line).join(''));
    expect(await client.lines(users.length)).toEqual(users.map(() => ACCEPTED));
    client.close();
  };

  let server = await start(4);
  expect(await recoveredBy(server)).toMatchObject({ users: 0, events: 0, clean: true });
  await add(server, (user, at) => buyLine(user, 100 + at));
  expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { processed: 40, lost: 0 } });
  expect(existsSync(join(data, 'lock'))).toBe(false);

  server = await start(1);
  expect(await recoveredBy(server)).toMatchObject({ users: 40, events: 40, clean: true });
  expect(await askBalances(server.port, users)).toEqual(users.map((_, at) => 100 + at));
  await add(server, (user, at) => sellLine(user, 2 * at + 2 ** 40));
  await kill(server);
  expect(existsSync(join(data, 'lock'))).toBe(true);

  server = await start(3);
  expect(await recoveredBy(server)).toMatchObject({ users: 40, events: 40, clean: false });
  const balances = users.map((_, at) => 100 - at - 2 ** 40);
  expect(await askBalances(server.port, users)).toEqual(balances);
  await kill(server);

  // Nothing was added since, so there is nothing behind the snapshot of the start.
  server = await start(3);
  expect(await recoveredBy(server)).toMatchObject({ users: 40, events: 0 });
  expect(await askBalances(server.port, users)).toEqual(balances);
  await server.stop();
});

test('a folder has one server at a time, and the other one says so', async () => {
  const data = join(newFolder(), 'data');
  const server = await startServer(['--data', data, ...SMALL]);
  const client = await Client.open(server.port);
  expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
  // The server itself may just be preparing segments.
  const others = () => filesIn(data).filter(name => !name.includes('lane-'));
  const before = others();
  for (let attempt = 0; attempt < 2; attempt++) {
    const { exitCode, stdout, stderr } = await runCli(['serve', '--port', '0', '--data', data]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^tally: .*data is in use by another server\n$/);
  }
  expect(others()).toEqual(before);
  expect(await client.ask(buyLine('alice', 1).replace('}', ',"wait":true}'))).toBe(okLine(2));
  client.close();
  await kill(server);
  const next = await startServer(['--data', data]);
  expect(await askBalances(next.port, ['alice'])).toEqual([2]);
  await next.stop();
});

test('an event with wait leaves nothing that the replies of others wait for', async () => {
  const server = await startServer(['--data', join(newFolder(), 'data'), '--workers', '2', ...SMALL]);
  const [client, other] = [await Client.open(server.port), await Client.open(server.port)];
  for (const user of ['alice', 'bob', 'carol']) {
    expect(await client.ask(buyLine(user, 1).replace('}', ',"wait":true}'))).toBe(okLine(1));
    expect(await other.ask(HEALTH)).toBe(HEALTHY);
  }
  client.close();
  other.close();
  await server.stop();
});

test('a server that listens has room for a full ring, however large', async () => {
  const flags = ['--data', join(newFolder(), 'data'), '--ring', '262144', '--debug-requests'];
  const server = await startServer(flags);
  const control = await Client.open(server.port);
  await control.ask(FREEZE);
  const events = 2_000;
  const clients = await Promise.all(Array.from({ length: 50 }, () => Client.open(server.port)));
  for (const client of clients) client.send(buyLine('alice', 1).repeat(events));
  await until(async () => {
    const { received } = JSON.parse(await control.ask('{"type":"metrics"}\n')) as { received: number };
    return received === events * clients.length;
  }, 'all events to be taken');
  await control.ask(THAW);
  for (const client of clients)
    expect((await client.lines(events)).filter(reply => reply !== ACCEPTED)).toEqual([]);
});

test('two that start at once on one folder: one of them serves', async () => {
  const data = join(newFolder(), 'data');
  await kill(await startServer(['--data', data, ...SMALL]));
  const started = await Promise.allSettled(
    Array.from({ length: 3 }, () => startServer(['--data', data, ...SMALL])),
  );
  const serving = started.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
  expect(serving).toHaveLength(1);
  for (const each of started)
    if (each.status === 'rejected') expect(String(each.reason)).toContain('is in use by another server');
  expect(await exchange(serving[0]!.port, buyLine('alice', 1))).toBe(`${ACCEPTED}\n`);
  await serving[0]!.stop();
  expect(await runCli(['journal', 'verify', data])).toMatchObject({ exitCode: 0 });
});

test('what can not be is refused in one line', async () => {
  const folder = newFolder();
  const other = join(folder, 'other');
  mkdirSync(other);
  const notes = join(other, 'notes.txt');
  writeFileSync(notes, 'mine\n');
  const serve = (...flags: string[]) => runCli(['serve', '--port', '0', ...flags]);

  expect(await serve('--sync', 'interval')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'tally: --sync is about a journal; say with --data DIR where it is\n',
  });
  for (const [data, reason] of [
    [notes, /^tally: .*notes\.txt is no folder\n$/],
    [join(notes, 'data'), /^tally: .*ENOTDIR.*\n$/],
    ['/proc/tally', /^tally: .*\/proc\/tally.*\n$/],
    [other, /^tally: .*not the folder of a journal.*notes\.txt\n$/],
  ] as const) {
    const { exitCode, stdout, stderr } = await serve('--data', data);
    expect({ exitCode, stdout }, data).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(reason);
  }
  expect(filesIn(folder)).toEqual(['other', 'other/notes.txt']);
  expect(readFileSync(notes, 'utf8')).toBe('mine\n');
});

test('nobody else may read it', async () => {
  const data = join(newFolder(), 'data');
  const server = await startServer(['--data', data, ...SMALL]);
  await exchange(server.port, buyLine('alice', 1));
  await kill(server);
  const modes = ['.', ...filesIn(data)].map(name => {
    const stat = statSync(join(data, name));
    return {
      name,
      mode: (stat.mode & 0o777).toString(8),
      isFolder: stat.isDirectory(),
      isLock: stat.isSocket(),
    };
  });
  expect(modes.length).toBeGreaterThan(5);
  for (const { name, mode, isFolder, isLock } of modes)
    if (!isLock) expect({ name, mode }).toEqual({ name, mode: isFolder ? '700' : '600' });
});

test('a damaged block is refused with file and byte, and nothing is changed', async () => {
  const data = join(newFolder(), 'data');
  const server = await startServer(['--data', data, '--workers', '1', ...SMALL]);
  const client = await Client.open(server.port);
  for (let event = 0; event < 3; event++) expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
  client.close();
  await kill(server);
  const segment = 'epoch-000001/lane-0/000000.log';
  const bytes = readFileSync(join(data, segment));
  // In the first block: behind the segment's header and its own.
  bytes[64 + 64 + 4]! ^= 1;
  writeFileSync(join(data, segment), bytes);
  const before = filesIn(data).filter(name => name !== 'lock');
  const { exitCode, stdout, stderr } = await runCli(['serve', '--port', '0', '--data', data]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^tally: .*epoch-000001\/lane-0\/000000\.log, byte \d+: block \d+ .*\n$/);
  expect(filesIn(data)).toEqual(before);
  expect(readFileSync(join(data, segment))).toEqual(bytes);
  expect(await runCli(['journal', 'verify', data])).toMatchObject({ exitCode: 1 });
});

test('its replies are those of a server in memory, byte by byte', async () => {
  const seed = pickSeed();
  const maker = new LineMaker(Choices.seeded(seed));
  const lines = Buffer.concat(Array.from({ length: 3_000 }, () => [maker.next(), Buffer.from('\n')]).flat());
  const users = ['a', 'alice', 'bob'].map(balanceRequest).join('');
  // A metrics line tells how far the workers are.
  const replies = async (flags: string[]) => {
    const server = await startServer(flags);
    const text = await exchange(server.port, Buffer.concat([lines, Buffer.from(users)]));
    await server.stop();
    return text.replaceAll(/\{"received":.*\n/g, 'metrics\n').split('\n');
  };
  const inMemory = await replies([]);
  expect(inMemory).toHaveLength(3_004);
  for (const sync of ['always', 'never'])
    expect(
      await replies(['--data', join(newFolder(), 'data'), '--sync', sync]),
      `TALLY_TEST_SEED=${seed}`,
    ).toEqual(inMemory);
});

test('stopped under load, it answers all that it took, and the next start has just that', async () => {
  const seed = pickSeed();
  const data = join(newFolder(), 'data');
  const server = await startServer(['--data', data, '--workers', '2', ...SMALL]);
  const load = await Load.start({
    port: server.port,
    seed,
    connections: 6,
    users: 20,
    depth: 64,
    waitPercent: 10,
    balancePercent: 10,
  });
  await until(() => load.tally().accepted > 2_000, 'some load');
  const { exitCode, ledger } = await server.stop();
  const tally = await load.ended();
  expect(tally, `TALLY_TEST_SEED=${seed}`).toMatchObject({ wrong: [], other: 0 });
  expect({ exitCode, ...ledger }, `TALLY_TEST_SEED=${seed}`).toMatchObject({
    exitCode: 0,
    processed: tally.accepted,
    lost: 0,
    unanswered: 0,
  });
  const next = await startServer(['--data', data]);
  expect(await recoveredBy(next)).toMatchObject({ clean: true });
  const accepted = load.accepted();
  expect(await askBalances(next.port, [...accepted.keys()])).toEqual([...accepted.values()]);
  await next.stop();
});

test('snapshots go on behind the death of a worker', async () => {
  const data = join(newFolder(), 'data');
  // An archivist that is slow for want of a core costs time, not events.
  const flags = ['--workers', '2', '--debug-requests', '--when-full', 'wait', ...SMALL];
  const server = await startServer(['--data', data, ...flags]);
  const [client, control] = [await Client.open(server.port), await Client.open(server.port)];
  const send = async (lines: string[]) => {
    for (let at = 0; at < lines.length; at += 100) {
      const some = lines.slice(at, at + 100);
      client.send(some.join(''));
      expect(await client.lines(some.length)).toEqual(some.map(() => ACCEPTED));
    }
  };
  const snapshots = () =>
    filesIn(data)
      .filter(name => /snapshot-\d+$/.test(name))
      .map(name => Number(name.slice(-6)));

  // So many users that the next snapshot comes behind several segments.
  await send(Array.from({ length: 1_500 }, (_, user) => buyLine(`${user}-${'x'.repeat(100)}`, 1)));
  await until(() => snapshots().some(number => number > 0), 'a first snapshot');
  // It may have left out what calls for another one at once.
  let first = 0;
  do {
    first = snapshots().at(-1)!;
    await sleep(500);
    await until(() => snapshots().length === 1, 'the one before it to be gone');
  } while (snapshots()[0] !== first);
  // A user of each worker.
  const users: string[] = [];
  await control.ask(FREEZE);
  for (let user = 0; users[0] === undefined || users[1] === undefined; user++) {
    const depths = async () =>
      (JSON.parse(await control.ask('{"type":"metrics","detail":true}\n')) as { ring_depths: number[] })
        .ring_depths;
    const before = await depths();
    client.send(buyLine(`user-${user}`, 1));
    await until(async () => String(await depths()) !== String(before), 'the event');
    const after = await depths();
    users[after[0]! > before[0]! ? 0 : 1] = `user-${user}`;
  }
  await control.ask(THAW);
  await until(() => client.received.split('\n').length > 2, 'the replies');
  client.received = '';

  await send(Array.from({ length: 9_000 }, () => buyLine(users[0]!, 1)));
  expect(await control.ask('{"type":"debug","do":"kill","worker":0}\n')).toBe(HEALTHY);
  await until(() => server.events.some(({ event }) => event === 'worker_replaced'), 'a new worker');
  await send([buyLine(users[0]!, 1)]);
  expect(snapshots()).toEqual([first]);
  for (let times = 0; times < 10 && snapshots().at(-1) === first; times++)
    await send(Array.from({ length: 3_000 }, () => buyLine(users[1]!, 1)));
  const errors = () => server.events.filter(({ level }) => level === 'error');
  await until(() => snapshots().at(-1)! > first || errors().length > 0, 'another snapshot');
  expect(errors()).toEqual([]);
  client.close();
  control.close();
  await kill(server);
  expect(await runCli(['journal', 'verify', data])).toMatchObject({ exitCode: 0 });
});
