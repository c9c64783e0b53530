/**
 * The outcomes of an event. Each has a fixed reply with the same number (replies.ts).
 */
export const Outcome = {
  accepted: 0,
  serverBusy: 1,
  tooManyUsers: 2,
  shuttingDown: 3,
  diskFull: 4,
  balanceOverflow: 5,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
