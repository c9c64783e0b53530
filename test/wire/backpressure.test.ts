/** What the server does with more than it can take: it says so at once, or stops reading, and it counts. */
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import {
  ACCEPTED,
  askMetrics,
  BUSY,
  balanceRequest,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
  THAW,
} from '../support/asking.ts';
import { Load, pickSeed } from '../support/load.ts';
import { startServer } from '../support/server.ts';

const SLOTS = 64;
const TOO_MANY_CONNECTIONS = '{"status":"rejected","reason":"too_many_connections"}';
const METRICS = '{"type":"metrics","detail":true}\n';

describe('a full ring', () => {
  test('takes exactly as many events as it has slots, and the next is server_busy, within a millisecond', async () => {
    const server = await startServer(['--workers', '1', '--ring', String(SLOTS), '--debug-requests']);
    const client = await Client.open(server.port);
    // Warm, as a server that is overloaded is.
    for (let event = 0; event < 2_000; event++)
      await client.ask(buyLine('warm', 1).replace('}', ',"wait":true}'));
    let bestMs = Number.POSITIVE_INFINITY;
    const rounds = 20;
    for (let round = 0; round < rounds; round++) {
      await client.ask(FREEZE);
      for (let event = 0; event < SLOTS; event++)
        expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
      const startMs = performance.now();
      expect(await client.ask(buyLine('alice', 1))).toBe(BUSY);
      bestMs = Math.min(bestMs, performance.now() - startMs);
      await client.ask(THAW);
      await until(async () => (await askMetrics(client)).queued === 0, 'an empty ring');
    }
    console.log(`server_busy came after ${bestMs.toFixed(3)} ms (best of ${rounds})`);
    expect(bestMs).toBeLessThan(process.env.CI === undefined ? 1 : 5);
    expect(await client.ask(balanceRequest('alice'))).toBe(okLine(SLOTS * rounds));
    client.close();
    expect((await server.stop()).ledger).toMatchObject({ dropped: rounds, lost: 0 });
  });

  test('says so too when all events come in one packet, and to an event with wait', async () => {
    const server = await startServer(['--workers', '1', '--ring', String(SLOTS), '--debug-requests']);
    const client = await Client.open(server.port);
    await client.ask(FREEZE);
    client.send(buyLine('bob', 1).repeat(SLOTS + 3) + buyLine('new', 1).replace('}', ',"wait":true}'));
    const replies = await client.lines(SLOTS + 4);
    expect(replies).toEqual([...Array(SLOTS).fill(ACCEPTED), BUSY, BUSY, BUSY, BUSY]);
    const { received, processed, dropped, queued } = await askMetrics(client);
    expect({ received, processed, dropped, queued }).toEqual({
      received: SLOTS + 4,
      processed: 0,
      dropped: 4,
      queued: SLOTS,
    });
    await client.ask(THAW);
    expect(await client.ask(balanceRequest('bob'))).toBe(okLine(SLOTS));
    client.close();
    await server.stop();
  });
});

test('received = processed + dropped + queued in every sample under load, and queued is 0 at the end', async () => {
  const seed = pickSeed();
  const server = await startServer(['--workers', '2', '--ring', '64', '--work-us', '5']);
  const sampler = await Client.open(server.port);
  const load = await Load.start({ port: server.port, seed, connections: 4, users: 20, depth: 100 });
  let samples = 0;
  let queuedMax = 0;
  const endMs = performance.now() + 1_500;
  while (performance.now() < endMs) {
    const { received, processed, dropped, queued, refused } = await askMetrics(sampler);
    expect(received, `TALLY_TEST_SEED=${seed}`).toBe(processed + dropped + queued);
    expect(queued).toBeGreaterThanOrEqual(0);
    expect(dropped).toBe(refused.server_busy);
    queuedMax = Math.max(queuedMax, queued);
    samples += 1;
  }
  const tally = await load.stop();
  await until(async () => (await askMetrics(sampler)).queued === 0, 'an empty queue at the end');
  const { received, processed, dropped } = await askMetrics(sampler);
  expect(received).toBe(processed + dropped);
  expect({ processed, dropped }, `TALLY_TEST_SEED=${seed}`).toEqual({
    processed: tally.accepted,
    dropped: tally.serverBusy,
  });
  expect(tally).toMatchObject({ shuttingDown: 0, other: 0, unknown: 0, wrong: [] });
  expect(tally.serverBusy, 'the load was too small for the ring').toBeGreaterThan(0);
  console.log(`${samples} samples, at most ${queuedMax} queued, ${received} received`);
  sampler.close();
  await server.stop();
});

/** A client that sends and never reads. */
async function openDeaf(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.pause();
  socket.on('error', () => {});
  await new Promise(resolve => socket.once('connect', resolve));
  return socket;
}

/** Waits until no more events are received, in several answers of the server in a row; how many there were. */
async function untilStuck(other: Client): Promise<number> {
  let received = -1;
  let still = 0;
  await until(async () => {
    const before = received;
    received = (await askMetrics(other)).received;
    still = received > 0 && received === before ? still + 1 : 0;
    return still === 10;
  }, 'the server to stop reading');
  return received;
}

