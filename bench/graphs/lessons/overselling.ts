/** Pain 14: what each way to sell one item costs, by the number of clients that want it at the same time. */
import { count } from '../../../src/cli/terminal/numbers.ts';
import { overselling } from '../../../steps/14-overselling/lesson.ts';
import { type Sale, sellOut } from '../../../steps/14-overselling/witness.ts';
import { withServer } from '../../../steps/kit/witnesses/witness.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { falls, isFlat, rises, startsAt } from '../shapes.ts';

const CLIENTS = [1, 2, 4, 8, 16, 32];
const STOCK = 100;
/** The best round counts: every round does the same work, and other work of the machine only adds. */
const ROUNDS = 2;
const WAYS = overselling.ways!.right!;
const ONE = [startsAt(1), isFlat(1)];

export const throughput = lineGraph({
  name: 'overselling',
  about: 'sales a second by clients, of each way not to oversell (pain 14)',
  title: 'One item, many buyers: whoever decides alone is fastest',
  subtitle: [
    `${STOCK} units of one item in PostgreSQL, bought one by one by so many clients at the same time.`,
    `Units sold a second, best of ${ROUNDS} rounds.`,
  ],
  shapes: { owner: [], 'for-update': [], version: [falls(1.3)], serializable: [falls(1.3)] },
  distances: ['for-update', 'version', 'serializable'].map(lower => ({
    upper: 'owner',
    lower,
    from: 16,
    times: 1.5,
  })),
  at: CLIENTS,
  measure: say => measured(say, ROUNDS, ({ sold, elapsedMs }) => Math.round((1_000 * sold) / elapsedMs)),
  x: values => linear('Clients', values, String, [1, 8, 16, 24, 32]),
  y: values => linear('Sales a second', values),
  describe: series => {
    const last = (name: string) => count(series[name]!.at(-1)!.y);
    return (
      `With 32 clients at one item, an owner sells ${last('owner')} units a second, a lock ${last('for-update')}, ` +
      `versions ${last('version')}, and SERIALIZABLE ${last('serializable')}.`
    );
  },
});

export const tries = lineGraph({
  name: 'overselling-tries',
  about: 'tries that a sale takes, by clients, of each way not to oversell (pain 14)',
  title: 'Optimistic ways pay with tries, the more the more want the same',
  subtitle: [
    `${STOCK} units of one item in PostgreSQL, bought one by one by so many clients at the same time.`,
    'Tries for each unit sold: one, and those that somebody else was faster than.',
  ],
  shapes: { serializable: [rises(4)], version: [rises(4)], 'for-update': ONE, owner: ONE },
  at: CLIENTS,
  measure: say => measured(say, 1, ({ sold, retries }) => Math.round(100 * (1 + retries! / sold)) / 100),
  x: values => linear('Clients', values, String, [1, 8, 16, 24, 32]),
  y: values => linear('Tries a sale', values),
  describe: series => {
    const last = (name: string) => series[name]!.at(-1)!.y.toFixed(1);
    return (
      `With 32 clients at one item, a sale takes ${last('version')} tries with versions and ${last('serializable')} ` +
      'with SERIALIZABLE; with a lock and with an owner it takes one.'
    );
  },
});

/** The greatest of the rounds. */
async function measured(
  say: (line: string) => void,
  rounds: number,
  of: (sale: Sale) => number,
): Promise<Record<string, Point[]>> {
  const series: Record<string, Point[]> = {};
  for (const way of WAYS) {
    series[way] = CLIENTS.map(x => ({ x, y: 0 }));
    for (let round = 1; round <= rounds; round += 1) {
      say(`${way}, round ${round} of ${rounds}`);
      for (const [index, sale] of (await sales(way)).entries()) {
        const point = series[way][index]!;
        point.y = Math.max(point.y, of(sale));
      }
    }
  }
  return series;
}

async function sales(way: string): Promise<Sale[]> {
  const place = await Place.open(overselling);
  try {
    const source = ofSubject({ lesson: overselling, side: 'right', way }, place);
    return await withServer(source, {}, async scene => {
      const all: Sale[] = [];
      for (const clients of CLIENTS) all.push(await sellOut(scene, clients, STOCK));
      return all;
    });
  } finally {
    await place.close();
  }
}
