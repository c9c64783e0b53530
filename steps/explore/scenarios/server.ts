/** What the scenarios of the server share: small memory, the words worth showing, and its two threads. */
import { Lane } from '../../../src/engine/lane.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../../src/engine/memory-layout.ts';
import { Count, Word } from '../../../src/engine/words.ts';
import { runWorker } from '../../../src/engine/worker.ts';
import type { Gate } from '../gate.ts';
import type { NamedWord } from '../scenario.ts';

export interface Memory {
  buffer: SharedArrayBuffer;
  /** How many messages the worker has sent: what its port is in the server. */
  messages: Int32Array<SharedArrayBuffer>;
}

export const SHAPE: Shape = { workers: 1, ringSlots: 2, balanceSlots: 2, workUs: 0, workKind: 'cpu' };

/** With these events of user 0 in the ring already. */
export function createServer(firstSequence: number, amounts: readonly number[] = []): Memory {
  const buffer = createMemory(SHAPE, firstSequence);
  const lane = new Lane(laneOf(buffer, SHAPE, 0));
  for (const amount of amounts) lane.tryPush(0, amount);
  lane.publish();
  return { buffer, messages: new Int32Array(new SharedArrayBuffer(8)) };
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

/** What the socket thread's event loop has put off, and how many messages it has taken. */
const immediates: (() => void)[] = [];
let messagesTaken = 0;

/** The socket thread's end, at the start of a run. */
export function laneOfServer({ buffer }: Memory): Lane {
  immediates.length = 0;
  messagesTaken = 0;
  Object.assign(globalThis, { setImmediate: (call: () => void) => immediates.push(call) });
  return new Lane(laneOf(buffer, SHAPE, 0));
}

/** The worker thread, as it is. */
export function work({ buffer, messages }: Memory): void {
  runWorker({ buffer, worker: 0 }, message => {
    if (message === 'progress') Atomics.add(messages, 0, 1);
  });
}

/** The socket thread's event loop: what was put off, and messages, until `isDone`. */
export function takeTurns(lane: Lane, { messages }: Memory, isDone: () => boolean, gate: Gate): void {
  while (!isDone()) {
    const putOff = immediates.shift();
    if (putOff !== undefined) putOff();
    else takeMessage(lane, messages, gate);
  }
}

/** The next message, if there is one; otherwise the thread has nothing to do. */
export function takeMessage(lane: Lane, messages: Memory['messages'], gate: Gate): void {
  if (Atomics.load(messages, 0) === messagesTaken) gate.pause();
  else {
    messagesTaken += 1;
    lane.progressed();
  }
}

/** Returns when a word of the worker's has come as far as this. */
export function until(word: number, value: number, { buffer }: Memory, gate: Gate): void {
  const { words } = laneOf(buffer, SHAPE, 0);
  while (Atomics.load(words, word) < value) gate.pause();
}

/** When the worker has napped so often, and is about to park: each time it had no work, it naps twice before. */
export function untilNapped(naps: number, memory: Memory, gate: Gate): void {
  until(Word.naps, naps, memory, gate);
}

/** A worker may nap beside work for some milliseconds; it must not be parked there. */
export function parkedBesideWork({ buffer }: Memory): string | undefined {
  const { words } = laneOf(buffer, SHAPE, 0);
  const isParked = (words[Word.rest]! & 3) === 2;
  return isParked && words[Word.tail] !== words[Word.head] ? 'a worker is parked beside work' : undefined;
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
