/** The way out: nothing that was accepted is lost, and nobody can hold it up. */
import { connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import {
  ACCEPTED,
  askMetrics,
  balanceRequest,
  buyLine,
  FREEZE,
  HEALTH,
  HEALTHY,
  okLine,
  SHUTTING_DOWN,
  THAW,
} from '../support/asking.ts';
import { Load, pickSeed } from '../support/load.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { stopUnderLoad } from '../support/shutdown-cycles.ts';

const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? 10);
/** As in src/signals.ts: within this time, a signal is the one before it. */
const REPEAT_MS = 100;
const DRAINING = '{"status":"draining"}';
const waiting = (line: string) => line.replace('}', ',"wait":true}');

const isDraining = (server: RunningServer) => server.events.some(({ event }) => event === 'draining');

/** Sends a signal and waits until the server says that it drains. */
async function signal(server: RunningServer, name: NodeJS.Signals): Promise<void> {
  server.process.kill(name);
  await until(() => isDraining(server), 'the server to say that it drains');
}

/** Resolves to what a promise does, and how many milliseconds from now it took. */
async function timed<Value>(promise: Promise<Value>): Promise<Value & { tookMs: number }> {
  const startMs = performance.now();
  const value = await promise;
  return { ...value, tookMs: performance.now() - startMs };
}

test(
  `stopped at a random moment under load, ${CYCLES} times, it exits with 0 and has applied all it accepted`,
  () => stopUnderLoad(CYCLES).then(() => {}),
  30_000 + CYCLES * 4_000,
);

test.each(['SIGTERM', 'SIGINT'] as const)('an idle server stops at once on %s', async name => {
  const server = await startServer();
  const stopped = await server.stop(name);
  expect(stopped).toMatchObject({ exitCode: 0, signal: null, ledger: { exitCode: 0, received: 0, lost: 0 } });
  // It takes some milliseconds, but on a busy machine; the limit for its rings would be 6 s.
  expect(stopped.ledger!.elapsedMs).toBeLessThan(3_000);
});

describe('while it drains', () => {
  test('health says so, later events hear shutting_down, and nobody new gets in', async () => {
    const server = await startServer(['--drain-ms-min', '700']);
    const client = await Client.open(server.port);
    expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
    await signal(server, 'SIGTERM');
    expect(await client.ask(HEALTH)).toBe(DRAINING);
    expect(await client.ask(buyLine('alice', 1))).toBe(SHUTTING_DOWN);
    expect(await client.ask(waiting(buyLine('alice', 1)))).toBe(SHUTTING_DOWN);
    expect(await client.ask(balanceRequest('alice'))).toBe(okLine(1));
    expect(await askMetrics(client)).toMatchObject({ received: 3, processed: 1, dropped: 2, queued: 0 });
    await expect(Client.open(server.port)).rejects.toThrow('ECONNREFUSED');
    expect(await client.finish()).toBe('');
    expect(await server.exited).toMatchObject({
      exitCode: 0,
      ledger: { received: 3, processed: 1, dropped: 2, lost: 0 },
    });
  });

  test('lines that had been received are still served, those that come later are not', async () => {
    const server = await startServer(['--workers', '1', '--ring', '2', '--debug-requests']);
    const client = await Client.open(server.port);
    const other = await Client.open(server.port);
    await other.ask(FREEZE);
    client.send(buyLine('full', 1) + buyLine('full', 2));
    expect(await client.lines(2)).toEqual([ACCEPTED, ACCEPTED]);
    // The balance can't even be asked for, and the events behind it are received and not served.
    const stalledBytes = balanceRequest('full') + buyLine('full', 4) + waiting(buyLine('full', 8));
    client.send(stalledBytes);
    await until(async () => (await other.ask(HEALTH)) === HEALTHY, 'health');
    await nextTurn();
    await signal(server, 'SIGTERM');
    client.send(buyLine('full', 16));
    expect(await other.ask(buyLine('late', 1))).toBe(SHUTTING_DOWN);
    expect(await other.ask(THAW)).toBe(HEALTHY);
    expect(await client.lines(4)).toEqual([okLine(3), ACCEPTED, okLine(15), SHUTTING_DOWN]);
    client.socket.end();
    other.socket.end();
    expect(await server.exited).toMatchObject({
      exitCode: 0,
      ledger: { received: 6, processed: 4, dropped: 2, lost: 0 },
    });
  });

  test('events with wait that are pending are answered before the end', async () => {
    const server = await startServer(['--workers', '2', '--work-us', '5000', '--work', 'block']);
    const client = await Client.open(server.port);
    const other = await Client.open(server.port);
    const events = 60;
    client.send(waiting(buyLine('slow', 1)).repeat(events));
    await until(async () => (await askMetrics(other)).received === events, 'all events received');
    other.close();
    await signal(server, 'SIGTERM');
    expect(await client.lines(events)).toEqual(Array.from({ length: events }, (_, at) => okLine(at + 1)));
    expect(await client.finish()).toBe('');
    expect(await server.exited).toMatchObject({ exitCode: 0, ledger: { processed: events, lost: 0 } });
  });
});

