/**
 * The HTTP thread's side of the snapshots: however many look at once, and however often, the socket thread is asked ten
 * times a second at most, and one question at a time is under way. All who wait for it share one promise and one timer.
 */
import type { HttpSnapshot } from './snapshot.ts';

/** A snapshot is shown again for so long. */
const FRESH_MS = 100;

export interface Seen {
  snapshot: HttpSnapshot;
  /** From the question to the answer: the socket thread's own delay, just now. */
  answerMs: number;
}

interface Wait {
  done: Promise<Seen | undefined>;
  tell(seen: Seen | undefined): void;
  late: NodeJS.Timeout;
}

export class SnapshotCache {
  readonly #ask: () => void;
  readonly #deadlineMs: number;
  #seen: Seen | undefined;
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = 0;
  /** A question is under way; a thread that is stuck is asked no second one. */
  #isAsked = false;
  #wait: Wait | undefined;

  /** `ask` sends the question; the answer comes to `answered`. */
  constructor(ask: () => void, deadlineMs: number) {
    this.#ask = ask;
    this.#deadlineMs = deadlineMs;
  }

  answered(snapshot: HttpSnapshot): void {
    this.#isAsked = false;
    this.#seenAtMs = performance.now();
    this.#seen = { snapshot, answerMs: this.#seenAtMs - this.#askedAtMs };
    this.#tell(this.#seen);
  }

  /** Nobody waits any more. */
  end(): void {
    this.#tell(undefined);
  }

  /** Undefined if the socket thread gives no answer in time: it is stuck. */
  look(): Promise<Seen | undefined> {
    if (performance.now() - this.#seenAtMs < FRESH_MS) return Promise.resolve(this.#seen);
    this.#wait ??= this.#startWait();
    this.#askOnce();
    return this.#wait.done;
  }

  /** Whoever comes later waits no longer than the first: the question is as old for all of them. */
  #startWait(): Wait {
    let tell: Wait['tell'] = () => {};
    const done = new Promise<Seen | undefined>(resolve => {
      tell = resolve;
    });
    return { done, tell, late: setTimeout(() => this.#tell(undefined), this.#deadlineMs) };
  }

  #tell(seen: Seen | undefined): void {
    const wait = this.#wait;
    if (wait === undefined) return;
    this.#wait = undefined;
    clearTimeout(wait.late);
    wait.tell(seen);
  }

  #askOnce(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#askedAtMs = performance.now();
    this.#ask();
  }
}
