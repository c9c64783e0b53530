/**
 * The HTTP thread's side of the snapshots. However many clients ask, and however often, the socket thread gets ten
 * requests a second at most, one at a time. All waiting clients share one promise and one timer.
 */
import type { HttpSnapshot } from './snapshot.ts';

/** How long a snapshot is reused. */
const FRESH_MS = 100;

export interface Seen {
  snapshot: HttpSnapshot;
  /** From the request to the answer: the current delay of the socket thread. */
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
  /** A request is under way; a stuck thread gets no second one. */
  #isAsked = false;
  #wait: Wait | undefined;

  /** `ask` sends a request; its answer must be passed to `answered`. */
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

  /** Ends all waits. */
  end(): void {
    this.#tell(undefined);
  }

  /** Undefined if the socket thread does not answer in time: it is stuck. */
  look(): Promise<Seen | undefined> {
    if (performance.now() - this.#seenAtMs < FRESH_MS) return Promise.resolve(this.#seen);
    this.#wait ??= this.#startWait();
    this.#askOnce();
    return this.#wait.done;
  }

  /** Later clients share the deadline of the first: the request is equally old for all of them. */
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
