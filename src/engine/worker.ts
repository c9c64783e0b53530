/**
 * A worker thread: takes events from its ring, applies them, and rests when there are none.
 *
 * It never returns to its event loop, so all its input arrives in shared memory. It sends a message only when it has
 * written answers, or when the socket thread has asked for one at its next progress (`wanted`).
 */
import { Balances } from './balances.ts';
import { costOf, crashIfTold, isFrozen } from './experiments.ts';
import { laneOf, shapeOf } from './memory-layout.ts';
import type { RunWriter } from './recording.ts';
import { Consumer } from './ring.ts';
import { Rester } from './wakeup.ts';
import { RUN_EVENTS_MAX, Word } from './words.ts';

export interface WorkerStart {
  buffer: SharedArrayBuffer;
  worker: number;
}

/** `failed`: the journal can't be written; the worker applies nothing more. */
export type WorkerMessage = 'ready' | 'progress' | { failed: string };

/** Returns when the worker is told to stop and its ring is empty. With a `writer`, events are written, then applied. */
export function runWorker(
  { buffer, worker }: WorkerStart,
  send: (message: WorkerMessage) => void,
  writer?: RunWriter,
): void {
  const shape = shapeOf(buffer);
  const lane = laneOf(buffer, shape, worker);
  const { words } = lane;
  const ring = new Consumer(lane);
  // With a journal, whoever reads it must decide the same.
  const clock = writer === undefined ? Date.now : () => writer.timeMs;
  const balances = new Balances(buffer, shape, worker, ring, clock);
  const cost = costOf(shape.workUs, shape.workKind);
  const runMax = cost === undefined ? RUN_EVENTS_MAX : 1;
  balances.recover();

  const isStopped = () => Atomics.load(words, Word.stop) === 1;
  const rester = new Rester(words, () => !isFrozen(words) && (ring.available() > 0 || isStopped()));
  // One less than its value, so the first progress is always reported: a predecessor may have died owing a message.
  let wantedSeen = (Atomics.load(words, Word.wanted) - 1) | 0;

  send('ready');
  for (;;) {
    const available = ring.available();
    // `frozen` is loaded after the tail, so no event that was published after the freeze is taken.
    if (available === 0 || isFrozen(words)) {
      // The tail is loaded again after `stop`: events that were published before it must not stay in the ring.
      if (isStopped() && ring.available() === 0 && !isFrozen(words)) return;
      rester.waitForWork();
      continue;
    }
    crashIfTold(words);
    rester.worked();
    cost?.();
    const ready = writer === undefined ? available : writer.secure(ring.head, available);
    const isAsked = balances.applyRun(Math.min(ready, runMax));
    const wanted = Atomics.load(words, Word.wanted);
    // With a journal, replies wait for every run.
    if (isAsked || wanted !== wantedSeen || writer !== undefined) {
      wantedSeen = wanted;
      sendProgress(words, send);
    }
  }
}

/**
 * At most one message is unacknowledged. The worker stores the head, then loads the acknowledgement; the socket
 * thread stores the acknowledgement, then loads the head. So if the worker finds the last message unacknowledged and
 * sends none, the socket thread, handling that message, sees the new head and its answers.
 */
function sendProgress(words: Int32Array<SharedArrayBuffer>, send: (message: WorkerMessage) => void): void {
  const messages = Atomics.load(words, Word.messages);
  if (messages !== Atomics.load(words, Word.acknowledged)) return;
  Atomics.store(words, Word.messages, (messages + 1) | 0);
  send('progress');
}
