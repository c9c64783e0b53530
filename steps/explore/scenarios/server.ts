/** What the scenarios of the server share: small memory, the words worth showing, and its two threads. */
import { Lane } from '../../../src/engine/lane.ts';
import { balancesOf, Count, createMemory, laneOf, type Shape, Word } from '../../../src/engine/layout.ts';
import { runWorker } from '../../../src/engine/worker.ts';
import type { Gate } from '../gate.ts';
import type { NamedWord } from '../scenario.ts';

export interface Memory {
  buffer: SharedArrayBuffer;
  /** How many messages the worker has sent: what its port is in the server. */
  messages: Int32Array<SharedArrayBuffer>;
}

export const SHAPE: Shape = { workers: 1, ringSlots: 2, balanceSlots: 2, workUs: 0, workKind: 'cpu' };

export function createServer(firstSequence: number): Memory {
  return {
    buffer: createMemory(SHAPE, firstSequence),
    messages: new Int32Array(new SharedArrayBuffer(8)),
  };
}

export const exploredOf = ({ buffer, messages }: Memory) => [buffer, messages.buffer];

export function wordsOf({ buffer, messages }: Memory): NamedWord[] {
  const { words, counts } = laneOf(buffer, SHAPE, 0);
  const balances = balancesOf(buffer, SHAPE);
  return [
    ...Object.entries(Word).map(([name, index]) => ({ name, view: words, index })),
    ...Object.entries(Count).map(([name, index]) => ({ name, view: counts, index })),
    ...Array.from(balances, (_, user) => ({ name: `balance ${user}`, view: balances, index: user })),
    { name: 'messages', view: messages, index: 0 },
  ];
}

export const laneOfServer = ({ buffer }: Memory) => new Lane(laneOf(buffer, SHAPE, 0));

/** The worker thread, as it is. */
export function work({ buffer, messages }: Memory): void {
  runWorker({ buffer, worker: 0 }, message => {
    if (message === 'progress') Atomics.add(messages, 0, 1);
  });
}

/** The socket thread's turn of its event loop, over and over: takes messages until `isDone`. */
export function takeMessages(lane: Lane, { messages }: Memory, isDone: () => boolean, gate: Gate): void {
  for (let seen = 0; !isDone(); ) {
    const sent = Atomics.load(messages, 0);
    if (sent === seen) gate.pause();
    else {
      seen = sent;
      lane.progressed();
    }
  }
}

export function stateOf({ buffer }: Memory) {
  const { words, counts } = laneOf(buffer, SHAPE, 0);
  return {
    isEmpty: words[Word.tail] === words[Word.head],
    lateWakes: words[Word.lateWakes]!,
    processed: Number(counts[Count.processed]),
    overflowed: Number(counts[Count.overflowed]),
    balances: [...balancesOf(buffer, SHAPE)],
  };
}
