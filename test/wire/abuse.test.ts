/**
 * The server under abuse, in small: the bounds that hold on a machine that runs other tests at the same time.
 * The figures that are promised are checked by the long runs, alone (test/long/abuse.test.ts).
 */
import { connect } from 'node:net';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { abuse } from '../support/abuse.ts';
import { ABUSERS, type AbuserName } from '../support/abusers.ts';
import { askBalances, askMetrics, buyLine } from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { startServer } from '../support/server.ts';

test('all abusers together neither bring it down nor cost the well-behaved a cent', async () => {
  const seed = pickSeed();
  const abusers = Object.keys(ABUSERS) as AbuserName[];
  const flags = ['--partial-ms-max', '1000', '--blocked-ms-max', '1000', '--connections-max', '1500'];
  const report = await abuse({
    abusers,
    seconds: 4,
    seed,
    flags,
    priority: constants.priority.PRIORITY_NORMAL,
  });
  const what = `TALLY_TEST_SEED=${seed}`;
  console.log(report);
  expect(report.wrong, what).toEqual([]);
  expect(report, what).toMatchObject({ exitCode: 0, lost: 0 });
  expect(report.answers, what).toBeGreaterThan(100);
  expect(report.descriptorsKept ?? 0, what).toBe(0);
  expect(report.grownMiB ?? 0, what).toBeLessThan(200);
  expect(report.healthMaxMs, what).toBeLessThan(2_000);
  for (const name of abusers) expect(report.deeds[name]!.connects, name).toBeGreaterThan(0);
  for (const name of ['deaf', 'endless'] as const)
    expect(report.deeds[name]!.sentBytes, name).toBeGreaterThan(10_000_000);
}, 90_000);

test('a line without its end is no line when its connection is reset, even if both come at once', async () => {
  const server = await startServer();
  const client = await Client.open(server.port);
  const resets = 50;
  for (let reset = 0; reset < resets; reset++) {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.on('connect', () => {
      socket.write(buyLine('whole', 1) + buyLine('half', 1).trimEnd());
      socket.resetAndDestroy();
    });
    await new Promise(resolve => socket.on('close', resolve));
  }
  await until(async () => (await askMetrics(client)).connections === 1, 'the server to hear of the resets');
  const [whole, half] = await askBalances(server.port, ['whole', 'half']);
  expect(half).toBe(0);
  // What had come was read before the server knew of the reset.
  expect(whole).toBeGreaterThan(0);
  client.close();
  await server.stop();
});