describe('replies that are not read', () => {
  test('close the connection after --blocked-ms-max, and nobody else is hurt', async () => {
    const server = await startServer(['--blocked-ms-max', '300']);
    const other = await Client.open(server.port);
    const deaf = await openDeaf(server.port);
    const startMs = performance.now();
    deaf.write(METRICS.repeat(50_000));
    await until(async () => (await askMetrics(other)).closed_blocked === 1, 'the deaf client to be closed');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(300);
    expect((await askMetrics(other)).connections).toBe(1);
    expect(await other.ask(buyLine('other', 1))).toBe(ACCEPTED);
    deaf.destroy();
    other.close();
    await server.stop();
  });

  test.each([16_384, 65_536])(
    'a client that pauses and then reads gets them all, with --unsent-bytes-max %i',
    async unsent => {
      const server = await startServer(['--unsent-bytes-max', String(unsent), '--blocked-ms-max', '2000']);
      const other = await Client.open(server.port);
      const slow = await openDeaf(server.port);
      const requests = 30_000;
      slow.end((METRICS + buyLine('slow', 1)).repeat(requests));
      expect(await untilStuck(other)).toBeLessThan(requests);
      let lines = 0;
      slow.on('data', (chunk: unknown) => {
        for (const byte of chunk as Buffer) if (byte === 0x0a) lines += 1;
      });
      const closed = new Promise(resolve => slow.once('close', resolve));
      slow.resume();
      await closed;
      expect(lines).toBe(2 * requests);
      expect(await other.ask(balanceRequest('slow'))).toBe(okLine(requests));
      expect((await askMetrics(other)).closed_blocked).toBe(0);
      other.close();
      await server.stop();
    },
  );
});

describe('a line that does not end', () => {
  const LIMIT_MS = 300;

  /** Sends one more byte every few milliseconds until the server hangs up; how long that took. */
  async function trickle(client: Client): Promise<number> {
    const startMs = performance.now();
    await until(
      () => {
        if (!client.isEnded) client.send('a');
        return client.isEnded;
      },
      'the server to hang up on a line that trickles in',
      10 * LIMIT_MS,
    );
    return performance.now() - startMs;
  }

  test.each([
    ['a line within the limit', '{"user":"', []],
    [
      'a line that was too long and is skipped',
      'a'.repeat(600),
      ['{"status":"error","reason":"line_too_long"}'],
    ],
    ['a line behind a whole one', `${HEALTH}{"user":"`, [HEALTHY]],
  ])('closes its connection after --partial-ms-max, whatever trickles in: %s', async (_, start, replies) => {
    const server = await startServer(['--partial-ms-max', String(LIMIT_MS), '--line-bytes-max', '512']);
    const other = await Client.open(server.port);
    const client = await Client.open(server.port);
    const sentMs = performance.now();
    client.send(start);
    expect(await client.lines(replies.length)).toEqual(replies);
    const tookMs = await trickle(client);
    // The limit counts from what was sent first: on a busy machine the replies may take a part of that time.
    expect(performance.now() - sentMs).toBeGreaterThan(LIMIT_MS - 100);
    expect(tookMs).toBeLessThan(LIMIT_MS * 5);
    await until(async () => (await askMetrics(other)).closed_partial === 1, 'the count of closed_partial');
    expect(await other.ask(HEALTH)).toBe(HEALTHY);
    client.close();
    other.close();
    await server.stop();
  });
});

test('with --idle-ms-max a silent connection is closed, and one that speaks stays', async () => {
  const server = await startServer(['--idle-ms-max', '400']);
  const silent = await Client.open(server.port);
  const speaker = await Client.open(server.port);
  const startMs = performance.now();
  await until(async () => {
    await speaker.ask(HEALTH);
    return silent.isEnded;
  }, 'the silent client to be closed');
  expect(performance.now() - startMs).toBeGreaterThan(300);
  await until(async () => (await askMetrics(speaker)).closed_idle === 1, 'the count of closed_idle');
  await until(async () => {
    await speaker.ask(HEALTH);
    return performance.now() - startMs > 1_000;
  }, 'more than twice the limit');
  expect(speaker.isEnded).toBe(false);
  speaker.close();
  await server.stop();
});

test('with --connections-max one too many is told so, ended and counted, and a place that gets free is given again', async () => {
  const server = await startServer(['--connections-max', '2']);
  const first = await Client.open(server.port);
  const second = await Client.open(server.port);
  expect(await second.ask(HEALTH)).toBe(HEALTHY);
  const third = await Client.open(server.port);
  // What it has sent already does not cost it the reply.
  third.send(HEALTH.repeat(1_000));
  expect(await third.finish()).toBe(`${TOO_MANY_CONNECTIONS}\n`);
  expect(third.error).toBeUndefined();
  expect(await askMetrics(first)).toMatchObject({ connections: 2, connections_refused: 1 });
  second.close();
  await until(async () => (await askMetrics(first)).connections === 1, 'the second to be gone');
  const fourth = await Client.open(server.port);
  expect(await fourth.ask(HEALTH)).toBe(HEALTHY);

  // A crowd, none of whom leaves by itself: a few are told, the others are closed without a word.
  const startMs = performance.now();
  const crowd = await Promise.all(Array.from({ length: 100 }, () => Client.open(server.port)));
  for (const client of crowd) await client.over();
  const said = crowd.map(({ received }) => received);
  const told = said.filter(text => text === `${TOO_MANY_CONNECTIONS}\n`).length;
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThanOrEqual(16 * (2 + (performance.now() - startMs) / 1_000));
  expect(said.filter(text => text !== '' && text !== `${TOO_MANY_CONNECTIONS}\n`)).toEqual([]);
  expect(await askMetrics(first)).toMatchObject({ connections: 2, connections_refused: 101 });
  for (const client of crowd) client.close();
  await until(
    async () => (await exchange(server.port, HEALTH)) === `${TOO_MANY_CONNECTIONS}\n`,
    'one to be told again',
  );
  for (const client of [first, third, fourth]) client.close();
  await server.stop();
});
