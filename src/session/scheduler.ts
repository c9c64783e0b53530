/**
 * Who is served when: so that clients that flood delay nobody else by more than a turn of the event loop.
 *
 * Small input is always served when it arrives. Large input is, too, until the turn's time is spent; what is left
 * waits in line until after the event loop has looked for new input again. Time is looked at only when there is
 * large input, so the usual small client pays nothing for it.
 *
 * Replies to large input leave together, once all input of the turn was served. A client that sleeps is woken by the
 * first bytes that reach it, which costs more than serving a line does; one that is written to while it is awake, or
 * before it sleeps again, costs nothing. (For small input the wait would cost more than the wake-ups.)
 *
 * From the line a few are let in at a time. Whoever was visited is read from again before the next turn, and the
 * event loop reads all of them in one go: with everybody let in, 200 clients that flood would be 13 MB to read
 * before anybody else is heard.
 */
/** Input of up to so many bytes is small. */
export const SMALL_BYTES = 4_096;
const INSIDE_MAX = 16;
/** Visits before somebody who always wants more goes back to the end of the line. */
const VISITS_MAX = 32;

/** The part of a turn that belongs to visits, however long the event loop took before it. */
const VISITS_SHARE_MIN = 0.25;
const SEND_MS_MAX = 0.25;
const SENDS_REMEMBERED = 8;

/** How long those wait whose input is only thrown away: nobody should wait for that. */
const LAST_MS = 50;

export interface Visited {
  takeTurn(): void;
}

export interface Sender {
  /** Sends what was kept for the end of the turn. */
  sendKept(): void;
}

export class Scheduler {
  readonly #limits: { readonly turnMsMax: number };
  readonly #collect: () => void;
  readonly #line = new Set<Visited>();
  /** Those let in, and how many visits each has left. */
  readonly #inside = new Map<Visited, number>();
  /** Those inside who want a visit. */
  readonly #eager = new Set<Visited>();
  /** Those who get in line after a pause. */
  readonly #last = new Set<Visited>();
  #lastTimer: NodeJS.Timeout | undefined;
  /** Those who have replies that leave at the end of the turn. */
  #senders: Sender[] = [];
  /** What it takes to send those of one sender, as it was lately. */
  #sendMs = 0;
  #startMs = 0;
  #isArmed = false;

  /** `collect` answers those who wait for a worker, if there is an answer; it costs next to nothing. */
  constructor(limits: { readonly turnMsMax: number }, collect: () => void = () => {}) {
    this.#limits = limits;
    this.#collect = collect;
  }

  /** Whether input of so many bytes is served at once; otherwise the caller asks for a visit. */
  mayServe(bytes: number): boolean {
    if (bytes <= SMALL_BYTES) return true;
    // Others wait already: behind them.
    if (this.#line.size > 0 || this.#eager.size > 0) return false;
    this.#arm();
    return !this.#isSpent;
  }

  /** Asks for a visit; asking twice changes nothing. */
  wait(visited: Visited): void {
    if (this.#inside.has(visited)) this.#eager.add(visited);
    else this.#line.add(visited);
    this.#arm();
  }

  /** Gets in line behind everybody else, after a pause. */
  waitLast(visited: Visited): void {
    this.#last.add(visited);
    this.#lastTimer ??= setTimeout(() => this.#admitLast(), LAST_MS).unref();
  }

  /** Has `sendKept` called when the input of this turn was served. */
  sendLater(sender: Sender): void {
    this.#senders.push(sender);
    this.#arm();
  }

  leave(visited: Visited): void {
    this.#line.delete(visited);
    this.#inside.delete(visited);
    this.#eager.delete(visited);
    this.#last.delete(visited);
  }

  /** Replies that leave at the end of the turn take part of it. */
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
    // What the event loop has done since the last turn, mostly reading, is part of this one. But visits there must be.
    const visitsMs = this.#limits.turnMsMax * VISITS_SHARE_MIN;
    this.#startMs = Math.max(this.#startMs, performance.now() + visitsMs - this.#limits.turnMsMax);
    this.#letOut();
    this.#letIn();
    // Whoever asks again while this runs is visited in the next turn; whoever it has no time for, first then.
    for (const visited of [...this.#eager]) {
      if (this.#isSpent) break;
      if (!this.#eager.delete(visited)) continue;
      // A worker's message would only be heard in the next turn.
      this.#collect();
      this.#inside.set(visited, this.#inside.get(visited)! - 1);
      visited.takeTurn();
    }
    this.#collect();
    this.#sendKept();
    this.#isArmed = this.#line.size > 0 || this.#inside.size > 0 || this.#senders.length > 0;
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
    // Not more than it can be: the thread may have been kept from running meanwhile.
    const sendMs = Math.min((performance.now() - startMs) / senders.length, SEND_MS_MAX);
    this.#sendMs += (sendMs - this.#sendMs) / SENDS_REMEMBERED;
  }

  /** Those who want nothing, or have had their visits. */
  #letOut(): void {
    for (const [visited, visitsLeft] of this.#inside) {
      if (visitsLeft > 0 && this.#eager.has(visited)) continue;
      this.#inside.delete(visited);
      if (this.#eager.delete(visited)) this.#line.add(visited);
    }
  }

  #letIn(): void {
    for (const visited of this.#line) {
      if (this.#inside.size >= INSIDE_MAX) return;
      this.#line.delete(visited);
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
