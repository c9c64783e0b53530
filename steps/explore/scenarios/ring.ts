/** The server's ring, between its producer and its consumer, for several laps and across both edges of 32 bits. */
import { createMemory, laneOf, type Shape } from '../../../src/engine/memory-layout.ts';
import { Consumer, Producer } from '../../../src/engine/ring.ts';
import { SLOT_WORDS, Word } from '../../../src/engine/words.ts';
import { fine, NOTHING, type Scenario, wrong } from '../scenario.ts';

interface Memory {
  buffer: SharedArrayBuffer;
}

/** The four forms of a slot, in turn: narrow, wide by its amount, with an ask, with both. */
const userOf = (event: number) => event;
const askOf = (event: number) => ((event & 2) === 0 ? 0 : event);
const amountOf = (event: number) => ((event & 1) === 0 ? event * 10 : event * 2 ** 40);

/** `together`: how many events are published at once. */
function ringScenario(
  name: string,
  ringSlots: number,
  events: number,
  first: number,
  together = 1,
): Scenario<Memory> {
  const shape: Shape = { workers: 1, ringSlots, balanceSlots: 1, workUs: 0, workKind: 'cpu' };
  return {
    name,
    group: 'ring',
    about: `the ring of ${ringSlots} slots, ${events} events, ${together === 1 ? 'one' : together} at a time, sequences from ${first}`,
    budget: NOTHING,
    create: () => ({ buffer: createMemory(shape, first) }),
    explored: ({ buffer }) => [buffer],
    words({ buffer }) {
      const { words, slots } = laneOf(buffer, shape, 0);
      return [
        { name: 'tail', view: words, index: Word.tail },
        { name: 'head', view: words, index: Word.head },
        ...Array.from({ length: ringSlots }, (_, slot) => ({
          name: `slot ${slot}`,
          view: slots,
          index: slot * SLOT_WORDS,
        })),
      ];
    },
    threads: [
      {
        name: 'producer',
        run({ buffer }, gate) {
          const producer = new Producer(laneOf(buffer, shape, 0));
          for (let event = 1; event <= events; event++) {
            // Its copy of the head is all that it has from before.
            gate.knows(event, producer.depthSeen);
            while (!producer.tryPush(userOf(event), askOf(event), amountOf(event))) {
              producer.publish();
              gate.pause();
            }
            if (event % together === 0 || event === events) producer.publish();
          }
        },
      },
      {
        name: 'consumer',
        run({ buffer }, gate) {
          const consumer = new Consumer(laneOf(buffer, shape, 0));
          for (let event = 1; event <= events; ) {
            gate.knows(event);
            const available = consumer.available();
            if (available < 0 || available > ringSlots) throw new Error(`${available} are available`);
            if (available === 0) gate.pause();
            let { head } = consumer;
            for (let left = available; left > 0; left--, event++) {
              const [user, ask, amount] = [
                consumer.userAt(head),
                consumer.askAt(head),
                consumer.amountAt(head),
              ];
              if (user !== userOf(event) || ask !== askOf(event) || amount !== amountOf(event))
                throw new Error(`event ${event} came as ${user}, ${ask}, ${amount}`);
              head = (head + 1) | 0;
            }
            if (available > 0) consumer.release(head);
          }
        },
      },
    ],
    invariant({ buffer }) {
      const { words } = laneOf(buffer, shape, 0);
      const used = (words[Word.tail]! - words[Word.head]!) | 0;
      return used < 0 || used > ringSlots ? `${used} of ${ringSlots} slots in use` : undefined;
    },
    verdict({ buffer }, endings) {
      const { words } = laneOf(buffer, shape, 0);
      if (endings.some(ending => ending !== 'finished')) return wrong(`it got stuck: ${endings.join(', ')}`);
      if (words[Word.head] !== ((first + events) | 0)) return wrong('something is left over');
      return fine('all come, once, whole and in order');
    },
  };
}

export const scenarios = [
  ringScenario('ring', 2, 6, 0),
  ringScenario('ring-short', 2, 3, 2 ** 32 - 2),
  ringScenario('ring-sign', 2, 6, 2 ** 31 - 3),
  ringScenario('ring-wrap', 2, 6, 2 ** 32 - 3),
  ringScenario('ring-4', 4, 12, 0),
  ringScenario('ring-4-sign', 4, 12, 2 ** 31 - 5),
  ringScenario('ring-4-wrap', 4, 12, 2 ** 32 - 5),
  ringScenario('ring-4-together', 4, 12, 2 ** 32 - 5, 3),
] as const;
