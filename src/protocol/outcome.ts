/**
 * What became of an event. Each outcome has a fixed reply of the same number (replies.ts).
 */
export const Outcome = {
  accepted: 0,
  serverBusy: 1,
  tooManyUsers: 2,
  shuttingDown: 3,
  balanceOverflow: 4,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
