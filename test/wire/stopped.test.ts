/** A server that did not run for a while reads what came meanwhile before it looks at any deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { askMetrics, HEALTH, HEALTHY } from '../support/asking.ts';
import { startServer } from '../support/server.ts';

const LIMIT_MS = 3_000;

test('after SIGSTOP and SIGCONT nobody is closed who has spoken in time', async () => {
  const limit = String(LIMIT_MS);
  const server = await startServer(['--idle-ms-max', limit, '--partial-ms-max', limit]);
  const [speaker, halting, silent] = await Promise.all([1, 2, 3].map(() => Client.open(server.port)));
  halting!.send(HEALTH.slice(0, 5));
  for (const client of [speaker!, silent!]) expect(await client.ask(HEALTH)).toBe(HEALTHY);
  server.process.kill('SIGSTOP');
  speaker!.send(HEALTH);
  halting!.send(HEALTH.slice(5));
  await sleep(LIMIT_MS + 200);
  server.process.kill('SIGCONT');
  for (const client of [speaker!, halting!]) expect(await client.line()).toBe(HEALTHY);
  await silent!.over();
  expect(await askMetrics(speaker!)).toMatchObject({ closed_idle: 1, closed_partial: 0 });
  for (const client of [speaker!, halting!, silent!]) client.close();
  await server.stop();
});
