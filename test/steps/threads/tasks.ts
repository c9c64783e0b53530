/** The tasks of the queue tests: each is known by its place. */
import type { Task } from '../../../steps/05-bounded-queue/queue.ts';

export function taskAt(at: number): Task {
  return { row: at, amount: at % 3 === 0 ? 0 : -at * 65_537, asks: at % 2 === 0 };
}
