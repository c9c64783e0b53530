/** Lab read-mostly, beside step 8: what locks cost on a map that is mostly read, and what copies cost instead. */
import { CommandError } from '../../../src/cli/terminal/command.ts';
import { count } from '../../../src/cli/terminal/numbers.ts';
import { whole } from '../../kit/values.ts';
import type { Lab } from '../lab.ts';
import { type Outcome, outcomeOf, type Trial } from './measuring.ts';
import { createStore, WAYS } from './ways.ts';

const ENTRIES = 1_024;
const THREADS = 4;
const TRIAL_MS = 200;
/** The best one counts: the cost without other work of the machine. */
const ROUNDS = 3;
const ADDING_MS = 600;
/** Of a thousand operations. */
const MOVES = [0, 1, 10, 100, 500];
const COLUMNS = 17;

export const READ_MOSTLY_LAB: Lab = {
  name: 'read-mostly',
  folder: '08-read-mostly',
  title: 'a map that is mostly read, behind locks, and copied for each write',
  takes: new Map([['--entries', whole(2, 1_000_000)]]),
  async run(given, say) {
    const entries = Number(given.get('--entries') ?? ENTRIES);
    const copyKiB = createStore('copy on write', entries, 1).tables[0]!.byteLength / 1_024;
    const row = (label: string, cells: readonly string[]) =>
      say(`${label.padEnd(18)}${cells.map(cell => cell.padStart(COLUMNS)).join('')}`);

    say(`${count(entries)} entries; a copy is ${count(copyKiB)} KiB.`);
    say(`Operations a second, of ${THREADS} threads together, best of ${ROUNDS} rounds:`);
    row('', WAYS);
    for (const movesPerMille of MOVES) {
      const trial = { entries, threads: Array(THREADS).fill(movesPerMille), ms: TRIAL_MS };
      const best = WAYS.map(() => 0);
      for (let round = 0; round < ROUNDS; round += 1)
        for (const [way, { readsPerS, movesPerS }] of (await outcomesOf(trial)).entries())
          best[way] = Math.max(best[way]!, readsPerS + movesPerS);
      row(`  ${movesPerMille / 10} % writes`, best.map(count));
    }
    say('');
    say('One thread adds up all values, and sleeps 1 ms in the middle; one does nothing but write:');
    row('', WAYS);
    const outcomes = await outcomesOf({ entries, threads: ['adds up', 1_000], ms: ADDING_MS });
    const figures = (figure: 'movesPerS' | 'totals' | 'wrongTotals') =>
      outcomes.map(outcome => count(outcome[figure]));
    row('  writes a second', figures('movesPerS'));
    row('  sums', figures('totals'));
    row('  wrong sums', figures('wrongTotals'));
  },
};

/** Of each way, in order. */
async function outcomesOf(trial: Omit<Trial, 'way'>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const way of WAYS) {
    const outcome = await outcomeOf({ way, ...trial });
    if (!outcome.isWhole) throw new CommandError(`${way}: a write was lost`);
    outcomes.push(outcome);
  }
  return outcomes;
}
