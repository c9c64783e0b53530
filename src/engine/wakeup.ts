/**
 * How a worker rests, and how the socket thread wakes it: no lost wake-up, and no system call per event.
 *
 * Waking a sleeper costs more than an event does. So a worker that runs dry first *naps*, a few short timed
 * waits in which the producer owes it nothing, and only when the naps find nothing does it *park*. The producer
 * notifies a parked worker only (or for a napping one when somebody waits for an answer), once a rest: each
 * rest has a ticket, and for a ticket the bell is struck once.
 *
 * Why no wake-up is lost: the worker stores its rest word, then looks at the ring, then waits on the bell it
 * read before. The producer stores the tail, then looks at the rest word. Whichever store came second, that
 * thread's look sees the other's store: either the worker finds the work, or the producer finds the worker
 * resting and changes the bell, and a wait on a bell that has changed returns at once.
 */
import { Word } from './memory-layout.ts';

const Rest = { awake: 0, napping: 1, parked: 2 } as const;
const KIND_MASK = 3;
const TICKET_STEP = 4;

const NAP_MS = 4;
const NAPS_MAX = 2;
/** A parked worker still looks now and then: if it ever finds work so, a wake-up was lost, and that is counted. */
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
   * Call after publishing work. Wakes a parked worker; with `urgent` a napping one too.
   * Never blocks; costs one load when the worker is awake.
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

  /** `hasWork` must load, with `Atomics`, every word whose change the producer notifies of. */
  constructor(words: Int32Array<SharedArrayBuffer>, hasWork: () => boolean) {
    this.#words = words;
    this.#hasWork = hasWork;
    // A successor goes on with the tickets of the worker it replaces, so that none is used twice.
    this.#ticket = Atomics.load(words, Word.rest) & ~KIND_MASK;
  }

  /** Call when there was work: the next rest starts with naps again. */
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
    // The store before the look; see above.
    Atomics.store(this.#words, Word.rest, this.#ticket | kind);
    const slept = this.#hasWork() ? 'not-equal' : Atomics.wait(this.#words, Word.bell, bell, waitMs);
    if (slept === 'timed-out' && kind === Rest.parked && this.#hasWork()) this.#awaitNotify(bell);
    Atomics.store(this.#words, Word.rest, this.#ticket | Rest.awake);
  }

  /**
   * The time ran out and there is work. The producer may be just between publishing and its look at the rest word,
   * which must still say parked: then a notification is on its way, and arrives now. One that was lost does not.
   */
  #awaitNotify(bell: number): void {
    if (Atomics.wait(this.#words, Word.bell, bell, LATE_NOTIFY_MS) !== 'timed-out') return;
    Atomics.store(this.#words, Word.lateWakes, (Atomics.load(this.#words, Word.lateWakes) + 1) | 0);
  }
}
