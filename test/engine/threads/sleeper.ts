/**
 * A consumer that only rests: takes whatever was published, and rests again, with random pauses in between.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { laneOf, shapeOf } from '../../../src/engine/memory-layout.ts';
import { Rester } from '../../../src/engine/wakeup.ts';
import { Word } from '../../../src/engine/words.ts';

export interface SleeperWork {
  buffer: SharedArrayBuffer;
  rounds: number;
  seed: number;
  /** Says after each work that there was some, so that every rest begins with naps; otherwise it only parks. */
  naps: boolean;
}

const { buffer, rounds, seed, naps } = workerData as SleeperWork;
const { words } = laneOf(buffer, shapeOf(buffer), 0);
const hasWork = () => Atomics.load(words, Word.tail) !== Atomics.load(words, Word.head);
const rester = new Rester(words, hasWork);
let random = seed;
parentPort!.postMessage('started');
while (Atomics.load(words, Word.head) !== rounds) {
  if (!hasWork()) {
    rester.waitForWork();
    continue;
  }
  if (naps) rester.worked();
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  for (let spins = (random >>> 16) & 0x3ff; spins > 0; spins--) Atomics.load(words, Word.stop);
  Atomics.store(words, Word.head, Atomics.load(words, Word.tail));
}
parentPort!.postMessage('done');
