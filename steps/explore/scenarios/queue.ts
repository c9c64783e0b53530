/** The bounded queue of step 6, between one producer and one consumer, for several laps. */
import { createQueue, pop, type Queue, tryPush, waitFront } from '../../06-worker-threads/queue.ts';
import { type Ending, fine, type Scenario, type Verdict, wrong } from '../scenario.ts';

interface Memory {
  queue: Queue;
}

const TAIL = 0;
const HEAD = 1;
const SLOT_NUMBERS = 3;

function queueScenario(name: string, capacity: number, tasks: number, first: number): Scenario<Memory> {
  return {
    name,
    group: 'queue',
    about: `step 6's queue of ${capacity}, ${tasks} tasks, numbers from ${first}`,
    budget: { timeOuts: 0, wakesForNothing: 1, deaths: 0 },
    create() {
      const queue = createQueue(capacity);
      queue.numbers.fill(first);
      return { queue };
    },
    explored: ({ queue }) => [queue.numbers.buffer, queue.slots.buffer] as SharedArrayBuffer[],
    words: ({ queue }) => [
      { name: 'tail', view: queue.numbers, index: TAIL },
      { name: 'head', view: queue.numbers, index: HEAD },
      ...Array.from({ length: capacity }, (_, slot) => ({
        name: `slot ${slot}`,
        view: queue.slots,
        index: slot * SLOT_NUMBERS,
      })),
    ],
    threads: [
      {
        name: 'producer',
        run({ queue }, gate) {
          for (let task = 1; task <= tasks; task++) {
            gate.knows(task);
            while (!tryPush(queue, { row: task, amount: task * 10, asks: task % 2 === 1 })) gate.pause();
          }
        },
      },
      {
        name: 'consumer',
        run({ queue }, gate) {
          for (let task = 1; task <= tasks; task++) {
            gate.knows(task);
            const { row, amount, asks } = waitFront(queue);
            if (row !== task || amount !== task * 10 || asks !== (task % 2 === 1))
              throw new Error(`took ${row}, not ${task}`);
            pop(queue);
          }
        },
      },
    ],
    invariant: ({ queue }) => outOfBounds(queue.numbers, capacity),
    verdict: ({ queue }, endings) => verdictOn(queue, endings),
  };
}

function outOfBounds(numbers: Int32Array, capacity: number): string | undefined {
  const used = (numbers[TAIL]! - numbers[HEAD]!) | 0;
  return used < 0 || used > capacity ? `${used} of ${capacity} slots in use` : undefined;
}

function verdictOn({ numbers }: Queue, endings: readonly Ending[]): Verdict {
  if (endings.some(ending => ending !== 'finished')) return wrong(`it got stuck: ${endings.join(', ')}`);
  return numbers[TAIL] === numbers[HEAD]
    ? fine('all come, once and in order')
    : wrong('something is left over');
}

export const scenarios = [
  queueScenario('queue', 2, 4, 0),
  queueScenario('queue-short', 2, 2, 2 ** 32 - 1),
  queueScenario('queue-sign', 2, 4, 2 ** 31 - 2),
  queueScenario('queue-wrap', 2, 4, 2 ** 32 - 2),
] as const;
