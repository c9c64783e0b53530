/** Coming back: how long a start takes, by the events in the journal behind the last snapshot. */
import { ms } from '../../src/cli/terminal/numbers.ts';
import { comeBack, contentOf, written } from '../journal/recovery.ts';
import { newFolder } from '../journal/subjects.ts';
import { linear } from './axis.ts';
import type { Point } from './draw.ts';
import { lineGraph } from './graph.ts';
import { isOnALine, rises } from './shapes.ts';

const MILLION = 1_000_000;
const MILLIONS = [1, 2, 5, 10, 15, 20];
/** The best round counts: every round does the same work, and other work of the machine only adds. */
const ROUNDS = 5;

export const graph = lineGraph({
  name: 'recovery',
  about: 'how long a start takes, by the events in the journal',
  title: 'The time to read a journal is in proportion to its events',
  subtitle: [
    'Events of 10,000 users behind the last snapshot, read and applied again at the start.',
    `From the memory of the system; best of ${ROUNDS} rounds.`,
  ],
  shapes: {
    listening: [],
    reading: [rises(5), isOnALine(0.2)],
  },
  // The rest of a start takes as long as other work of the machine lets it.
  distances: [{ upper: 'listening', lower: 'reading', from: 1, times: 1 }],
  at: MILLIONS,
  measure: async say => {
    const series: Record<string, Point[]> = { listening: [], reading: [] };
    for (const x of MILLIONS) {
      const { listeningMs, readingMs } = await bestOf(x * MILLION);
      say(`${x} million events: ${ms(listeningMs)} ms, of them ${ms(readingMs)} to read the journal`);
      series.listening!.push({ x, y: Math.round(listeningMs) / 1_000 });
      series.reading!.push({ x, y: Math.round(readingMs) / 1_000 });
    }
    return series;
  },
  x: values => linear('Millions of events', values, String, [0, 5, 10, 15, 20]),
  y: values => linear('Seconds', values),
  label: name => (name === 'listening' ? ['from the start of', 'the process'] : ['the journal, of that']),
  describe: series => {
    const at = (name: string, x: number) => series[name]!.find(point => point.x === x)!.y;
    const speed = 20 / at('reading', 20);
    return (
      `A start with 1 million events behind the last snapshot takes ${at('listening', 1)} s until the server listens, ` +
      `and one with 20 million ${at('listening', 20)} s. Reading is a straight line: ${speed.toFixed(1)} million events a second.`
    );
  },
});

async function bestOf(events: number) {
  const { folder, cleanUp } = newFolder();
  process.on('exit', cleanUp);
  try {
    const content = contentOf(events);
    const from = written(folder, content);
    const best = { listeningMs: Infinity, readingMs: Infinity };
    for (let round = 1; round <= ROUNDS; round++) {
      const { listeningMs, readingMs } = await comeBack(from, content);
      best.listeningMs = Math.min(best.listeningMs, listeningMs);
      best.readingMs = Math.min(best.readingMs, readingMs);
    }
    return best;
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}
