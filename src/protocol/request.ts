/**
 * The result of parsing a line: its kind, and for events and requests for a balance, the user and the amount.
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
  /** What the event adds to the balance; signed. */
  amount: number;
  isWaiting: boolean;
}

export function emptyRequest(): ParsedRequest {
  return { nameAt: 0, nameBytes: 0, hash: 0, amount: 0, isWaiting: false };
}
