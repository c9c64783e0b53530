/** Pain 3: an event in two packets, cut at each place there is. */
import { Client } from '../../../src/tools/harness/client.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { eventOf, inTurn, isRefused, repliesTo } from '../../../steps/kit/witnesses/pain-03.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { staysAbove, staysBelow } from '../shapes.ts';

const EVENTS_PER_CUT = 10;
/** Enough for a server to read the first packet alone, on a busy machine too. */
const BETWEEN_MS = 150;
const LINE = eventOf('alice');
/** Not after the whole event, where only its newline is left: some servers do not need it. */
const CUTS = LINE.length - 2;

export const graph = lineGraph({
  name: 'cuts',
  about: 'refused events, by where their packets were cut (pain 3)',
  title: 'A split packet is refused, wherever it was split',
  subtitle: [
    `${EVENTS_PER_CUT} good events for each place, of ${LINE.length} bytes, each in two packets.`,
    'How many of them were refused, by how many bytes the first packet had.',
  ],
  shapes: { 'step 3': [staysAbove(90)], 'step 4': [staysBelow(1)] },
  at: Array.from({ length: CUTS }, (_, index) => index + 1),
  measure: async say => ({ 'step 3': await refused(3, say), 'step 4': await refused(4, say) }),
  x: values => linear('Bytes in the first packet', values),
  y: () => linear('Refused, %', [100]),
  label: name => (name === 'step 3' ? ['a packet is a message'] : ['a line is a message']),
  describe: () =>
    'Step 3 refuses every good event that comes in two packets, wherever the cut is. Step 4 refuses none.',
});

async function refused(step: number, say: (line: string) => void): Promise<Point[]> {
  say(`step ${step}, ${CUTS} cuts`);
  const server = await startStep(step);
  try {
    const points: Point[] = [];
    for (let cut = 1; cut <= CUTS; cut += 1) {
      const packets = [LINE.slice(0, cut), LINE.slice(cut)];
      const events = Array.from({ length: EVENTS_PER_CUT }, () => packets);
      const wrong = await inTurn(events, async each =>
        isRefused(await repliesTo(() => Client.open(server.port), each, BETWEEN_MS), 1),
      );
      points.push({ x: cut, y: (100 * wrong) / EVENTS_PER_CUT });
    }
    return points;
  } finally {
    await server.stop();
  }
}
