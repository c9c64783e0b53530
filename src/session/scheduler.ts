/**
 * Decides which client is served when, so that flooding clients delay the others by one turn of the event loop at most.
 *
 * Input is served when it arrives, until the turn's time is spent. The rest waits until the event loop has polled for
 * new input again, and what comes meanwhile waits too: who asks for little is visited first (see waiting-list.ts). The
 * clock is read only after much input, so usual, small clients pay for a subtraction.
 *
 * Replies to large input leave together, after all input of the turn was served. A write to a sleeping client wakes
 * it, which costs more than serving a line does; further writes while it is awake wake nothing. (For small input the
 * delay would cost more than the wake-ups; where the visits of a turn follow one another, only for little.)
 */
import { type Place, WaitingList } from './waiting-list.ts';

/** Input of up to so many bytes is small. */
export const SMALL_BYTES = 4_096;
/** Input of up to so many bytes that waited for its turn is answered before the end of it. */
export const LITTLE_BYTES = 512;
/** So much may be served before the clock is read: less than a millisecond of work. */
const UNTIMED_BYTES = 65_536;
/** What reading one input and replying to it cost, in bytes of lines. */
const INPUT_BYTES = 1_024;

/** The part of a turn reserved for visits, however long the event loop took before them. */
const VISITS_SHARE_MIN = 0.25;
const SEND_MS_MAX = 0.25;
const SENDS_REMEMBERED = 8;

/** The pause before input that will only be dropped is read: the other clients come first. */
const LAST_MS = 50;

export interface Visited {
  /** In the scheduler's list. */
  readonly place: Place<Visited>;
  takeTurn(): void;
}

export interface Sender {
  /** Writes the replies kept for the end of the turn. */
  sendKept(): void;
}

export class Scheduler {
  readonly #limits: { readonly turnMsMax: number };
  readonly #collect: () => void;
  readonly #queue = new WaitingList<Visited>();
  /** May be served before the clock is read. Nothing while somebody waits. */
  #untimedBytes = UNTIMED_BYTES;
  /** Clients that are queued after a pause. */
  readonly #last = new Set<Visited>();
  #lastTimer: NodeJS.Timeout | undefined;
  /** Reply queues with replies that leave at the end of the turn. */
  #senders: Sender[] = [];
  /** A moving average of the time that one sender takes. */
  #sendMs = 0;
  #startMs = 0;
  #isArmed = false;

  /** `collect` delivers the workers' answers that are ready; cheap if there are none. */
  constructor(limits: { readonly turnMsMax: number }, collect: () => void = () => {}) {
    this.#limits = limits;
    this.#collect = collect;
  }

  /** Whether input of so many bytes is served at once; otherwise the caller asks for a visit. */
  mayServe(bytes: number): boolean {
    this.#untimedBytes -= bytes + INPUT_BYTES;
    return this.#untimedBytes >= 0 || this.#hasTime();
  }

  /** Asks for a visit to serve input of so many bytes; asking twice changes nothing. */
  wait(visited: Visited, bytes: number): void {
    this.#queue.add(visited.place, bytes);
    this.#untimedBytes = 0;
    this.#arm();
  }

  /** Asks for a visit after a pause, behind all who wait by then. */
  waitLast(visited: Visited): void {
    this.#last.add(visited);
    this.#lastTimer ??= setTimeout(() => this.#admitLast(), LAST_MS).unref();
  }

  /** `sendKept` is called after the input of this turn was served. */
  sendLater(sender: Sender): void {
    this.#senders.push(sender);
    this.#arm();
  }

  leave(visited: Visited): void {
    this.#queue.delete(visited.place);
    this.#last.delete(visited);
  }

  #hasTime(): boolean {
    // Others wait already: behind them.
    if (this.#queue.size > 0) return false;
    this.#arm();
    if (this.#isSpent) return false;
    this.#untimedBytes = UNTIMED_BYTES;
    return true;
  }

  /** Whether the time of the turn is spent, including the time to send the replies at its end. */
  get #isSpent(): boolean {
    const toSendMs = this.#senders.length * this.#sendMs;
    return performance.now() - this.#startMs + toSendMs >= this.#limits.turnMsMax;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#startMs = performance.now();
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#sendKept();
    // The event loop's work since the last turn, mostly reading, is part of this one; but visits keep their share.
    const visitsMs = this.#limits.turnMsMax * VISITS_SHARE_MIN;
    this.#startMs = Math.max(this.#startMs, performance.now() + visitsMs - this.#limits.turnMsMax);
    // As many as wait now, so that who asks again meanwhile can't keep the turn going.
    const waiting = this.#queue.size;
    for (let left = waiting; left > 0 && !this.#isSpent; left--) {
      // A worker's message would be handled in the next turn only.
      this.#collect();
      this.#queue.take()?.takeTurn();
    }
    this.#collect();
    this.#sendKept();
    if (this.#queue.size === 0) this.#untimedBytes = UNTIMED_BYTES;
    // After visits another turn follows: it collects the answers that they asked for.
    this.#isArmed = waiting > 0 || this.#queue.size > 0 || this.#senders.length > 0;
    if (!this.#isArmed) return;
    this.#startMs = performance.now();
    setImmediate(() => this.#turn());
  }

  #sendKept(): void {
    if (this.#senders.length === 0) return;
    const senders = this.#senders;
    this.#senders = [];
    const startMs = performance.now();
    for (const sender of senders) sender.sendKept();
    // Capped: the measured time may include a time when the thread was not scheduled.
    const sendMs = Math.min((performance.now() - startMs) / senders.length, SEND_MS_MAX);
    this.#sendMs += (sendMs - this.#sendMs) / SENDS_REMEMBERED;
  }

  #admitLast(): void {
    this.#lastTimer = undefined;
    for (const visited of this.#last) this.wait(visited, SMALL_BYTES);
    this.#last.clear();
  }
}
