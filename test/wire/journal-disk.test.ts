/** A disk that is full, fails or is slow, under the real server with a journal. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Client, HungUp } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import {
  ACCEPTED,
  askBalances,
  askMetrics,
  BUSY,
  balanceRequest,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
} from '../support/asking.ts';
import { newFolder } from '../support/folders.ts';
import { oddDisk } from '../support/odd-disk.ts';
import { type RunningServer, runCli, startServer } from '../support/server.ts';

const FULL = '{"status":"rejected","reason":"disk_full"}';
const SMALL = ['--segment-bytes', '65536', '--ring', '256', '--workers', '1'];
const waiting = (line: string) => line.replace('}', ',"wait":true}');

const kill = (server: RunningServer) => {
  server.process.kill('SIGKILL');
  return server.exited;
};

/** A file system of its own, of so many bytes; undefined where we may not mount one. */
function smallDisk(bytes: number): string | undefined {
  const folder = join(newFolder(), 'disk');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    console.warn(`NOT TESTED, a full disk: ${(error as Error).message}`);
    return undefined;
  }
  // Lazily: of a test that failed, the server may still run.
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

function fill(path: string): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(4_096, 1));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
}

/** Sends events of 1 each, many at a time, until a reply ends it. Returns how many there were of each reply. */
async function sendUntil(client: Client, user: string, last: string): Promise<Record<string, number>> {
  const replies: Record<string, number> = {};
  const endMs = performance.now() + 20_000;
  while (!replies[last]) {
    client.send(buyLine(user, 1).repeat(100));
    for (const line of await client.lines(100)) replies[line] = (replies[line] ?? 0) + 1;
    if (performance.now() > endMs) throw new Error(`never ${last}: ${JSON.stringify(replies)}`);
  }
  return replies;
}

/** Until there is no room for an event, and the archivist, which tries each second, finds none either. */
async function untilFull(client: Client, user: string, filler: string): Promise<Record<string, number>> {
  const replies: Record<string, number> = {};
  for (let refused = 0; refused < 3; ) {
    fill(filler);
    client.send(buyLine(user, 1));
    const line = await client.line();
    replies[line] = (replies[line] ?? 0) + 1;
    refused = line === FULL ? refused + 1 : 0;
    if (refused > 0) await sleep(600);
  }
  return replies;
}

test('a full disk refuses new events, answers the rest, and goes on when there is room', async context => {
  const disk = smallDisk(4 * 2 ** 20);
  if (disk === undefined) return context.skip('no file system can be mounted here');
  const data = join(disk, 'data');
  const filler = join(disk, 'filler');
  let server = await startServer(['--data', data, ...SMALL]);
  const client = await Client.open(server.port);
  const sum = { accepted: 0, received: 0, dropped: 0 };
  const count = (replies: Record<string, number>) => {
    expect(Object.keys(replies).filter(line => ![ACCEPTED, BUSY, FULL].includes(line))).toEqual([]);
    sum.accepted += replies[ACCEPTED] ?? 0;
    sum.dropped += (replies[FULL] ?? 0) + (replies[BUSY] ?? 0);
    sum.received = sum.accepted + sum.dropped;
  };

  count(await sendUntil(client, 'alice', ACCEPTED));
  for (let time = 0; time < 2; time++) {
    fill(filler);
    count(await sendUntil(client, 'alice', FULL));
    count(await untilFull(client, 'alice', filler));
    client.send(waiting(buyLine('alice', 1)) + buyLine('somebody-new', 1));
    expect(await client.lines(2)).toEqual([FULL, FULL]);
    sum.dropped += 2;
    sum.received += 2;
    expect(await client.ask(balanceRequest('alice'))).toBe(okLine(sum.accepted));
    expect(await client.ask(balanceRequest('somebody-new'))).toBe(okLine(0));
    expect(await client.ask(HEALTH)).toBe(HEALTHY);
    expect(await askMetrics(client)).toMatchObject({
      received: sum.received,
      processed: sum.accepted,
      dropped: sum.dropped,
      queued: 0,
    });
    rmSync(filler);
    count(await sendUntil(client, 'alice', ACCEPTED));
    expect(await client.ask(balanceRequest('alice'))).toBe(okLine(sum.accepted));
  }

  fill(filler);
  count(await sendUntil(client, 'alice', FULL));
  count(await untilFull(client, 'alice', filler));
  client.close();
  await kill(server);
  const refused = await runCli(['serve', '--port', '0', '--data', data]);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^tally: .*ENOSPC.*\n$/);
  expect(await runCli(['journal', 'verify', data])).toMatchObject({ exitCode: 0 });
  rmSync(filler);
  server = await startServer(['--data', data, ...SMALL]);
  expect(await askBalances(server.port, ['alice', 'somebody-new'])).toEqual([sum.accepted, 0]);
  expect(server.events.filter(({ level }) => level === 'error')).toEqual([]);
  await server.stop();
});

