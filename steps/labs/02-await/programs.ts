/** One program, "nap twice and say how long", in three forms: with `await`, as a generator, and as what both become. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Future, type Task, wait } from './executor.ts';
import type { Timer } from './timer.ts';

export async function twoNaps(ms: number): Promise<number> {
  await sleep(ms);
  await sleep(ms);
  return 2 * ms;
}

/** The same for our executor. A call only makes it; nothing has begun. */
export function* twoNapsTask(timer: Timer, ms: number): Task<number> {
  yield* wait(timer.nap(ms));
  yield* wait(timer.nap(ms));
  return 2 * ms;
}

/**
 * The same as a state machine: a state for each place where it waits, and a field for what it must still know there. A
 * compiler makes this of the forms above; Rust's makes it of an `async fn`, and calls it a `Future`, too.
 */
export class TwoNaps implements Future<number> {
  readonly #timer: Timer;
  readonly #ms: number;
  #state: 'start' | 'first' | 'second' = 'start';
  #nap: Future<void> | undefined;

  constructor(timer: Timer, ms: number) {
    this.#timer = timer;
    this.#ms = ms;
  }

  poll(wake: () => void): (() => number) | undefined {
    if (this.#state === 'start') {
      this.#nap = this.#timer.nap(this.#ms);
      this.#state = 'first';
    }
    if (this.#state === 'first') {
      if (this.#nap!.poll(wake) === undefined) return undefined;
      this.#nap = this.#timer.nap(this.#ms);
      this.#state = 'second';
    }
    return this.#nap!.poll(wake) === undefined ? undefined : () => 2 * this.#ms;
  }
}
