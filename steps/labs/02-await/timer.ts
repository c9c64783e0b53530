/** A timer: futures that are there after some time, and the driver that waits for the next of them. */
import type { Driver, Future } from './executor.ts';

export class Timer implements Driver {
  /** The soonest first. */
  readonly #sleepers: { atMs: number; wake: () => void }[] = [];
  readonly #bed = new Int32Array(new SharedArrayBuffer(4));

  /** The time runs from the first poll on. */
  nap(ms: number): Future<void> {
    let atMs: number | undefined;
    return {
      poll: wake => {
        atMs ??= performance.now() + ms;
        if (performance.now() >= atMs) return () => {};
        this.#sleepers.push({ atMs, wake });
        this.#sleepers.sort((one, other) => one.atMs - other.atMs);
        return undefined;
      },
    };
  }

  /** The one place in which the thread waits: what `epoll_wait` is in a real loop. */
  turn(mayWait: boolean): void {
    const [next] = this.#sleepers;
    if (next === undefined && mayWait) throw new Error('all tasks wait, and nothing will wake one');
    if (next === undefined) return;
    const leftMs = next.atMs - performance.now();
    if (mayWait && leftMs > 0) Atomics.wait(this.#bed, 0, 0, leftMs);
    while (this.#sleepers[0] !== undefined && this.#sleepers[0].atMs <= performance.now())
      this.#sleepers.shift()!.wake();
  }
}