test('a write that fails is final: nothing more is acknowledged, and the server ends with 4', async () => {
  const folder = newFolder();
  const data = join(folder, 'data');
  const broken = join(folder, 'broken');
  const server = await startServer(['--data', data, ...SMALL], oddDisk(folder, { failsWritesIf: broken }));
  const [client, idle] = [await Client.open(server.port), await Client.open(server.port)];
  client.send(buyLine('alice', 1).repeat(50) + waiting(buyLine('alice', 1)));
  expect(await client.lines(51)).toEqual([...Array(50).fill(ACCEPTED), okLine(51)]);
  writeFileSync(broken, '');
  client.send(buyLine('alice', 1).repeat(10) + waiting(buyLine('alice', 1)) + balanceRequest('alice'));
  await Promise.all([client.over(), idle.over()]);
  expect(client.received + idle.received).toBe('');
  const { exitCode, ledger } = await server.exited;
  expect({ exitCode, ...ledger }).toMatchObject({
    exitCode: 4,
    received: 62,
    processed: 51,
    dropped: 0,
    lost: 0,
    unanswered: 11,
  });
  expect(server.events.filter(({ level }) => level === 'error')).toMatchObject([
    { event: 'journal_failed', reason: expect.stringContaining('EIO') },
  ]);
  expect(server.stderr()).toBe('');
  const next = await startServer(['--data', data, ...SMALL]);
  expect(await askBalances(next.port, ['alice'])).toEqual([51]);
  await next.stop();
});

test('so is a sync, which is not tried again', async () => {
  const folder = newFolder();
  const data = join(folder, 'data');
  const broken = join(folder, 'broken');
  const env = oddDisk(folder, { failsSyncOnceIf: broken });
  const server = await startServer(['--data', data, ...SMALL, '--sync', 'interval', '--sync-ms', '20'], env);
  const client = await Client.open(server.port);
  expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
  writeFileSync(broken, '');
  let accepted = 1;
  try {
    for (;;) if ((await client.ask(buyLine('alice', 1))) === ACCEPTED) accepted += 1;
  } catch (error) {
    expect(error).toBeInstanceOf(HungUp);
  }
  const { exitCode, ledger } = await server.exited;
  expect({ exitCode, ...ledger }).toMatchObject({ exitCode: 4, lost: 0 });
  // It does not wait for an archivist that has ended.
  expect(ledger!.elapsedMs).toBeLessThan(3_000);
  expect(server.events.filter(({ event }) => event === 'journal_failed')).toMatchObject([
    { reason: expect.stringContaining('EIO') },
  ]);
  const next = await startServer(['--data', data, ...SMALL]);
  const [balance] = await askBalances(next.port, ['alice']);
  expect(balance).toBeGreaterThanOrEqual(accepted);
  expect(balance).toBeLessThanOrEqual(accepted + 1);
  await next.stop();
});

test('the last sync of a server that stops may fail, and is said to have', async () => {
  const folder = newFolder();
  const broken = join(folder, 'broken');
  const flags = ['--data', join(folder, 'data'), ...SMALL, '--sync', 'never'];
  const server = await startServer(flags, oddDisk(folder, { failsSyncOnceIf: broken }));
  const client = await Client.open(server.port);
  expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
  // The archivist has made the segments of the start by then.
  await sleep(300);
  writeFileSync(broken, '');
  client.close();
  expect(await server.stop()).toMatchObject({ exitCode: 4, ledger: { exitCode: 4, processed: 1, lost: 0 } });
  expect(server.events.filter(({ event }) => event === 'journal_failed')).toHaveLength(1);
});

