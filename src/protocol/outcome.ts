/**
 * The outcomes of an event. Each has a fixed reply with the same number (replies.ts).
 */
export const Outcome = {
  accepted: 0,
  serverBusy: 1,
  tooManyUsers: 2,
  shuttingDown: 3,
  diskFull: 4,
  // From here on, the owner of the user decides.
  balanceOverflow: 5,
  insufficientBalance: 6,
  idReused: 7,
  // Before it. The numbers above are in journals, so this one comes behind them.
  rateLimited: 8,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
