/** A server that has nothing to do does nothing, however many are connected. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ACCEPTED, askMetrics, buyLine } from '../support/asking.ts';
import { startServer } from '../support/server.ts';

const CONNECTIONS = 1_000;
const SAMPLE_MS = 250;
/** Ten seconds of them. */
const WINDOW_SAMPLES = 40;
const DEADLINE_MS = 40_000;
const CORE_PERCENT_MAX = 0.2;

/** CPU that a process has used so far, all threads: the first field of each `schedstat`, in nanoseconds. */
function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
  return nanoseconds / 1e6;
}

function hasSchedstat(): boolean {
  try {
    return cpuMs(process.pid) > 0;
  } catch {
    return false;
  }
}

test(`with ${CONNECTIONS} connections open and silent, the server uses under ${CORE_PERCENT_MAX} % of a core`, async ctx => {
  ctx.skip(!hasSchedstat(), 'skipped: there is no /proc/PID/task/*/schedstat here to read CPU time from');
  const server = await startServer(['--workers', '2', '--idle-ms-max', '600000']);
  const clients: Client[] = [];
  while (clients.length < CONNECTIONS) {
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => Client.open(server.port)))));
  }
  // All are served, so all workers have worked, and all must come to rest.
  for (const client of clients) client.send(buyLine('idler', 1));
  for (const client of clients) expect(await client.line()).toBe(ACCEPTED);
  expect((await askMetrics(clients[0]!)).connections).toBe(CONNECTIONS);
  // The garbage of a thousand connections is swept some seconds later, once. So: the first quiet ten seconds.
  const samples = [{ atMs: performance.now(), cpuMs: cpuMs(server.pid) }];
  const usedPercent = () => {
    const [first, last] = [samples[0]!, samples.at(-1)!];
    return ((last.cpuMs - first.cpuMs) / (last.atMs - first.atMs)) * 100;
  };
  const startMs = performance.now();
  await until(
    async () => {
      await sleep(SAMPLE_MS);
      samples.push({ atMs: performance.now(), cpuMs: cpuMs(server.pid) });
      if (samples.length <= WINDOW_SAMPLES) return false;
      if (samples.length > WINDOW_SAMPLES + 1) samples.shift();
      return usedPercent() < CORE_PERCENT_MAX;
    },
    `ten seconds under ${CORE_PERCENT_MAX} % of a core`,
    DEADLINE_MS,
  );
  const afterSeconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  console.log(
    `${CONNECTIONS} silent connections: ${usedPercent().toFixed(3)} % of a core, after ${afterSeconds} s`,
  );
  for (const client of clients) client.close();
  expect((await server.stop()).exitCode).toBe(0);
}, 60_000);
