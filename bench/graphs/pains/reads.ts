/** The benefit of step 8: throughput by workers, with sharded read-write locks, by the share of reads. */

import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { randomFrom } from '../../../src/tools/load/random.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { logarithmic } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { isFlat, risesInProportion } from '../shapes.ts';

const WORKERS = [1, 2, 4, 8];
const CONNECTIONS = 32;
/** Long, so that no number of processors limits what is done. */
const WINDOW_US = 20_000;
const MEASURED_MS = 2_000;
const LIMIT_MS = 30_000;
const SEED = 8;

const LANES = {
  'step 8, 90 % reads': { step: 8, readShare: 0.9 },
  'step 8, 50 % reads': { step: 8, readShare: 0.5 },
  'step 8, no reads': { step: 8, readShare: 0 },
  'step 7, 90 % reads': { step: 7, readShare: 0.9 },
};
const [MOSTLY_READS, HALF_READS, NO_READS, ONE_LOCK] = Object.keys(LANES) as [string, string, string, string];

export const graph = lineGraph({
  name: 'reads',
  about: 'throughput by workers with sharded read-write locks, by share of reads (after pain 7)',
  title: 'Sharded locks: every worker counts, and reads cost nearly nothing',
  subtitle: [
    `${CONNECTIONS} clients, each with its own user. A write holds its lock for ${WINDOW_US / 1_000} ms, asleep; a read not.`,
    'Events applied and balances read, a second.',
  ],
  shapes: {
    [MOSTLY_READS]: [risesInProportion(1.7)],
    [HALF_READS]: [risesInProportion(1.7)],
    [NO_READS]: [risesInProportion(1.7)],
    [ONE_LOCK]: [isFlat(1.5)],
  },
  distances: [
    { upper: MOSTLY_READS, lower: ONE_LOCK, from: 4, times: 2 },
    { upper: MOSTLY_READS, lower: HALF_READS, from: 1, times: 2 },
    { upper: HALF_READS, lower: NO_READS, from: 1, times: 1.4 },
  ],
  at: WORKERS,
  measure: async say => {
    const series: Record<string, Point[]> = {};
    for (const [name, { step, readShare }] of Object.entries(LANES)) {
      series[name] = [];
      for (const workers of WORKERS) {
        say(`${name}, workers: ${workers}`);
        series[name].push({ x: workers, y: await donePerS(step, workers, readShare) });
      }
    }
    return series;
  },
  x: values => logarithmic('Workers (logarithmic)', values, String, WORKERS),
  y: values => logarithmic('Requests a second (logarithmic)', values),
  describe: series => {
    const at = (name: string) => count(series[name]!.at(-1)!.y);
    return (
      `With eight workers step 8 does ${at(NO_READS)} writes a second; ${at(HALF_READS)} requests if half of them are ` +
      `reads, and ${at(MOSTLY_READS)} if nine of ten are. Step 7, under its one lock, does ${at(ONE_LOCK)} of the latter.`
    );
  },
});

/** Each client sends its next request after the previous one was answered. */
async function donePerS(step: number, workers: number, readShare: number): Promise<number> {
  const server = await startStep(step, { workers, windowUs: WINDOW_US, queue: 1024 });
  try {
    const random = randomFrom(SEED);
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(server.port)));
    const write = (client: Client, index: number) =>
      client.ask(`{"user":"user-${index}","action":"buy","amount":1,"wait":true}\n`, LIMIT_MS);
    const read = (client: Client, index: number) =>
      client.ask(`{"type":"balance","user":"user-${index}"}\n`, LIMIT_MS);
    // Threads take a while to start; when all clients have an answer, all threads run.
    await Promise.all(clients.map(write));
    let done = 0;
    const endMs = performance.now() + MEASURED_MS;
    await Promise.all(
      clients.map(async (client, index) => {
        for (;;) {
          await (random() < readShare ? read(client, index) : write(client, index));
          if (performance.now() > endMs) return;
          done += 1;
        }
      }),
    );
    for (const client of clients) client.close();
    return Math.round(done / (MEASURED_MS / 1_000));
  } finally {
    await server.stop();
  }
}
