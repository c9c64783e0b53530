/**
 * Decides which client is served when, so that flooding clients delay the others by one turn of the event loop at most.
 *
 * Small input is always served when it arrives. Large input is too, until the turn's time is spent; the rest is
 * queued until the event loop has polled for new input again. The clock is read only if there is large input, so
 * usual, small clients do not pay for it.
 *
 * Replies to large input leave together, after all input of the turn was served. A write to a sleeping client wakes
 * it, which costs more than serving a line does; further writes while it is awake wake nothing. (For small input the
 * delay would cost more than the wake-ups.)
 *
 * Only a few queued clients are admitted at a time. The event loop reads from every client that was visited before
 * the next turn begins: if all were admitted, 200 flooding clients would bring 13 MB to read before any other client
 * is served.
 */
/** Input of up to so many bytes is small. */
export const SMALL_BYTES = 4_096;
const INSIDE_MAX = 16;
/** Visits after which a client that still has input goes back to the end of the queue. */
const VISITS_MAX = 32;

/** The part of a turn reserved for visits, however long the event loop took before them. */
const VISITS_SHARE_MIN = 0.25;
const SEND_MS_MAX = 0.25;
const SENDS_REMEMBERED = 8;

/** The pause before input that will only be dropped is read: the other clients come first. */
const LAST_MS = 50;

export interface Visited {
  takeTurn(): void;
}

export interface Sender {
  /** Writes the replies kept for the end of the turn. */
  sendKept(): void;
}

export class Scheduler {
  readonly #limits: { readonly turnMsMax: number };
  readonly #collect: () => void;
  readonly #queue = new Set<Visited>();
  /** The admitted clients, and the visits that each has left. */
  readonly #inside = new Map<Visited, number>();
  /** The admitted clients that want a visit. */
  readonly #eager = new Set<Visited>();
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
    if (bytes <= SMALL_BYTES) return true;
    // Others wait already: behind them.
    if (this.#queue.size > 0 || this.#eager.size > 0) return false;
    this.#arm();
    return !this.#isSpent;
  }

  /** Asks for a visit; asking twice changes nothing. */
  wait(visited: Visited): void {
    if (this.#inside.has(visited)) this.#eager.add(visited);
    else this.#queue.add(visited);
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
    this.#queue.delete(visited);
    this.#inside.delete(visited);
    this.#eager.delete(visited);
    this.#last.delete(visited);
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
    this.#letOut();
    this.#letIn();
    // Who asks again meanwhile is visited in the next turn, after those for whom there was no time in this one.
    for (const visited of [...this.#eager]) {
      if (this.#isSpent) break;
      if (!this.#eager.delete(visited)) continue;
      // A worker's message would be handled in the next turn only.
      this.#collect();
      this.#inside.set(visited, this.#inside.get(visited)! - 1);
      visited.takeTurn();
    }
    this.#collect();
    this.#sendKept();
    this.#isArmed = this.#queue.size > 0 || this.#inside.size > 0 || this.#senders.length > 0;
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

  /** Removes the admitted clients that want no visit; queues those that have used up their visits again. */
  #letOut(): void {
    for (const [visited, visitsLeft] of this.#inside) {
      if (visitsLeft > 0 && this.#eager.has(visited)) continue;
      this.#inside.delete(visited);
      if (this.#eager.delete(visited)) this.#queue.add(visited);
    }
  }

  #letIn(): void {
    for (const visited of this.#queue) {
      if (this.#inside.size >= INSIDE_MAX) return;
      this.#queue.delete(visited);
      this.#inside.set(visited, VISITS_MAX);
      this.#eager.add(visited);
    }
  }

  #admitLast(): void {
    this.#lastTimer = undefined;
    for (const visited of this.#last) this.wait(visited);
    this.#last.clear();
  }
}
