/** Pain 1: a second client asks all the while, and the first one stays for some seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ms } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { openLoop } from '../../../steps/kit/witnesses/open-loop.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { isStraight, staysBelow } from '../shapes.ts';

const STAY_MS = 3_000;
const ASK_EVERY_MS = 50;
const QUESTIONS = 80;
/** A reply that waits for the first client takes far longer, one that does not wait far less. */
const PROMPT_MS = 100;
const TOLERANCE_MS = 150;

export const graph = lineGraph({
  name: 'second-client',
  about: 'latency of a second client over time, while a first one stays (pain 1)',
  title: 'One client at a time: the second waits until the first has left',
  subtitle: [
    `A first client is connected for ${STAY_MS / 1_000} s and says nothing. A second one sends a line every ${ASK_EVERY_MS} ms.`,
    'How long until the line comes back, by when it was sent.',
  ],
  shapes: {
    'step 1': [isStraight(-1_000, TOLERANCE_MS, { to: STAY_MS / 1_000 - 0.2 })],
    'step 2': [staysBelow(PROMPT_MS)],
  },
  at: { from: 0, to: (QUESTIONS * ASK_EVERY_MS) / 1_000, step: (2 * ASK_EVERY_MS) / 1_000 },
  moments: [{ x: STAY_MS / 1_000, label: 'the first client leaves' }],
  measure: async say => ({ 'step 1': await waits(1, say), 'step 2': await waits(2, say) }),
  x: values => linear('When the line was sent, s', values),
  y: values => linear('Time until it was back, ms', values),
  label: name => (name === 'step 1' ? ['blocking echo'] : ['async echo']),
  describe: series =>
    `In step 1 the first line of the second client is back after ${ms(series['step 1']![0]!.y)} ms, and every later ` +
    'one as much earlier as it was sent later: all of them come when the first client leaves. In step 2 none takes ' +
    `longer than ${ms(Math.max(...series['step 2']!.map(({ y }) => y)))} ms.`,
});

async function waits(step: number, say: (line: string) => void): Promise<Point[]> {
  say(`step ${step}, ${(QUESTIONS * ASK_EVERY_MS) / 1_000} s`);
  const server = await startStep(step);
  try {
    const first = await Client.open(server.port);
    await first.ask('hello\n');
    const second = await Client.open(server.port);
    const left = sleep(STAY_MS).then(() => first.close());
    const points = await openLoop(QUESTIONS, 1_000 / ASK_EVERY_MS, async (index, dueMs) => {
      await second.ask(`line ${index}\n`, 2 * STAY_MS);
      // A timer may be early, by a part of a millisecond.
      return { x: (index * ASK_EVERY_MS) / 1_000, y: rounded(Math.max(0, performance.now() - dueMs)) };
    });
    await left;
    second.close();
    return points;
  } finally {
    await server.stop();
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
