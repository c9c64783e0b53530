/** Pain 10: how long a server takes to exit, by how long a silent client stays. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import type { Subject } from '../../../steps/kit/manifest.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { linear, plain } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { risesInProportion, staysBelow } from '../shapes.ts';

const STAYS_S = [1, 2, 3, 4, 5, 6];

export const graph = lineGraph({
  name: 'time-to-exit',
  about: 'time to exit, by how long a silent client stays (pain 10)',
  title: 'A silent client holds the exit hostage, for as long as it likes',
  subtitle: [
    'One client is connected and says nothing. Ctrl+C comes, and the client hangs up so much later.',
    'How long from Ctrl+C to the end of the process.',
  ],
  shapes: { 'step 10': [risesInProportion(1.3)], src: [staysBelow(3)] },
  distances: [{ upper: 'step 10', lower: 'src', from: 5, times: 2 }],
  at: STAYS_S,
  measure: async say => {
    say('step 10 and src');
    return { 'step 10': await exits(10), src: await exits('src') };
  },
  x: values => linear('How long the client stays, s', [0, ...values]),
  y: values => linear('Time to exit, s', values),
  label: name => (name === 'src' ? ['gives it a second'] : ['waits for everybody']),
  describe: series =>
    `Step 10 ends ${plain(series['step 10']!.at(-1)!.y)} s after Ctrl+C when a silent client stays for ` +
    `${STAYS_S.at(-1)} s; the finished server after ${plain(series.src!.at(-1)!.y)} s.`,
});

/** One server for each, all at the same time: they only wait. */
async function exits(subject: Subject): Promise<Point[]> {
  const servers: Server[] = [];
  try {
    for (const _ of STAYS_S) servers.push(await startStep(subject));
    return await Promise.all(servers.map((server, index) => exit(server, STAYS_S[index]!)));
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function exit(server: Server, stayS: number): Promise<Point> {
  const client = await Client.open(server.port);
  await client.ask('{"type":"health"}\n');
  const startMs = performance.now();
  server.signal('SIGINT');
  const left = new AbortController();
  const leaving = sleep(stayS * 1_000, undefined, { signal: left.signal }).then(
    () => client.close(),
    () => {},
  );
  await server.ended;
  const elapsedMs = performance.now() - startMs;
  left.abort();
  await leaving;
  client.close();
  return { x: stayS, y: Math.round(elapsedMs) / 1_000 };
}
