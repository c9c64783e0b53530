/** Tally alone: the cost of each kind of line, by depth. */

import { DEFAULT_WORK, type Mix } from '../../src/tools/load/plan.ts';
import type { Bench, Measure } from '../bench.ts';
import { alternate } from '../rounds.ts';
import { TALLY } from './subjects.ts';
import { depthsOf, ROUNDS, trialOf } from './trial.ts';

const NONE: Mix = { buy: 0, sell: 0, wait: 0, transfer: 0, balance: 0, metrics: 0, health: 0, garbage: 0 };

const MIXES: Record<string, Mix> = {
  'usual events': DEFAULT_WORK.mix,
  'events with wait': { ...NONE, wait: 1 },
  // Of users whose events have all been applied: answered at once.
  'balance requests': { ...NONE, balance: 1 },
  // With one event in ten lines, many must wait until the worker has applied it.
  'balance requests, 9 of 10': { ...NONE, buy: 1, balance: 9 },
};

export const bench: Bench = {
  name: 'server',
  about: 'Tally alone: events, events with wait, and balance requests, by depth',
  async run(size, say) {
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const trials = Object.entries(MIXES).map(([subject, mix]) =>
        trialOf(TALLY, { subject, mix, depth, noun: 'line' }, size, say),
      );
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  },
};
