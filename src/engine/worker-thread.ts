/**
 * The thread of a worker without a journal. A file of its own: what is imported must not run.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { runWorker, type WorkerStart } from './worker.ts';

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  runWorker(workerData as WorkerStart, message => port.postMessage(message));
}
