/**
 * Tally beside what else would do the work: Redis, the server most people would write in Node, and the least that
 * Node can do. The same client, the same lines, in turn; every trial's money is checked.
 *
 * Events a second are those of server and client together, on a machine that they share; processor time an event is
 * the server's own, and says what a bigger machine would make of it.
 */

import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure } from '../bench.ts';
import { alternate } from '../rounds.ts';
import { FLOOR, PLAIN, presentOf, REDIS, TALLY } from './subjects.ts';
import { depthsOf, ROUNDS, trialOf } from './trial.ts';

export const bench: Bench = {
  name: 'peers',
  about: 'Tally, Redis, a plain Node server and the floor of Node, side by side, by depth',
  async run(size, say) {
    const subjects = await presentOf([TALLY, REDIS, PLAIN, FLOOR], say);
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const trials = subjects.map(server => {
        const load = { subject: server.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
        return trialOf(server, load, size, say);
      });
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  },
};
