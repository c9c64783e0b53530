/**
 * The cost of parsing a line, from its bytes to the changed balance: the server's parsers with the user table,
 * against `JSON.parse` with checks of the fields and a `Map`.
 *
 * Every way starts from the same bytes and ends with the changed balance: otherwise one would include the hash of the
 * name or the cutting of lines, and another would not.
 */
import type { Bench, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import type { JudgingAnswer, JudgingWork, Way } from './judging-worker.ts';
import { DRESSES, type Dress } from './lines.ts';
import { runThreads } from './thread.ts';

const ROUNDS = 5;
const USERS: Record<Size, number> = { full: 10_000, small: 500 };
const MEASURE_MS: Record<Size, number> = { full: 150, small: 2 };

const SUBJECTS: Record<Way, string> = {
  server: "the server's judges",
  general: 'the general judge alone',
  parse: 'JSON.parse and checks',
};

const CONDITIONS: Record<Dress, string> = {
  usual: 'the usual line',
  'other order': 'fields in another order',
  spaces: 'with spaces',
  escapes: 'escapes in the name',
};

export const bench: Bench = {
  name: 'micro-judging',
  about: "from a line's bytes to whose balance changes by how much: the judges, JSON.parse",
  run(size, say) {
    const [users, measureMs] = [USERS[size], MEASURE_MS[size]];
    const ways = Object.keys(SUBJECTS) as Way[];
    const trials = DRESSES.flatMap(dress => ways.map(way => trialOf({ way, dress, users, measureMs })));
    return alternate(size === 'full' ? ROUNDS : 1, trials, say);
  },
};

function trialOf(work: JudgingWork): Trial {
  return {
    subject: SUBJECTS[work.way],
    condition: CONDITIONS[work.dress],
    async run() {
      // The thread checks every result and every balance itself, and throws if one is wrong.
      const [answer] = await runThreads<JudgingAnswer>('judging-worker', [work]);
      return [{ unit: 'ns/line', better: 'lower', value: answer!.nsPerLine }];
    },
  };
}
