/**
 * What an event costs a node of a cluster when its block comes back: the socket thread applies it, and no other does.
 */
import type { Bench, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import type { ApplyingAnswer, ApplyingWork } from './applying-worker.ts';
import { runThreads } from './thread.ts';

const EVENTS: Record<Size, number> = { full: 3_000_000, small: 30_000 };
const ROUNDS: Record<Size, number> = { full: 5, small: 1 };
const USERS = [10_000, 1_000_000];
const BLOCK_EVENTS = [10, 500];

export const bench: Bench = {
  name: 'micro-applying',
  about: 'what an event costs a node of a cluster when its block comes back, by users',
  run(size, say) {
    const trials = USERS.flatMap(users =>
      BLOCK_EVENTS.map(blockEvents => trialOf({ users, blockEvents, events: EVENTS[size] })),
    );
    return alternate(ROUNDS[size], trials, say);
  },
};

function trialOf(work: ApplyingWork): Trial {
  return {
    subject: `${work.users.toLocaleString('en-US')} users`,
    condition: `${work.blockEvents} events a block`,
    async run() {
      const [answer] = await runThreads<ApplyingAnswer>('applying-worker', [work]);
      if (answer!.sum !== 0) throw new Error(`the balances are ${answer!.sum} off`);
      return [{ unit: 'ns/event', better: 'lower', value: answer!.nsAnEvent }];
    },
  };
}
