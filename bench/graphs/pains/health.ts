/** Pain 4: how long `health` takes beside a client that sends events, by how many it sends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, ms } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { quantileOf } from '../../../src/tools/harness/samples.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { openLoop } from '../../../steps/kit/witnesses/open-loop.ts';
import { linear, logarithmic } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { sendAtRate } from '../rate.ts';
import { hasKnee, staysBelow } from '../shapes.ts';

const WORK_US = 2_000;
const CAPACITY_PER_S = 1_000_000 / WORK_US;
const RATES_PER_S = [100, 200, 300, 400, 600, 700, 800, 900, 1_000];
const SECONDS = 2;
const ASK_EVERY_MS = 10;
const LIMIT_MS = 20_000;

export const graph = lineGraph({
  name: 'health',
  about: 'p99 of health by offered load (pain 4)',
  title: 'One heavy client delays everybody, once the thread is full',
  subtitle: [
    `One client sends events of ${WORK_US / 1_000} ms each, for ${SECONDS} s a point. Another asks for health every ${ASK_EVERY_MS} ms.`,
    'How long 99 of 100 answers took at most, counted from when they were due.',
  ],
  shapes: { 'step 4': [hasKnee(CAPACITY_PER_S, 10)], 'step 5': [staysBelow(50)] },
  distances: [{ upper: 'step 4', lower: 'step 5', from: 800, times: 10 }],
  at: RATES_PER_S,
  moments: [{ x: CAPACITY_PER_S, label: 'what one thread can do' }],
  measure: async say => ({ 'step 4': await delays(4, say), 'step 5': await delays(5, say) }),
  x: values => linear('Events offered a second', values),
  y: values => logarithmic('health, 99th percentile, ms (logarithmic)', values),
  label: name => (name === 'step 4' ? ['applies on the loop'] : ['applies elsewhere']),
  describe: series => {
    const [four, five] = ['step 4', 'step 5'].map(name => series[name]!.at(-1)!);
    return (
      `At ${count(four!.x)} events a second, twice what one thread can do, health takes ${ms(four!.y)} ms in step 4 ` +
      `and ${ms(five!.y)} ms in step 5.`
    );
  },
});

async function delays(step: number, say: (line: string) => void): Promise<Point[]> {
  const points: Point[] = [];
  for (const ratePerS of RATES_PER_S) {
    say(`step ${step}, ${count(ratePerS)} a second`);
    points.push({ x: ratePerS, y: await p99Ms(step, ratePerS) });
  }
  return points;
}

async function p99Ms(step: number, ratePerS: number): Promise<number> {
  const server = await startStep(step, { workUs: WORK_US, queue: 1024 });
  try {
    const prober = await Client.open(server.port);
    const flooder = await Client.open(server.port);
    // So that the code is as fast as it gets, and the worker has started.
    flooder.send('{"user":"heavy","action":"none","amount":1}\n'.repeat(1_000));
    await flooder.lines(1_000, LIMIT_MS);
    await flooder.ask('{"user":"heavy","action":"buy","amount":1,"wait":true}\n', LIMIT_MS);
    const sent = sendAtRate(flooder, ratePerS, SECONDS, '{"user":"heavy","action":"buy","amount":1}\n');
    // Not from the first moment: there is a backlog only after a while.
    await sleep((SECONDS * 1_000) / 4);
    const questions = (SECONDS * 750) / ASK_EVERY_MS;
    const times = await openLoop(questions, 1_000 / ASK_EVERY_MS, async (_, dueMs) => {
      await prober.ask('{"type":"health"}\n', LIMIT_MS);
      return performance.now() - dueMs;
    });
    await sent;
    prober.close();
    flooder.close();
    return Math.round(quantileOf(times, 0.99) * 1_000) / 1_000;
  } finally {
    await server.stop();
  }
}
