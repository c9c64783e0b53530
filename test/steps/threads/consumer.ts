/** Takes so many tasks from each of some queues, one queue after the other, and looks whether each is the one that comes next, and stays what it is. */
import { parentPort, workerData } from 'node:worker_threads';
import { pop, type Queue, waitFront } from '../../../steps/05-bounded-queue/queue.ts';
import { taskAt } from './tasks.ts';

const { queues, tasks } = workerData as { queues: Queue[]; tasks: number };
let wrong = 0;

const isRight = (queue: Queue, at: number) => JSON.stringify(waitFront(queue)) === JSON.stringify(taskAt(at));
for (const queue of queues) {
  for (let at = 0; at < tasks; at++) {
    if (!isRight(queue, at)) wrong += 1;
    // Nobody may write to a slot before it is given back.
    if (!isRight(queue, at)) wrong += 1;
    pop(queue);
  }
}
parentPort!.postMessage(wrong);
