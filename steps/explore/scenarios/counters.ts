/**
 * Counting: the three ways of step 9, with a reader who adds up meanwhile; and the server's own counts, which the socket
 * thread reads while the worker applies.
 */
import { type Counters, count, createCounters, total } from '../../09-lock-free-metrics/counters.ts';
import { fine, NOTHING, type Scenario, wrong } from '../scenario.ts';
import { createServer, exploredOf, laneOfServer, type Memory, stateOf, wordsOf, work } from './server.ts';

const COUNTED = 1;
const THREADS = 2;

function stepCounters(way: string, reads: boolean): Scenario<{ counters: Counters }> {
  const counting = Array.from({ length: THREADS }, (_, thread) => ({
    name: `counter ${thread}`,
    run: ({ counters }: { counters: Counters }) => count(counters, thread, COUNTED),
  }));
  const reader = {
    name: 'reader',
    run({ counters }: { counters: Counters }) {
      const early = total(counters, COUNTED);
      const late = total(counters, COUNTED);
      if (early > late || late > THREADS) throw new Error(`read ${early}, then ${late}`);
    },
  };
  return {
    name: reads ? `counters-${way}-read` : `counters-${way}`,
    group: 'counters',
    about: `two threads count in step 9's way "${way}"${reads ? ', and a third one reads' : ''}`,
    budget: NOTHING,
    create: () => ({ counters: createCounters(way, THREADS) }),
    explored: ({ counters }) => [counters.lock.buffer, counters.counts.buffer] as SharedArrayBuffer[],
    words: ({ counters }) => [
      { name: 'served', view: counters.lock, index: 1 },
      ...Array.from({ length: THREADS }, (_, thread) => ({
        name: `count ${thread}`,
        view: counters.counts,
        index: (thread * counters.counts.length) / THREADS + COUNTED,
      })),
    ],
    threads: reads ? [...counting, reader] : counting,
    verdict({ counters }, endings) {
      if (endings.some(ending => ending !== 'finished')) return wrong(`it got stuck: ${endings.join(', ')}`);
      const sum = total(counters, COUNTED);
      return sum === THREADS ? fine('every one is counted') : wrong(`${sum} of ${THREADS} are counted`);
    },
  };
}

const serverCounters: Scenario<Memory> = {
  name: 'counters',
  group: 'counters',
  about: "the server's counts, read while the worker applies an event and refuses another",
  budget: NOTHING,
  create: () => createServer(0),
  explored: exploredOf,
  words: wordsOf,
  shown: ['tail', 'head', 'processed', 'overflowed'],
  threads: [
    {
      name: 'socket thread',
      run(memory) {
        const lane = laneOfServer(memory);
        let known = 0;
        for (const [accepted, amount] of [Number.MAX_SAFE_INTEGER, 1].entries()) {
          lane.tryPush(0, amount);
          lane.publish();
          const done = lane.decided('processed') + lane.decided('overflowed');
          if (done < known || done > accepted + 1)
            throw new Error(`${done} done of ${accepted + 1} accepted`);
          known = done;
        }
      },
    },
    { name: 'worker', run: work },
  ],
  verdict(memory) {
    const { processed, overflowed, isEmpty } = stateOf(memory);
    return isEmpty && processed === 1 && overflowed === 1
      ? fine('received = processed + dropped + queued, at every look')
      : wrong(`${processed} processed, ${overflowed} overflowed`);
  },
};

export const scenarios = [
  serverCounters,
  stepCounters('shared', true),
  stepCounters('padded', true),
  stepCounters('lock', false),
  stepCounters('lock', true),
] as const;
