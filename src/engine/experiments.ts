/**
 * What experiments and tests do to workers: events that cost something, and the debug requests (freeze, thaw, kill,
 * crash). A server that uses none of it only loads two words now and then.
 */
import type { Lane } from './lane.ts';
import { Word, type WorkKind } from './memory-layout.ts';

/** What a worker does for each event before it applies it; undefined: nothing. */
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

/** A frozen worker takes nothing from its ring. */
export function isFrozen(words: Int32Array<SharedArrayBuffer>): boolean {
  return Atomics.load(words, Word.frozen) === 1;
}

/** Dies if the worker was told to, at its next event. */
export function crashIfTold(words: Int32Array<SharedArrayBuffer>): void {
  if (Atomics.load(words, Word.crash) === 1) throw new Error('crashed by a debug request');
}

/** Whose threads can be ended. */
interface Mortal {
  kill(worker: number): void;
}

/** The socket thread's side. A worker that does not exist is left alone. */
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

  /** Ends the thread wherever it is. */
  kill(worker: number): void {
    this.#workers.kill(worker);
  }

  /** Has the worker die at its next event. */
  crash(worker: number): void {
    this.#lanes[worker]?.command(Word.crash, 1);
  }
}
