/**
 * What a wrong token costs, by how much of it is right: the server's look-up, beside a loop that stops at the first wrong
 * character. The loop must be told by its times, or this bench could see nothing; the look-up must not.
 */
import { median } from '../../src/tools/harness/samples.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { rotated } from '../rounds.ts';
import { SHARED, type TimesByShared, toldBy } from './prefixes.ts';
import { runThreads } from './thread.ts';
import type { TokensWork, Way } from './tokens-worker.ts';

const ROUNDS = 5;
const ENTRIES = 1_000;
/** Within a thread. */
const ROUNDS_WITHIN: Record<Size, number> = { full: 4_000, small: 50 };

const SUBJECTS: Record<Way, string> = {
  server: "the server's look-up",
  loop: 'a loop that stops early',
};

export const bench: Bench = {
  name: 'micro-tokens',
  about: 'wrong tokens of which 0 to 40 characters are right: does the time tell how many?',
  async run(size, say) {
    const ways = Object.keys(SUBJECTS) as Way[];
    const measures = new Map<string, Measure>();
    const rounds = size === 'full' ? ROUNDS : 1;
    for (let round = 1; round <= rounds; round += 1) {
      say(`round ${round} of ${rounds}`);
      for (const way of rotated(ways, round)) {
        const times = await timesOf(way, ROUNDS_WITHIN[size]);
        if (size === 'full') check(way, times);
        for (const shared of SHARED) collect(measures, way, shared, median([...times[shared]!]));
      }
    }
    return ways.flatMap(way => SHARED.map(shared => measures.get(`${way} ${shared}`)!));
  },
};

async function timesOf(way: Way, rounds: number): Promise<TimesByShared> {
  const work: TokensWork = { way, entries: ENTRIES, rounds };
  const [times] = await runThreads<TimesByShared>('tokens-worker', [work]);
  return times!;
}

function check(way: Way, times: TimesByShared): void {
  const told = toldBy(times);
  if (way === 'server' && told.length > 0)
    throw new Error(`the time of the look-up tells ${told.join(', ')} right characters from none`);
  if (way === 'loop' && !told.includes(40))
    throw new Error('the time of the loop tells nothing: this machine is too busy to see anything');
}

function collect(measures: Map<string, Measure>, way: Way, shared: number, value: number): void {
  const measure = measures.get(`${way} ${shared}`) ?? {
    subject: SUBJECTS[way],
    condition: `${shared} of 43 right`,
    unit: 'ns/token',
    better: 'lower',
    samples: [],
  };
  measure.samples.push(value);
  measures.set(`${way} ${shared}`, measure);
}
