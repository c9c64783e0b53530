/**
 * A worker thread: takes events from its ring, applies them, rests when there are none.
 *
 * It never returns to its event loop, so everything it must know arrives in shared memory, and the only
 * messages it sends are "there are answers", when somebody asked for one.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Balances } from './balances.ts';
import { costOf, crashIfTold, isFrozen } from './experiments.ts';
import { laneOf, RUN_EVENTS_MAX, shapeOf, Word } from './memory-layout.ts';
import { Consumer } from './ring.ts';
import { Rester } from './wakeup.ts';

export interface WorkerStart {
  buffer: SharedArrayBuffer;
  worker: number;
}

export type WorkerMessage = 'ready' | 'progress';

export function runWorker({ buffer, worker }: WorkerStart, send: (message: WorkerMessage) => void): void {
  const shape = shapeOf(buffer);
  const lane = laneOf(buffer, shape, worker);
  const { words } = lane;
  const ring = new Consumer(lane);
  const balances = new Balances(buffer, shape, worker, ring);
  const cost = costOf(shape.workUs, shape.workKind);
  const runMax = cost === undefined ? RUN_EVENTS_MAX : 1;
  balances.recover();

  const isStopped = () => Atomics.load(words, Word.stop) === 1;
  const rester = new Rester(words, () => !isFrozen(words) && (ring.available() > 0 || isStopped()));
  // The producer's word is read afresh: an older worker may have been asked for progress and died.
  let wantedSeen = (Atomics.load(words, Word.wanted) - 1) | 0;

  send('ready');
  for (;;) {
    const available = ring.available();
    // Frozen is looked at after the tail: an event pushed after the freeze can't slip through.
    if (available === 0 || isFrozen(words)) {
      // The ring is looked at anew behind the word to leave: what was pushed before that word must not stay.
      if (isStopped() && ring.available() === 0 && !isFrozen(words)) return;
      rester.waitForWork();
      continue;
    }
    crashIfTold(words);
    rester.worked();
    cost?.();
    const isAsked = balances.applyRun(Math.min(available, runMax));
    const wanted = Atomics.load(words, Word.wanted);
    if (isAsked || wanted !== wantedSeen) {
      wantedSeen = wanted;
      sendProgress(words, send);
    }
  }
}

/**
 * One message at a time is under way: the socket thread acknowledges before it looks at the head, and the head
 * was stored before the look at the acknowledgement, so an answer that finds a message under way is seen by it.
 */
function sendProgress(words: Int32Array<SharedArrayBuffer>, send: (message: WorkerMessage) => void): void {
  const messages = Atomics.load(words, Word.messages);
  if (messages !== Atomics.load(words, Word.acknowledged)) return;
  Atomics.store(words, Word.messages, (messages + 1) | 0);
  send('progress');
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  runWorker(workerData as WorkerStart, message => port.postMessage(message));
}
