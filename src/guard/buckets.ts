/**
 * Token buckets of connections, addresses and tokens, in integers (https://en.wikipedia.org/wiki/Token_bucket).
 *
 * A bucket says what it lacks, in thousandths of an event: with a rate in events a second and the time in milliseconds,
 * what comes in is a product of two integers. It is looked at once for all events that a client has sent, so that an
 * event costs no more than a number that is counted down.
 */
const EVENT = 1_000;

export class Bucket {
  /** What it lacks, in thousandths of an event, at that time. */
  #lacking = 0;
  #atMs = 0;

  /** How many events may pass now; `rate` is events a second, and `burstMs` how long they may be saved up. */
  permits(rate: number, burstMs: number, nowMs: number): number {
    this.#lacking = Math.max(0, this.#lacking - (nowMs - this.#atMs) * rate);
    this.#atMs = nowMs;
    // One event fits into every bucket, however small.
    const size = Math.max(EVENT, rate * burstMs);
    return Math.max(0, Math.floor((size - this.#lacking) / EVENT));
  }

  take(events: number): void {
    this.#lacking += events * EVENT;
  }

  /** It lacks nothing, so a new one would be the same. */
  isFull(rate: number, nowMs: number): boolean {
    return this.#lacking - (nowMs - this.#atMs) * rate <= 0;
  }
}

/** What clients that have something in common share. */
export class Shared extends Bucket {
  readonly key: string;
  /** Clients that are connected. */
  clients = 0;

  constructor(key: string) {
    super();
    this.key = key;
  }
}

/** Buckets that nobody uses now are kept until they are full, so that to connect again gives no new one. */
const UNUSED_MAX = 65_536;

export class Buckets {
  readonly #all = new Map<string, Shared>();
  /** Those without clients, in the order in which these have left. */
  readonly #unused = new Map<string, Shared>();

  get(key: string): Shared | undefined {
    return this.#all.get(key);
  }

  /** One more client shares the bucket of `key`. */
  join(key: string): Shared {
    let shared = this.#all.get(key);
    if (shared === undefined) {
      shared = new Shared(key);
      this.#all.set(key, shared);
    }
    shared.clients += 1;
    this.#unused.delete(key);
    return shared;
  }

  /** The client has gone. */
  leave(shared: Shared, rate: number, nowMs: number): void {
    shared.clients -= 1;
    if (shared.clients > 0) return;
    if (shared.isFull(rate, nowMs)) {
      this.#all.delete(shared.key);
      return;
    }
    this.#unused.set(shared.key, shared);
    // The oldest are probably full by now.
    for (const [key, oldest] of this.#unused) {
      if (this.#unused.size <= UNUSED_MAX && !oldest.isFull(rate, nowMs)) break;
      this.#unused.delete(key);
      this.#all.delete(key);
    }
  }

  /** For tests: how many there are. */
  get size(): number {
    return this.#all.size;
  }
}
