/**
 * The limit on the events of each user: a token bucket in integers (https://en.wikipedia.org/wiki/Token_bucket).
 *
 * All buckets fill at one rate, so one clock is enough for them: it counts what has come into each since the start, in
 * thousandths of an event. With the rate in events a second and the time in milliseconds, that is a product of two
 * integers. Of each user one number is kept: at which count its bucket is full. So an event costs one look into memory
 * and a comparison; what depends on the time, and on the settings, is computed once for many events. A bucket that was
 * never used is full, as the zeros say with which the array begins.
 *
 * Even at the highest rate the count is exact for ten days, and to a ten-millionth afterwards.
 */
const EVENT = 1_000;

/** The settings, which may change. */
export interface UserRates {
  /** Events a second. Where it is 0, there is no limit, and nobody may be asked about. */
  readonly rateUser: number;
  /** How long a user may have saved its events up. */
  readonly rateBurstMs: number;
}

export class UserLimits {
  readonly #rates: UserRates;
  /** Of each user: at which count its bucket is full. */
  readonly #fullAt: Float64Array;
  #nowMs = 0;
  #count = 0;
  /** A bucket that is full after this count is empty now. */
  #last = 0;
  /** Whose bucket an event was taken from last. */
  #taker = 0;

  constructor(rates: UserRates, usersMax: number) {
    this.#rates = rates;
    this.#fullAt = new Float64Array(usersMax);
  }

  /** Whole milliseconds since any fixed time; to be called before the first event, and once for many. */
  setTime(nowMs: number): void {
    const { rateUser, rateBurstMs } = this.#rates;
    this.#count += (nowMs - this.#nowMs) * rateUser;
    this.#nowMs = nowMs;
    // One event fits into every bucket, however small.
    this.#last = this.#count + Math.max(EVENT, rateUser * rateBurstMs);
  }

  /** Whether the user may have one more event now, which is then taken from its bucket. */
  take(user: number): boolean {
    const fullAt = Math.max(this.#count, this.#fullAt[user]!) + EVENT;
    if (fullAt > this.#last) return false;
    this.#fullAt[user] = fullAt;
    this.#taker = user;
    return true;
  }

  /** The event that was just taken did not happen. */
  giveBack(): void {
    this.#fullAt[this.#taker]! -= EVENT;
  }
}
