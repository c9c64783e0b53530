/**
 * What it costs to keep what was acknowledged: Tally with its journal, by how soon that is on the disk, beside Redis
 * with its append-only file, SQLite and PostgreSQL, and beside Tally and Redis in memory. All in turn, on the same
 * disk, by the same client in C (PostgreSQL by its own), and the money of every trial is checked.
 *
 * Then Tally and Redis with each event on the disk at a fixed rate, and Tally with and without snapshots being made.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { withClientInC } from '../peers/client-in-c.ts';
import { type Client, clientInC, GENERATOR } from '../peers/peers.ts';
import type { Subject } from '../peers/subjects.ts';
import { depthsOf, figuresOf, onFresh, planOf, ROUNDS, untilSound } from '../peers/trial.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Trial } from '../rounds.ts';
import { measureAtRates } from './at-rates.ts';
import { postgresTrial, withPostgres } from './postgres.ts';
import { measureSnapshots } from './snapshots.ts';
import {
  ALWAYS,
  INTERVAL,
  installed,
  MEMORY,
  NEVER,
  REDIS_ALWAYS,
  REDIS_EVERYSEC,
  REDIS_MEMORY,
} from './subjects.ts';

/** Of statfs(2). */
const TMPFS = 0x01021994;

/** Who is compared with whom. */
const COMPARED: [reference: Subject, subjects: Subject[]][] = [
  [REDIS_ALWAYS, [ALWAYS]],
  [REDIS_EVERYSEC, [INTERVAL]],
  [REDIS_MEMORY, [MEMORY, ALWAYS, INTERVAL, NEVER]],
];

export const bench: Bench = {
  name: 'journal',
  about: 'Tally with a journal, Redis with its file, SQLite and PostgreSQL, side by side, by depth',
  run: (size, say) =>
    withClientInC(say, async program => {
      sayDisk(say);
      const client = program === undefined ? GENERATOR : clientInC(program);
      const subjects = await installed(size, say);
      const rates = await measureRates(client, subjects, size, say);
      return [
        ...rates,
        ...COMPARED.flatMap(([reference, compared]) =>
          ratiosTo(
            reference.name,
            compared.map(({ name }) => name),
            'events/s',
            rates,
          ),
        ),
        ...(await measureAtRates(subjects, rates, size, say)),
        ...(await measureSnapshots(size, say)),
      ];
    }),
};

/** In memory nothing is kept, so nothing is measured. */
function sayDisk(say: (line: string) => void): void {
  const { type } = statfsSync(tmpdir());
  if (type === TMPFS)
    say(`${tmpdir()} is in memory: set TMPDIR to a folder on a disk, or the figures mean nothing`);
}

function measureRates(
  client: Client,
  subjects: Subject[],
  size: Size,
  say: (line: string) => void,
): Promise<Measure[]> {
  return withPostgres(say, async cluster => {
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const trials = subjects.map(server => trialOf(client, server, depth, size, say));
      // A transaction is answered before the next one of its connection, whatever the depth of the others.
      if (cluster !== undefined && depth === depthsOf(size)[0])
        trials.push(postgresTrial(cluster, 'depth 1', size, say));
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  });
}

function trialOf(
  client: Client,
  server: Subject,
  depth: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const load = { subject: server.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const once = async () =>
    figuresOf(
      await onFresh(server, ({ port, cpuSeconds }) =>
        client.measure(planOf(port, server, load, size), server, cpuSeconds),
      ),
      'event',
    );
  return { subject: server.name, condition: `depth ${depth}`, run: () => untilSound(once, say) };
}
