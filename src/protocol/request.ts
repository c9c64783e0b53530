/**
 * What the parsers make of a line: what kind it is, and for events and requests for a balance, whose and how much.
 */

/** What a line is. */
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
 * One object serves the whole socket thread: the parsers fill it in, and it is valid until the next line is parsed.
 * The name is where it lies in the read buffer, or where it was decoded.
 */
export interface ParsedRequest {
  nameAt: number;
  nameBytes: number;
  /** Of the name; int32. */
  hash: number;
  /** Signed: what the event adds to the balance. */
  amount: number;
  isWaiting: boolean;
}

export function emptyRequest(): ParsedRequest {
  return { nameAt: 0, nameBytes: 0, hash: 0, amount: 0, isWaiting: false };
}
