/** Pain 2: a client that sends and does not read, and the memory of the server meanwhile. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStep } from '../../../steps/kit/server.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { MemoryWatch } from '../memory-watch.ts';
import { endsAbove, startsBelow, staysBelow } from '../shapes.ts';

const SECONDS = 4;
const CHUNK = Buffer.from('{"user":"mute","action":"buy","amount":1}\n'.repeat(12_500));
/** About 25 MB a second. */
const CHUNK_EVERY_MS = 20;

export const graph = lineGraph({
  name: 'unread',
  about: 'memory of the server, for a client that does not read (pain 2)',
  title: 'A client that never reads takes as much memory as it likes',
  subtitle: [
    `One client sends ${Math.round((CHUNK.length * 1_000) / CHUNK_EVERY_MS / 1e6)} MB a second, for as long as it is taken, and reads no reply.`,
    'Resident memory of the server, above what it was before.',
  ],
  shapes: {
    'step 2': [startsBelow(20), endsAbove(60)],
    'step 3': [startsBelow(20), staysBelow(50)],
  },
  distances: [{ upper: 'step 2', lower: 'step 3', from: SECONDS - 0.5, times: 2 }],
  at: { from: 0, to: SECONDS, step: 0.5 },
  measure: async say => ({ 'step 2': await grown(2, say), 'step 3': await grown(3, say) }),
  x: values => linear('Since the client began, s', values),
  y: values => linear('Resident memory above the start, MiB', values),
  label: name => (name === 'step 2' ? ['keeps what is not read'] : ['stops reading']),
  describe: series =>
    `After ${SECONDS} s step 2 has ${Math.round(series['step 2']!.at(-1)!.y)} MiB more than at its start, and goes on ` +
    `growing; step 3 has ${Math.round(series['step 3']!.at(-1)!.y)} MiB more, and has stopped.`,
});

async function grown(step: number, say: (line: string) => void): Promise<Point[]> {
  say(`step ${step}, ${SECONDS} s`);
  const server = await startStep(step);
  const socket = connect(server.port, server.host).on('error', () => {});
  try {
    const memory = await MemoryWatch.of(server);
    const startMs = performance.now();
    for (let dueMs = startMs; dueMs < startMs + SECONDS * 1_000; dueMs += CHUNK_EVERY_MS) {
      await sleep(Math.max(0, dueMs - performance.now()));
      // Only if all earlier bytes were taken.
      if (socket.writableLength === 0) socket.write(CHUNK);
      memory.look();
    }
    return memory.points;
  } finally {
    socket.destroy();
    await server.stop();
  }
}
