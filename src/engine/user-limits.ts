/**
 * The limit on the events of each user: a token bucket in integers (https://en.wikipedia.org/wiki/Token_bucket).
 *
 * A bucket has two numbers, side by side: thousandths of an event that it holds, and when it was last filled. With the
 * rate in events a second and the time in milliseconds, what comes in is a product of two integers. A bucket that was
 * never used is full; the arrays begin with zeros, so what is kept is what the bucket lacks.
 */
const EVENT = 1_000;

/** The settings, which may change. */
export interface UserRates {
  /** Events a second; 0: no limit. It is read at every use. */
  readonly rateUser: number;
  /** How long a user may have saved its events up. */
  readonly rateBurstMs: number;
}

export class UserLimits {
  readonly #rates: UserRates;
  /** Of each user: what its bucket lacks, and since when. */
  readonly #buckets: Float64Array;
  #nowMs = 0;
  /** Whose bucket an event was taken from last. */
  #last = 0;

  constructor(rates: UserRates, usersMax: number) {
    this.#rates = rates;
    this.#buckets = new Float64Array(2 * usersMax);
  }

  /** Whole milliseconds since any fixed time; called once for many events. */
  setTime(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Whether the user may have one more event now, which is then taken from its bucket. */
  take(user: number): boolean {
    const { rateUser, rateBurstMs } = this.#rates;
    if (rateUser === 0) return true;
    const buckets = this.#buckets;
    const now = this.#nowMs;
    const lacking = Math.max(0, buckets[2 * user]! - (now - buckets[2 * user + 1]!) * rateUser);
    buckets[2 * user + 1] = now;
    // One event fits into every bucket, however small.
    const isAllowed = lacking === 0 || lacking + EVENT <= rateUser * rateBurstMs;
    buckets[2 * user] = isAllowed ? lacking + EVENT : lacking;
    this.#last = user;
    return isAllowed;
  }

  /** The event that was just taken did not happen. */
  giveBack(): void {
    if (this.#rates.rateUser === 0) return;
    this.#buckets[2 * this.#last]! -= EVENT;
  }
}
