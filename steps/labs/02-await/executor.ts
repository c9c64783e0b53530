/**
 * An executor of our own: runs tasks by turns, in one thread. When all of them wait, it lets its driver wait, for time
 * (timer.ts) or, in a real one, for sockets as well. Node's event loop takes no part. See README.md.
 */

/** What may not be there yet. */
export interface Future<T> {
  /** Gives what returns the value or throws the error. Undefined: it is too early, and `wake` is called when it is not. */
  poll(wake: () => void): (() => T) | undefined;
}

export type Task<T> = Generator<Future<unknown>, T, () => unknown>;

/** In a task, `yield* wait(future)` is what `await` is in an async function. */
export function* wait<T>(future: Future<T>): Task<T> {
  const take = (yield future) as () => T;
  return take();
}

export interface Driver {
  /** Calls the `wake` of whatever has happened; if it may wait, once something has. */
  turn(mayWait: boolean): void;
}

const NEVER: Future<never> = { poll: () => undefined };

export class Executor {
  readonly #driver: Driver;
  /** Turns of the tasks that were woken, in that order; each once, however often it was woken. */
  readonly #ready = new Set<() => void>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Until this task ends. What it has spawned, and has not ended by then, is dropped. */
  run<T>(main: Task<T>): T {
    const future = this.spawn(main);
    const nobody = () => {};
    let take = future.poll(nobody);
    while (take === undefined) {
      this.#driver.turn(this.#ready.size === 0);
      for (const turn of [...this.#ready]) {
        this.#ready.delete(turn);
        turn();
      }
      take = future.poll(nobody);
    }
    return take();
  }

  /** It begins when its turn comes. The future is there when it has ended. */
  spawn<T>(task: Task<T>): Future<T> {
    const waiting = new Set<() => void>();
    let end: (() => T) | undefined;
    let future: Future<unknown> = { poll: () => () => undefined };
    const finish = (take: () => T) => {
      end = take;
      future = NEVER;
      for (const wakeOther of waiting) wakeOther();
    };
    const wake = () => void this.#ready.add(turn);
    const turn = () => {
      try {
        for (let take = future.poll(wake); take !== undefined; take = future.poll(wake)) {
          const { done, value } = task.next(take);
          if (done === true) finish(() => value);
          else future = value;
        }
      } catch (error) {
        finish(() => {
          throw error;
        });
      }
    };
    wake();
    return { poll: wakeOther => end ?? void waiting.add(wakeOther) };
  }
}
