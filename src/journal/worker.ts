/**
 * A worker thread with a journal: it writes each run before it applies it.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { laneOf, shapeOf } from '../engine/memory-layout.ts';
import { runWorker, type WorkerMessage, type WorkerStart } from '../engine/worker.ts';
import { realDisk } from './disk.ts';
import { LaneWriter, type WriterStart } from './lane-writer.ts';
import { Head, headOf } from './memory.ts';

export interface JournalWorkerStart extends WorkerStart {
  journal: WriterStart;
}

function run(start: JournalWorkerStart, send: (message: WorkerMessage) => void): void {
  const { buffer, worker, journal } = start;
  const lane = laneOf(buffer, shapeOf(buffer), worker);
  try {
    const writer = new LaneWriter(realDisk, journal, lane);
    runWorker(start, send, writer);
    writer.close();
  } catch (error) {
    // A bug, or a debug request: the worker dies, and its successor goes on.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const head = headOf(journal.buffer);
    Atomics.store(head, Head.failed, 1);
    send({ failed: (error as Error).message });
    // What was not written can't be applied. The server ends; until then there is nothing to do.
    for (;;) Atomics.wait(head, Head.failed, 1);
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  run(workerData as JournalWorkerStart, message => port.postMessage(message));
}
