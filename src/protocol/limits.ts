/**
 * What the contract limits, whoever serves it.
 */

/** The name of a user: 1 to so many bytes of UTF-8. */
export const USER_BYTES_MAX = 128;

/** Balances go from −(2^53−1) to 2^53−1, so a float64 holds each of them exactly. */
export const BALANCE_MAX = Number.MAX_SAFE_INTEGER;
