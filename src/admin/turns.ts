/**
 * Work that is too long for one turn of the event loop: it is done in slices, and between two of them clients are served.
 * One is done at a time, the others wait: so many of them delay nobody more than one does.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 0.25;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that came before is done. */
  next<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Takes the steps, each of some microseconds, to the end; undefined if they are not needed any more. */
export async function inSlices<Result>(
  steps: Generator<void, Result>,
  isNeeded: () => boolean,
): Promise<Result | undefined> {
  while (isNeeded()) {
    const endMs = performance.now() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < endMs);
    await nextTurn();
  }
  return undefined;
}
