/**
 * The limits of the contract, which hold for every server.
 */

/** The longest name of a user, in bytes of UTF-8; the shortest has 1. */
export const USER_BYTES_MAX = 128;

/** Balances range from −(2^53−1) to 2^53−1, so a float64 holds each of them exactly. */
export const BALANCE_MAX = Number.MAX_SAFE_INTEGER;
