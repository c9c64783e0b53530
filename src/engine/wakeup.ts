/**
 * How a worker rests, and how the socket thread wakes it: no lost wake-up, and no system call per event.
 *
 * Waking a sleeping thread costs more than an event does. So a worker without work first *naps*: a few short timed
 * waits, during which the producer need not notify it. If it still has no work, it *parks*. The producer notifies a
 * worker only if it is parked, or if it naps and the notification is urgent; and once a rest at most: each rest has
 * its own ticket, and the producer remembers the last one it notified.
 *
 * Why no wake-up is lost: the worker loads the bell, stores its rest word, loads the tail, then waits on the bell,
 * expecting the value that it loaded first. The producer stores the tail, then loads the rest word. `Atomics` are
 * sequentially consistent, so of the two stores one comes second, and the load that follows it sees the other store:
 * either the worker finds the work, or the producer finds the worker resting and changes the bell, and then the wait,
 * which expects the old value, returns at once.
 */
import { Word } from './words.ts';

const Rest = { awake: 0, napping: 1, parked: 2 } as const;
const KIND_MASK = 3;
const TICKET_STEP = 4;

const NAP_MS = 4;
const NAPS_MAX = 2;
/** A parked worker still checks for work at this interval; if it ever finds any, a wake-up was lost, and is counted. */
const PARK_MS = 1000;
const LATE_NOTIFY_MS = 50;

/** The socket thread's side. */
export class Bell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  #bell: number;
  #notifiedFor = -1;

  constructor(words: Int32Array<SharedArrayBuffer>) {
    this.#words = words;
    this.#bell = Atomics.load(words, Word.bell);
  }

  /**
   * Call after publishing work. Wakes a parked worker; if `urgent`, a napping one too. Never blocks; costs one load
   * when the worker is awake.
   */
  notify(urgent: boolean): void {
    const rest = Atomics.load(this.#words, Word.rest);
    const kind = rest & KIND_MASK;
    if (kind === Rest.awake || rest === this.#notifiedFor || (kind === Rest.napping && !urgent)) return;
    this.#notifiedFor = rest;
    this.#bell = (this.#bell + 1) | 0;
    Atomics.store(this.#words, Word.bell, this.#bell);
    Atomics.notify(this.#words, Word.bell, 1);
  }
}

/** The worker's side. */
export class Rester {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #hasWork: () => boolean;
  #ticket: number;
  #naps = 0;

  /** `hasWork` must load, with `Atomics`, every word that the producer changes before it notifies. */
  constructor(words: Int32Array<SharedArrayBuffer>, hasWork: () => boolean) {
    this.#words = words;
    this.#hasWork = hasWork;
    // A successor continues the tickets of the worker it replaces, so that none is used twice.
    this.#ticket = Atomics.load(words, Word.rest) & ~KIND_MASK;
  }

  /** Call after work was done: the next rest is a nap again. */
  worked(): void {
    this.#naps = 0;
  }

  /** Rests once; blocks. Returns when there may be work. */
  waitForWork(): void {
    if (this.#naps < NAPS_MAX) {
      this.#naps += 1;
      this.#rest(Rest.napping, NAP_MS);
      Atomics.store(this.#words, Word.naps, (Atomics.load(this.#words, Word.naps) + 1) | 0);
    } else {
      Atomics.store(this.#words, Word.parks, (Atomics.load(this.#words, Word.parks) + 1) | 0);
      this.#rest(Rest.parked, PARK_MS);
    }
  }

  #rest(kind: number, waitMs: number): void {
    const bell = Atomics.load(this.#words, Word.bell);
    this.#ticket = (this.#ticket + TICKET_STEP) | 0;
    // The store comes before the load of the tail: see the head comment.
    Atomics.store(this.#words, Word.rest, this.#ticket | kind);
    const slept = this.#hasWork() ? 'not-equal' : Atomics.wait(this.#words, Word.bell, bell, waitMs);
    if (slept === 'timed-out' && kind === Rest.parked && this.#hasWork()) this.#awaitNotify(bell);
    Atomics.store(this.#words, Word.rest, this.#ticket | Rest.awake);
  }

  /**
   * The wait timed out and there is work. The producer may be between publishing and loading the rest word, which
   * must therefore still say parked: then its notification arrives during this wait. If none arrives, it was lost.
   */
  #awaitNotify(bell: number): void {
    if (Atomics.wait(this.#words, Word.bell, bell, LATE_NOTIFY_MS) !== 'timed-out') return;
    Atomics.store(this.#words, Word.lateWakes, (Atomics.load(this.#words, Word.lateWakes) + 1) | 0);
  }
}
