/**
 * Deadlines of one kind: each member has the same time from when it was added, so the oldest is always first
 * and one timer is enough. With no members there is no timer, and an idle server stays idle.
 */
export class Deadlines<Member> {
  readonly #limitMs: () => number;
  readonly #expire: (member: Member) => void;
  /** When each was added, oldest first. */
  readonly #since = new Map<Member, number>();
  #timer: NodeJS.Timeout | undefined;

  /** The limit is read whenever it counts; with one of 0 nothing expires. `expire` may add the member again. */
  constructor(limitMs: () => number, expire: (member: Member) => void) {
    this.#limitMs = limitMs;
    this.#expire = expire;
  }

  /** Starts the member's time; again, if it was running. */
  restart(member: Member): void {
    const limitMs = this.#limitMs();
    if (limitMs === 0) return;
    this.#since.delete(member);
    this.#since.set(member, performance.now());
    this.#timer ??= this.#startTimer(limitMs);
  }

  /** Starts the member's time unless it is running. */
  start(member: Member): void {
    if (!this.#since.has(member)) this.restart(member);
  }

  clear(member: Member): void {
    // Mostly there is none, and a look into an empty map costs something all the same.
    if (this.#since.size > 0) this.#since.delete(member);
  }

  #startTimer(waitMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(waitMs))).unref();
  }

  #sweep(): void {
    // The timer that has run out stays in its place until the end, so that a member added meanwhile sets none.
    const now = performance.now();
    const limitMs = this.#limitMs();
    let nextMs: number | undefined;
    for (const [member, since] of this.#since) {
      nextMs = since + limitMs - now;
      if (nextMs > 0) break;
      this.#since.delete(member);
      this.#expire(member);
      nextMs = undefined;
    }
    this.#timer = nextMs === undefined ? undefined : this.#startTimer(nextMs);
  }
}
