/**
 * A bounded queue from one thread to one other, in memory that both see: slots that are used round and round, and
 * two running numbers. `tail` is the next to write, and only the producer changes it; `head` is the next to read,
 * and only the consumer does. They may wrap at 2^32: what counts is their difference.
 */
export type Queue = { numbers: Int32Array; slots: Float64Array };

/** An amount of 0 is no event, but a question. Whoever `asks` gets the balance. */
export type Task = { row: number; amount: number; asks: boolean };

const TAIL = 0;
const HEAD = 1;
const SLOT_NUMBERS = 3;

/** Room for so many tasks, or a few more: a power of two. */
export function createQueue(tasks: number): Queue {
  const slots = 2 ** Math.ceil(Math.log2(tasks)) * SLOT_NUMBERS;
  const memory = [new SharedArrayBuffer(8), new SharedArrayBuffer(slots * 8)] as const;
  return { numbers: new Int32Array(memory[0]), slots: new Float64Array(memory[1]) };
}

/** The producer's. False if the queue is full. */
export function tryPush({ numbers, slots }: Queue, { row, amount, asks }: Task): boolean {
  const tail = Atomics.load(numbers, TAIL);
  const used = (tail - Atomics.load(numbers, HEAD)) | 0;
  if (used * SLOT_NUMBERS === slots.length) return false;
  slots.set([row, amount, Number(asks)], offsetOf(slots, tail));
  // First the slot, then the number that says it is there, then the bell.
  Atomics.store(numbers, TAIL, tail + 1);
  Atomics.notify(numbers, TAIL);
  return true;
}

/** The consumer's. Sleeps while there is nothing, that is while `tail` still is what was seen. */
export function waitFront({ numbers, slots }: Queue): Task {
  const head = Atomics.load(numbers, HEAD);
  while (Atomics.load(numbers, TAIL) === head) Atomics.wait(numbers, TAIL, head);
  const offset = offsetOf(slots, head);
  return { row: slots[offset]!, amount: slots[offset + 1]!, asks: slots[offset + 2] === 1 };
}

/** The consumer's, when it is done with the task in front: the slot is free. */
export function pop({ numbers }: Queue): void {
  Atomics.add(numbers, HEAD, 1);
}

function offsetOf(slots: Float64Array, number: number): number {
  return (number & (slots.length / SLOT_NUMBERS - 1)) * SLOT_NUMBERS;
}
