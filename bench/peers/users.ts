/**
 * Tally with more and more users: the cost when names and balances no longer fit the caches. The users exist before
 * the measured load, so it measures finding them, not adding them.
 */

import { DEFAULT_WORK, type Work } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { makeUsers } from './making.ts';
import { type Subject, startTally, TALLY } from './subjects.ts';
import { checkLoad, figuresOf, measure, onFresh, planOf, untilSound } from './trial.ts';

const USERS: Record<Size, number[]> = { small: [1_000], full: [1_000, 10_000, 100_000, 1_000_000] };
/** Fewer than elsewhere: a million users take seconds to make, and to ask for their money. */
const ROUNDS: Record<Size, number> = { small: 1, full: 3 };
/** Shorter too, for the same reason. */
const MEASURED_MS: Record<Size, number> = { small: 200, full: 1_000 };
const WORKERS = 4;

interface Row {
  subject: string;
  server: Subject;
  depth: number;
  skew: Work['skew'];
}

const MANY_WORKERS: Subject = { ...TALLY, start: () => startTally(['--workers', String(WORKERS)]) };

const ROWS: Row[] = [
  { subject: 'depth 16', server: TALLY, depth: 16, skew: 'uniform' },
  { subject: 'depth 128', server: TALLY, depth: 128, skew: 'uniform' },
  // A few users have most of the events, and so has one worker.
  { subject: `depth 128, Zipf, ${WORKERS} workers`, server: MANY_WORKERS, depth: 128, skew: 'zipf' },
];

export const bench: Bench = {
  name: 'users',
  about: 'Tally alone: what an event costs with a thousand users, and with up to a million',
  async run(size, say) {
    const measures: Measure[] = [];
    for (const users of USERS[size]) {
      const condition = `${users.toLocaleString('en-US')} users`;
      say(condition);
      const trials = ROWS.map(row => trialOf(row, users, condition, size, say));
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  },
};

function trialOf(
  { subject, server, depth, skew }: Row,
  users: number,
  condition: string,
  size: Size,
  say: (line: string) => void,
): Trial {
  const once = async (): Promise<Figure[]> => {
    const measured = await onFresh(server, async running => {
      const load = { subject, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
      const plan = planOf(running.port, server, load, size);
      const work: Work = { ...plan.work, users, skew };
      await makeUsers({ ...plan, work });
      return measure({ ...plan, work, durationMs: MEASURED_MS[size] }, running.cpuSeconds);
    });
    checkLoad(measured.result, server);
    return figuresOf(measured, 'event');
  };
  return { subject, condition, run: () => untilSound(once, say) };
}
