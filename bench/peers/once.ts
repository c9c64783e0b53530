/**
 * What it costs that an event counts once: lines with an id beside lines without, and beside Redis with a script that does
 * the same (SET NX, then INCRBY); and transfers, between users of one worker and of two. The same client in C makes each
 * line when it sends it, and all balances are compared.
 */
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Trial } from '../rounds.ts';
import { measureInC, withProgramInC } from './client-in-c.ts';
import { REDIS, redisIfInstalled, type Subject, startTally, TALLY } from './subjects.ts';
import { figuresOf, onFresh, planOf, ROUNDS, untilSound } from './trial.ts';

const DEPTHS: Record<Size, number[]> = { small: [16], full: [16, 128] };
/** So many that their memory is used again and again, as on a server that runs for long. */
const IDS = ['--ids-max', String(2 ** 20), '--ids-ms', '200'];

interface Case {
  subject: Subject;
  /** What once.c is told to send. */
  kind: string;
  /** Users whose balance each line changes. */
  users: number;
}

const tally = (name: string, kind: string, flags: string[] = [], users = 1): Case => ({
  subject: { ...TALLY, name, start: () => startTally([...IDS, ...flags]) },
  kind,
  users,
});
const EVENT = tally('tally, without ids', 'event');
const ID = tally('tally, with ids', 'id');
const ONE = ['--workers', '1'];
const TWO = ['--workers', '2'];
const CASES: Case[] = [
  EVENT,
  ID,
  tally('tally, transfers in one worker', 'transfer', ONE, 2),
  tally('tally, transfers, half of them between two workers', 'transfer', TWO, 2),
  tally('tally, transfers with ids, half of them between two workers', 'move', TWO, 2),
];
const SCRIPT: Case = { subject: { ...REDIS, name: 'redis, script with SET NX' }, kind: 'script', users: 1 };
const INCRBY: Case = { subject: { ...REDIS, name: 'redis, INCRBY' }, kind: 'incrby', users: 1 };

export const bench: Bench = {
  name: 'once',
  about: 'Ids and transfers beside lines without, and Redis with a script that does the same',
  run: (size, say) =>
    withProgramInC('once.c', say, async program => {
      if (program === undefined) return [];
      const hasRedis = (await redisIfInstalled(say)).length > 0;
      const cases = hasRedis ? [...CASES, INCRBY, SCRIPT] : CASES;
      const measures: Measure[] = [];
      for (const depth of DEPTHS[size]) {
        say(`depth ${depth}`);
        const trials = cases.map(each => trialOf(program, each, depth, size, say));
        measures.push(...(await alternate(ROUNDS[size], trials, say)));
      }
      return [
        ...measures,
        ...ratiosTo(EVENT.subject.name, [ID.subject.name], 'µs CPU/event', measures),
        ...ratiosTo(SCRIPT.subject.name, [ID.subject.name], 'events/s', measures),
      ];
    }),
};

function trialOf(
  program: string,
  { subject, kind, users }: Case,
  depth: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const load = { subject: subject.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const once = () =>
    onFresh(subject, async ({ port, cpuSeconds }) => {
      const plan = planOf(port, subject, load, size);
      return figuresOf(await measureInC(program, plan, subject, cpuSeconds, { kind, users }), 'event');
    });
  return { subject: subject.name, condition: `depth ${depth}`, run: () => untilSound(once, say) };
}
