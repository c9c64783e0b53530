/**
 * The result of parsing a line: its kind, and for events, transfers and requests for a balance, what they say.
 */

/** The kind of a line. */
export const Kind = {
  event: 0,
  balance: 1,
  metrics: 2,
  metricsDetail: 3,
  health: 4,
  debug: 5,
  invalidJson: 6,
  invalidEvent: 7,
  unknownType: 8,
  transfer: 9,
  auth: 10,
  admin: 11,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * The socket thread has one object: the parsers fill it in, and it is valid until the next line is parsed. `nameAt`
 * points to the name in the read buffer, in its line or decoded.
 */
export interface ParsedRequest {
  nameAt: number;
  nameBytes: number;
  /** The hash of the name; int32. */
  hash: number;
  /** What the event adds to the balance; signed. Of a transfer: what it takes from the user. */
  amount: number;
  /** What else the event wants: bits of `Wants`; 0 for the usual one. */
  wants: number;
  /** The hash of the id, if it has one: four words. */
  readonly id: Int32Array;
  /** The lowest balance that it may leave, if it has a `min`. */
  min: number;
  /** Of a transfer: the other user. */
  readonly to: { nameAt: number; nameBytes: number; hash: number };
}

/** Bits of `wants`; `fresh`: of a request for a balance, that no event accepted anywhere before it is missing. */
export const Wants = { wait: 1, id: 2, min: 4, fresh: 8 } as const;

export function emptyRequest(): ParsedRequest {
  const name = { nameAt: 0, nameBytes: 0, hash: 0 };
  return { ...name, amount: 0, wants: 0, id: new Int32Array(4), min: 0, to: { ...name } };
}
