/**
 * Deadlines of one kind: each member has the same time from when it was added, so the oldest expires first and one
 * timer is enough. Without members there is no timer, so an idle server does not wake up.
 *
 * The event loop runs timers before it polls for input. After a time in which the process did not run (it was stopped,
 * or the machine slept), members may have input that came in time. So when the timer is late, the loop polls once more
 * before anything expires.
 */
const LATE_MS = 1;

export class Deadlines<Member> {
  readonly #limitMs: () => number;
  readonly #expire: (member: Member) => void;
  /** When each was added, oldest first. */
  readonly #since = new Map<Member, number>();
  #timer: NodeJS.Timeout | undefined;

  /** The limit is read at every use; 0 means that nothing expires. `expire` may add the member again. */
  constructor(limitMs: () => number, expire: (member: Member) => void) {
    this.#limitMs = limitMs;
    this.#expire = expire;
  }

  /** Starts the member's time, or restarts it if it is running. */
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
    // The map is usually empty, and even then `delete` costs something.
    if (this.#since.size > 0) this.#since.delete(member);
  }

  /** The limit has changed: for members whose time is running, from when they were added. */
  limitChanged(): void {
    clearTimeout(this.#timer);
    if (this.#limitMs() === 0) this.#since.clear();
    this.#timer = this.#since.size === 0 ? undefined : this.#startTimer(0);
  }

  #startTimer(waitMs: number): NodeJS.Timeout {
    const ms = Math.max(1, Math.ceil(waitMs));
    const dueMs = performance.now() + ms;
    const timer: NodeJS.Timeout = setTimeout(() => {
      if (performance.now() > dueMs + LATE_MS) setImmediate(() => this.#sweep(timer));
      else this.#sweep(timer);
    }, ms);
    return timer.unref();
  }

  #sweep(timer: NodeJS.Timeout): void {
    // Another has taken its place while the loop polled.
    if (timer !== this.#timer) return;
    // The expired timer stays in `#timer` until the end, so that a member added meanwhile starts no second one.
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
