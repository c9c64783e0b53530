/**
 * Runs a worker thread of a step as it is, anew for every run: it finds what its server would have given it, and the
 * tasks that its server would have put into its queue. It ends when it waits for more.
 */
import type { Queue, Task } from '../06-worker-threads/queue.ts';
import { pretend } from './pretend.ts';

const FLAGS = { work: 'block', 'work-us': '0', 'window-us': '0' };

interface QueueModule {
  createQueue(tasks: number): Queue;
  tryPush(queue: Queue, task: Task): boolean;
}

/** `given` is the worker's data but for its queue and its flags; `onReply` hears what it posts. */
export async function runStepWorker(
  step: string,
  run: number,
  tasks: readonly Task[],
  given: object,
  onReply: (balance: number) => void = () => {},
): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { createQueue, tryPush } = (await import(`../${step}/queue.${extension}`)) as QueueModule;
  const queue = createQueue(tasks.length);
  for (const task of tasks) tryPush(queue, task);
  pretend({ workerData: { queue, flags: FLAGS, ...given }, parentPort: { postMessage: onReply } });
  await import(`../${step}/worker.${extension}?run=${run}`);
}
