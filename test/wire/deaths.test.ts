/** A worker that dies is replaced, and neither an event nor a reply is lost or doubled. */
import { expect, test } from 'vitest';
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
  THAW,
} from '../support/asking.ts';
import { dieUnderLoad } from '../support/death-cycles.ts';
import { startServer } from '../support/server.ts';

const DEATHS = Number(process.env.TALLY_TEST_CYCLES ?? 10);
const killLine = (worker: number) => `{"type":"debug","do":"kill","worker":${worker}}\n`;

test.each(['kill', 'crash'] as const)(
  `workers that die under load (%s, ${DEATHS} times) leave every answer given and every balance exact`,
  how => dieUnderLoad(how, DEATHS).then(() => {}),
  30_000 + DEATHS * 3_000,
);

test('what lies in the ring of a worker that dies is applied by its successor, and its waits are answered', async () => {
  const server = await startServer(['--workers', '1', '--debug-requests']);
  const control = await Client.open(server.port);
  const client = await Client.open(server.port);
  await control.ask(FREEZE);
  const waiting = buyLine('heir', 1).replace('}', ',"wait":true}');
  client.send(buyLine('heir', 1).repeat(100) + waiting.repeat(10) + balanceRequest('heir'));
  await until(async () => (await askMetrics(control)).queued === 110, 'the events in the ring');
  await control.ask(killLine(0));
  await until(async () => (await askMetrics(control)).worker_deaths === 1, 'the death to be noticed');
  await until(async () => (await control.ask(HEALTH)) === HEALTHY, 'a new worker');
  expect((await askMetrics(control)).queued).toBe(110);
  await control.ask(THAW);
  const balances = Array.from({ length: 10 }, (_, at) => okLine(101 + at));
  expect(await client.lines(111)).toEqual([...Array(100).fill(ACCEPTED), ...balances, okLine(110)]);
  client.close();
  control.close();
  expect(await server.stop()).toMatchObject({
    exitCode: 0,
    ledger: { processed: 110, lost: 0, workerDeaths: 1 },
  });
});

test('a server that is stopped while a worker is dead loses nothing', async () => {
  const server = await startServer(['--workers', '2', '--debug-requests']);
  const control = await Client.open(server.port);
  await control.ask(FREEZE);
  const users = Array.from({ length: 50 }, (_, user) => buyLine(`u${user}`, 1));
  control.send(users.join(''));
  expect(await control.lines(50)).toEqual(Array(50).fill(ACCEPTED));
  control.send(killLine(0) + killLine(1) + THAW);
  await control.lines(3);
  control.close();
  expect(await server.stop()).toMatchObject({
    exitCode: 0,
    ledger: { received: 50, processed: 50, lost: 0 },
  });
});
