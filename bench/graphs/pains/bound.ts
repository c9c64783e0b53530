/** Pain 5, the other way: the memory of a queue with its bound, and without. */

import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { MemoryWatch } from '../memory-watch.ts';
import { sendAtRate } from '../rate.ts';
import { endsAbove, startsBelow, staysBelow } from '../shapes.ts';

const WORK_US = 1_000;
const RATE_PER_S = 10_000;
const SECONDS = 8;

export const graph = lineGraph({
  name: 'bound',
  about: 'memory with and without the bound of the queue (pain 5)',
  title: 'A queue without a bound refuses nobody, and grows and grows',
  subtitle: [
    `${count(RATE_PER_S)} events a second, of which a thread can do ${count(1_000_000 / WORK_US)}, for ${SECONDS} s.`,
    'Resident memory of the server, above what it was before.',
  ],
  shapes: { 'without the bound': [startsBelow(20), endsAbove(80)], 'with the bound': [staysBelow(50)] },
  distances: [{ upper: 'without the bound', lower: 'with the bound', from: SECONDS - 1, times: 4 }],
  at: { from: 0, to: SECONDS, step: 0.5 },
  measure: async say => ({
    'without the bound': await grown(['--unbounded'], say),
    'with the bound': await grown([], say),
  }),
  x: values => linear('Since the load began, s', values),
  y: values => linear('Resident memory above the start, MiB', values),
  label: name => [name === 'with the bound' ? '1,024 places' : 'all are accepted'],
  describe: series =>
    `After ${SECONDS} s the server without the bound has ${Math.round(series['without the bound']!.at(-1)!.y)} MiB more ` +
    `than at its start, the one with it ${Math.round(series['with the bound']!.at(-1)!.y)} MiB.`,
});

async function grown(flags: string[], say: (line: string) => void): Promise<Point[]> {
  say(`step 5 ${flags.join(' ')}, ${SECONDS} s`);
  const server = await startStep(5, { workUs: WORK_US, queue: 1024 }, flags);
  try {
    const memory = await MemoryWatch.of(server);
    const client = await Client.open(server.port);
    await sendAtRate(client, RATE_PER_S, SECONDS, '{"user":"flood","action":"buy","amount":1}\n', () =>
      memory.look(),
    );
    client.close();
    return memory.points;
  } finally {
    await server.stop();
  }
}
