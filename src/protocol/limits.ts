/**
 * What the contract limits, whoever serves it.
 */

/** The name of a user: 1 to so many bytes of UTF-8. */
export const USER_BYTES_MAX = 128;
