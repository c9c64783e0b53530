/**
 * The HTTP thread's side of the views: however many look at once, and however often, the socket thread is asked ten
 * times a second at most, and one question at a time is under way.
 */
import type { View } from './view.ts';

/** A view is shown again for so long. */
const FRESH_MS = 100;

export interface Seen {
  view: View;
  /** From the question to the answer: the socket thread's own delay, just now. */
  answerMs: number;
}

export class Asking {
  readonly #ask: () => void;
  readonly #deadlineMs: number;
  #seen: Seen | undefined;
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = 0;
  /** A question is under way; a thread that is stuck is asked no second one. */
  #isAsked = false;
  #waiting: ((seen: Seen | undefined) => void)[] = [];

  /** `ask` sends the question; the answer comes to `answered`. */
  constructor(ask: () => void, deadlineMs: number) {
    this.#ask = ask;
    this.#deadlineMs = deadlineMs;
  }

  answered(view: View): void {
    this.#isAsked = false;
    this.#seenAtMs = performance.now();
    this.#seen = { view, answerMs: this.#seenAtMs - this.#askedAtMs };
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell(this.#seen);
  }

  /** Undefined if the socket thread gives no answer in time: it is stuck. */
  look(): Promise<Seen | undefined> {
    if (performance.now() - this.#seenAtMs < FRESH_MS) return Promise.resolve(this.#seen);
    return new Promise(resolve => {
      const late = setTimeout(() => {
        this.#waiting = this.#waiting.filter(tell => tell !== told);
        resolve(undefined);
      }, this.#deadlineMs);
      const told = (seen: Seen | undefined) => {
        clearTimeout(late);
        resolve(seen);
      };
      this.#waiting.push(told);
      this.#askOnce();
    });
  }

  #askOnce(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#askedAtMs = performance.now();
    this.#ask();
  }
}
