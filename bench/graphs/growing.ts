/** The table of users: what new users cost while it doubles in place, and what they cost if it is replaced when full. */
import { ms } from '../../src/cli/terminal/numbers.ts';
import { CHUNK_USERS, growthOf } from '../micro/growth.ts';
import type { Way } from '../micro/growth-worker.ts';
import { linear, logarithmic } from './axis.ts';
import type { Point } from './draw.ts';
import { lineGraph } from './graph.ts';
import { peaksAbove, staysBelow } from './shapes.ts';

const MILLION = 1_000_000;
const USERS = 10 * MILLION;
const POINTS = 100;
const POINT_USERS = USERS / POINTS;
/** The best round of each chunk counts: every round does the same work, and other work of the machine only adds. */
const ROUNDS = 3;

const WAYS: Record<string, Way> = { replaced: 'replaced', 'in place': 'server' };

export const graph = lineGraph({
  name: 'growing',
  about: 'the slowest chunk of new users while the table of users grows',
  title: 'A table that doubles in place never makes its users wait',
  subtitle: [
    `New users in chunks of ${CHUNK_USERS.toLocaleString('en-US')}, as many as one read of a socket brings.`,
    `The slowest chunk of every ${POINT_USERS.toLocaleString('en-US')} users, best of ${ROUNDS} rounds.`,
  ],
  shapes: { replaced: [peaksAbove(10)], 'in place': [staysBelow(5)] },
  at: { from: 0, to: USERS / MILLION, step: (1.01 * POINT_USERS) / MILLION },
  measure: async say => {
    const series: Record<string, Point[]> = {};
    for (const [name, way] of Object.entries(WAYS)) series[name] = await slowest(name, way, say);
    return series;
  },
  x: values => linear('Millions of users', values),
  y: values => logarithmic('Slowest chunk, ms (logarithmic)', values),
  label: name => (name === 'replaced' ? ['by a larger one, if full'] : ["the server's table"]),
  describe: series => {
    const most = (name: string) => ms(Math.max(...series[name]!.map(({ y }) => y)));
    return (
      `With a table that is replaced when it is full, the slowest chunk takes ${most('replaced')} ms, each time just ` +
      `after it was replaced. With one that doubles in place, it takes ${most('in place')} ms.`
    );
  },
});

async function slowest(name: string, way: Way, say: (line: string) => void): Promise<Point[]> {
  const best: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`${name}, round ${round} of ${ROUNDS}`);
    for (const [chunk, takenMs] of (await growthOf(way, USERS)).entries())
      best[chunk] = Math.min(best[chunk] ?? takenMs, takenMs);
  }
  return Array.from({ length: POINTS }, (_, point) => {
    const chunks = [point, point + 1].map(edge => Math.ceil((edge * POINT_USERS) / CHUNK_USERS));
    const y = Math.round(Math.max(...best.slice(...chunks)) * 1_000) / 1_000;
    return { x: ((point + 1) * POINT_USERS) / MILLION, y };
  });
}