test('a slow disk is no failure: what does not fit is server_busy, and health answers at once', async () => {
  const folder = newFolder();
  const data = join(folder, 'data');
  const server = await startServer(['--data', data, ...SMALL], oddDisk(folder, { beforeMs: 20 }));
  const [client, control] = [await Client.open(server.port), await Client.open(server.port)];
  const events = 5_000;
  client.send(buyLine('alice', 1).repeat(events));
  const healthMs: number[] = [];
  for (let asked = 0; asked < 20; asked++) {
    const startMs = performance.now();
    expect(await control.ask(HEALTH)).toBe(HEALTHY);
    healthMs.push(performance.now() - startMs);
    await sleep(5);
  }
  const lines = await client.lines(events);
  const accepted = lines.filter(line => line === ACCEPTED).length;
  expect(accepted).toBeGreaterThanOrEqual(256);
  expect(lines.filter(line => line === BUSY)).toHaveLength(events - accepted);
  expect(accepted).toBeLessThan(events);
  healthMs.sort((one, other) => one - other);
  expect(healthMs[10]).toBeLessThan(20);
  // One write is on its way, and one behind it.
  const startMs = performance.now();
  expect(await client.ask(waiting(buyLine('alice', 1)))).toBe(okLine(accepted + 1));
  expect(performance.now() - startMs).toBeLessThan(500);
  client.close();
  control.close();
  expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { processed: accepted + 1, lost: 0 } });
});

test('a client that has ended its side still gets the replies that wait for the disk', async () => {
  const folder = newFolder();
  const server = await startServer(
    ['--data', join(folder, 'data'), ...SMALL],
    oddDisk(folder, { beforeMs: 100 }),
  );
  const clients = await Promise.all(Array.from({ length: 5 }, () => Client.open(server.port)));
  for (const client of clients) client.send(buyLine('alice', 1).repeat(20) + buyLine('alice', 1).trimEnd());
  for (const client of clients) expect(await client.finish()).toBe(`${ACCEPTED}\n`.repeat(21));
  expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { processed: 105 } });
});

test('one that is reset leaves its events behind, whole', async () => {
  const folder = newFolder();
  const server = await startServer(
    ['--data', join(folder, 'data'), ...SMALL],
    oddDisk(folder, { beforeMs: 50 }),
  );
  const [client, other] = [await Client.open(server.port), await Client.open(server.port)];
  client.send(buyLine('alice', 1).repeat(20));
  await until(async () => (await askMetrics(other)).received === 20, 'the events');
  client.reset();
  expect(await other.ask(waiting(buyLine('alice', 1)))).toBe(okLine(21));
  other.close();
  expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { processed: 21 } });
});

test.each([
  ['before its write', { beforeMs: 200 }],
  ['behind its write', { afterMs: 200 }],
])('a worker that dies %s is replaced, and the run is there once', async (_, odd) => {
  const folder = newFolder();
  const data = join(folder, 'data');
  const server = await startServer(['--data', data, ...SMALL, '--debug-requests'], oddDisk(folder, odd));
  const [client, control] = [await Client.open(server.port), await Client.open(server.port)];
  client.send(buyLine('alice', 1).repeat(5));
  await sleep(100);
  expect(await control.ask('{"type":"debug","do":"kill","worker":0}\n')).toBe(HEALTHY);
  client.send(buyLine('alice', 10) + waiting(buyLine('bob', 7)) + waiting(buyLine('alice', 100)));
  expect(await client.lines(8)).toEqual([...Array(6).fill(ACCEPTED), okLine(7), okLine(115)]);
  expect((await askMetrics(control)).worker_deaths).toBe(1);
  client.close();
  control.close();
  await kill(server);
  const next = await startServer(['--data', data, ...SMALL]);
  expect(await askBalances(next.port, ['alice', 'bob'])).toEqual([115, 7]);
  expect(await next.stop()).toMatchObject({ exitCode: 0 });
  expect(await runCli(['journal', 'verify', data])).toMatchObject({ exitCode: 0 });
});

test('stopped with a worker that is stuck, it answers nothing that is not in the journal', async () => {
  const data = join(newFolder(), 'data');
  const limits = ['--drain-ms-max', '400', '--grace-ms-max', '100', '--join-ms-max', '100'];
  const server = await startServer([
    '--data',
    data,
    ...SMALL,
    ...limits,
    '--shutdown-ms-max',
    '700',
    '--debug-requests',
  ]);
  const client = await Client.open(server.port);
  expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
  expect(await client.ask(FREEZE)).toBe(HEALTHY);
  client.send(buyLine('alice', 1).repeat(30));
  await until(async () => {
    const control = await Client.open(server.port);
    const { received } = await askMetrics(control);
    control.close();
    return received === 31;
  }, 'the events');
  const stopped = await server.stop();
  expect(stopped).toMatchObject({
    exitCode: 0,
    ledger: { received: 31, processed: 1, lost: 0, unanswered: 30 },
  });
  expect(stopped.elapsedMs).toBeLessThan(5_000);
  await client.over();
  expect(client.received).toBe('');
  const next = await startServer(['--data', data]);
  expect(await askBalances(next.port, ['alice'])).toEqual([1]);
  await next.stop();
});
