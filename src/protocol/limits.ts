/**
 * The limits of the contract, which hold for every server.
 */

/** The longest name of a user, in bytes of UTF-8; the shortest has 1. */
export const USER_BYTES_MAX = 128;
/** The same for the id of an event. */
export const ID_BYTES_MAX = 64;