describe('nobody holds up the exit:', () => {
  test('not a client that never reads, nor one that says nothing', async () => {
    const server = await startServer(['--grace-ms-max', '500']);
    const silent = await Client.open(server.port);
    const deaf = connect({ port: server.port, host: '127.0.0.1' });
    deaf.pause();
    deaf.on('error', () => {});
    const lines = 30_000;
    deaf.write(`{"type":"metrics","detail":true}\n${buyLine('deaf', 1)}`.repeat(lines));
    let received = 0;
    await until(async () => {
      const before = received;
      received = (await askMetrics(silent)).received;
      return received > 0 && received === before;
    }, 'the server to stop reading from the deaf client');
    const stopped = await server.stop();
    expect(stopped).toMatchObject({ exitCode: 0, ledger: { exitCode: 0, lost: 0 } });
    expect(stopped.ledger!.processed).toBeGreaterThanOrEqual(received);
    // 100 ms of draining, 500 ms of grace; if the deaf client were waited for, the draining would take 6 s.
    expect(stopped.elapsedMs).toBeGreaterThanOrEqual(600);
    expect(stopped.elapsedMs).toBeLessThan(6_000);
    deaf.destroy();
    silent.close();
  });

  test('not clients that flood', async () => {
    const server = await startServer();
    const bytes = Buffer.from(buyLine('flood', 1).repeat(1_400));
    const floods = Array.from({ length: 4 }, () => {
      const flood = connect({ port: server.port, host: '127.0.0.1' });
      const push = () => {
        if (flood.writable) flood.write(bytes, () => setImmediate(push));
      };
      flood.on('error', () => {});
      flood.once('connect', push);
      return flood.resume();
    });
    const other = await Client.open(server.port);
    await until(async () => (await askMetrics(other)).received > 100_000, 'a flood');
    other.close();
    const stopped = await server.stop();
    expect(stopped).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
    expect(stopped.elapsedMs).toBeLessThan(3_000);
    for (const flood of floods) flood.destroy();
  });

  test('not clients that go on asking for balances, each of which takes its turn in a ring', async () => {
    const seed = pickSeed();
    const server = await startServer([
      '--workers',
      '1',
      '--ring',
      '64',
      '--work-us',
      '300',
      '--work',
      'block',
    ]);
    const load = await Load.start({
      port: server.port,
      seed,
      connections: 4,
      users: 5,
      depth: 256,
      balancePercent: 50,
    });
    await until(() => load.tally().serverBusy > 1_000, 'a ring that is full');
    const stopped = await server.stop();
    const tally = await load.ended();
    expect(stopped, `TALLY_TEST_SEED=${seed}`).toMatchObject({
      exitCode: 0,
      ledger: { processed: tally.accepted, lost: 0 },
    });
    expect(tally.wrong, `TALLY_TEST_SEED=${seed}`).toEqual([]);
    expect(stopped.elapsedMs).toBeLessThan(3_000);
  });

  test('not workers that are stuck: exit code 3, and the ledger says how many events are lost', async () => {
    const limits = ['--drain-ms-max', '400', '--grace-ms-max', '100', '--join-ms-max', '100'];
    const server = await startServer([...limits, '--shutdown-ms-max', '700', '--debug-requests']);
    const client = await Client.open(server.port);
    expect(await client.ask(buyLine('applied', 1) + balanceRequest('applied'))).toBe(ACCEPTED);
    expect(await client.line()).toBe(okLine(1));
    await client.ask(FREEZE);
    const queued = 37;
    client.send(buyLine('stuck', 1).repeat(queued));
    await client.lines(queued);
    const stopped = await server.stop();
    expect(stopped).toMatchObject({
      exitCode: 3,
      ledger: { exitCode: 3, received: queued + 1, processed: 1, dropped: 0, lost: queued },
    });
    expect(server.events.at(-2)).toMatchObject({ event: 'lost', level: 'error', lost: queued });
    expect(stopped.elapsedMs).toBeLessThan(5_000);
    client.close();
  });

  test.each([
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
    ['SIGINT', 'SIGINT', 130],
  ] as const)('a second signal ends it at once: %s, then %s', async (first, second, exitCode) => {
    const server = await startServer(['--debug-requests']);
    const client = await Client.open(server.port);
    await client.ask(FREEZE);
    client.send(buyLine('stuck', 1).repeat(5));
    await client.lines(5);
    await signal(server, first);
    if (second === first) await sleep(REPEAT_MS);
    const stopped = await timed(server.stop(second));
    expect(stopped).toMatchObject({ exitCode, signal: null, ledger: { exitCode, received: 5, lost: 5 } });
    expect(stopped.tookMs).toBeLessThan(4_000);
    client.close();
  });

  test('the same signal twice at once is one, as from timeout, which signals its command and then its group', async () => {
    const server = await startServer(['--workers', '1', '--work-us', '2000', '--work', 'block']);
    const client = await Client.open(server.port);
    client.send(buyLine('slow', 1).repeat(50));
    await client.lines(50);
    const stopped = await server.stop('SIGTERM', 'SIGTERM');
    expect(stopped).toMatchObject({ exitCode: 0, ledger: { received: 50, processed: 50, lost: 0 } });
    client.close();
  });

  test('further signals take nothing from the ledger', async () => {
    const server = await startServer(['--workers', '4', '--debug-requests']);
    const client = await Client.open(server.port);
    await client.ask(FREEZE);
    await signal(server, 'SIGTERM');
    // One of them is the second; the others come while it ends, or find nobody.
    const impatience = setInterval(() => server.process.kill('SIGINT'), 1);
    const { ledger } = await server.exited;
    clearInterval(impatience);
    expect(ledger).toMatchObject({ exitCode: 130, lost: 0 });
    client.close();
  });
});
