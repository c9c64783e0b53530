/**
 * What new users cost while the table of users grows: the time of a chunk of 1,300 of them, which is what one read of
 * a socket may bring. The server's table beside one that is replaced when it is full.
 */
import { quantileOf } from '../../src/tools/harness/samples.ts';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import type { GrowthAnswer, GrowthWork, Way } from './growth-worker.ts';
import { runThreads } from './thread.ts';

export const CHUNK_USERS = 1_300;
const USERS: Record<Size, number> = { full: 10_000_000, small: 20_000 };
const ROUNDS = 3;

const SUBJECTS: Record<Way, string> = {
  server: "the server's table",
  replaced: 'a full table is replaced',
};

export const bench: Bench = {
  name: 'micro-growth',
  about: 'new users in chunks of 1,300, up to ten million of them: the table of users while it grows',
  run(size, say) {
    const trials = (Object.keys(SUBJECTS) as Way[]).map(way => trialOf(way, USERS[size]));
    return alternate(size === 'full' ? ROUNDS : 1, trials, say);
  },
};

function trialOf(way: Way, users: number): Trial {
  return {
    subject: SUBJECTS[way],
    condition: `to ${users.toLocaleString('en-US')} users`,
    async run() {
      const chunkMs = await growthOf(way, users);
      const figure = (unit: string, value: number) => ({ unit, better: 'lower' as const, value });
      return [
        figure('ms a chunk, median', quantileOf([...chunkMs], 0.5)),
        figure('ms a chunk, p99', quantileOf([...chunkMs], 0.99)),
        figure('ms a chunk, most', Math.max(...chunkMs)),
      ];
    },
  };
}

/** How long each chunk took, in ms. */
export async function growthOf(way: Way, users: number): Promise<Float64Array> {
  const work: GrowthWork = { way, users, chunkUsers: CHUNK_USERS };
  const [answer] = await runThreads<GrowthAnswer>('growth-worker', [work]);
  return answer!.chunkMs;
}
