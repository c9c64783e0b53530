/**
 * Artificial work for each event, and the debug requests (freeze, thaw, kill, crash): for experiments and tests. A
 * server that uses none of this pays for a few loads of two words.
 */
import type { Lane } from './lane.ts';
import type { WorkKind } from './memory-layout.ts';
import { Word } from './words.ts';

/** The artificial work that a worker does before it applies an event; undefined: none. */
export function costOf(workUs: number, workKind: WorkKind): (() => void) | undefined {
  if (workUs === 0) return undefined;
  const workMs = workUs / 1000;
  if (workKind === 'block') {
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    return () => void Atomics.wait(nobody, 0, 0, workMs);
  }
  return () => {
    for (const end = performance.now() + workMs; performance.now() < end; );
  };
}

/** A frozen worker takes no events from its ring. */
export function isFrozen(words: Int32Array<SharedArrayBuffer>): boolean {
  return Atomics.load(words, Word.frozen) === 1;
}

/** Throws if the worker was told to crash at its next event. */
export function crashIfTold(words: Int32Array<SharedArrayBuffer>): void {
  if (Atomics.load(words, Word.crash) === 1) throw new Error('crashed by a debug request');
}

/** Can end a worker's thread. */
interface Mortal {
  kill(worker: number): void;
}

/** The socket thread's side. The number of a worker that does not exist is ignored. */
export class Experiments {
  readonly #lanes: readonly Lane[];
  readonly #workers: Mortal;

  constructor(lanes: readonly Lane[], workers: Mortal) {
    this.#lanes = lanes;
    this.#workers = workers;
  }

  freeze(isFrozen: boolean): void {
    for (const lane of this.#lanes) lane.command(Word.frozen, isFrozen ? 1 : 0);
  }

  /** Ends the thread at once, at any point of its code. */
  kill(worker: number): void {
    this.#workers.kill(worker);
  }

  /** Makes the worker die at its next event. */
  crash(worker: number): void {
    this.#lanes[worker]?.command(Word.crash, 1);
  }
}
