/** Pain 5: what is accepted and what is refused, by what is offered. */

import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { sendAtRate } from '../rate.ts';
import { beginsAt, levelsOff, rises } from '../shapes.ts';

const WORK_US = 2_000;
const CAPACITY_PER_S = 1_000_000 / WORK_US;
const QUEUE = 32;
const SECONDS = 2;
const RATES_PER_S = [100, 200, 300, 400, 600, 800, 1_000, 1_200, 1_400];

export const graph = lineGraph({
  name: 'refusals',
  about: 'accepted and refused by offered load (pain 5)',
  title: 'Capacity is one thread: what exceeds it is refused',
  subtitle: [
    `Step 5, a queue of ${QUEUE}, events of ${WORK_US / 1_000} ms each, for ${SECONDS} s a point.`,
    'How many a second were accepted, and how many refused.',
  ],
  shapes: {
    accepted: [levelsOff(CAPACITY_PER_S, 1.35)],
    refused: [beginsAt(CAPACITY_PER_S), rises(2)],
  },
  at: RATES_PER_S,
  moments: [{ x: CAPACITY_PER_S, label: 'what one thread can do' }],
  measure: async say => {
    const series: Record<string, Point[]> = { accepted: [], refused: [] };
    for (const ratePerS of RATES_PER_S) {
      say(`step 5, ${count(ratePerS)} a second`);
      const { accepted, refused } = await offered(ratePerS);
      series.accepted!.push({ x: ratePerS, y: accepted / SECONDS });
      series.refused!.push({ x: ratePerS, y: refused / SECONDS });
    }
    return series;
  },
  x: values => linear('Events offered a second', values),
  y: values => linear('Events a second', values),
  describe: ({ accepted, refused }) => {
    const [most, rest] = [accepted!.at(-1)!, refused!.at(-1)!];
    return (
      `Up to ${count(CAPACITY_PER_S)} events a second all are accepted. Of ${count(most.x)} a second, ` +
      `${count(most.y)} are accepted and ${count(rest.y)} refused.`
    );
  },
});

async function offered(ratePerS: number): Promise<{ accepted: number; refused: number }> {
  const server = await startStep(5, { workUs: WORK_US, queue: QUEUE });
  try {
    const client = await Client.open(server.port);
    await client.ask('{"user":"early","action":"buy","amount":1,"wait":true}\n');
    const sent = await sendAtRate(client, ratePerS, SECONDS, '{"user":"alice","action":"buy","amount":1}\n');
    const replies = await client.lines(sent);
    client.close();
    const accepted = replies.filter(reply => reply === '{"status":"accepted"}').length;
    return { accepted, refused: sent - accepted };
  } finally {
    await server.stop();
  }
}
