/**
 * Decides what the usual event never needs: whether an id was there before, whether a balance would be too low, and
 * what becomes of each half of a transfer. The worker that owns the user decides, in the order of its events; whoever
 * reads a journal decides the same again.
 */
import { Outcome } from '../protocol/outcome.ts';
import { ExtraFloat, ExtraKind, type ExtraViews, ExtraWord, HAS_ID, KIND_MASK } from './extra.ts';
import type { Ids } from './ids.ts';

/** Balances go from −(2^53−1) to 2^53−1, so a float64 holds each of them exactly. */
export const BALANCE_MAX = Number.MAX_SAFE_INTEGER;
/** An answer from here on is no balance, but an outcome that many times. */
const REFUSED = 2 ** 53;

/** The answer that says that an event was not applied, and why. */
export function refusal(outcome: Outcome): number {
  return outcome * REFUSED;
}

/** `Outcome.accepted` if the answer is a balance. */
export function outcomeOf(answer: number): Outcome {
  return answer < REFUSED ? Outcome.accepted : ((answer / REFUSED) as Outcome);
}

/** The answer when the event would have taken the balance out of its range. */
export const OVERFLOWED = refusal(Outcome.balanceOverflow);
const INSUFFICIENT = refusal(Outcome.insufficientBalance);
const REUSED = refusal(Outcome.idReused);
const BUSY = refusal(Outcome.serverBusy);

/** Events by what became of them. */
export interface Decided {
  processed: number;
  overflowed: number;
  insufficient: number;
  reused: number;
  duplicate: number;
  idsFull: number;
}

/**
 * Decides the event of a rich slot, applies it if it is to be, and counts it. `at` is the place of its extra, in words.
 * Returns its answer.
 */
export function decide(
  balances: Float64Array,
  ids: Ids,
  user: number,
  amount: number,
  extras: ExtraViews,
  at: number,
  nowMs: number,
  decided: Decided,
): number {
  const kind = extras.words[at + ExtraWord.kind]!;
  if ((kind & KIND_MASK) >= ExtraKind.credit)
    return giveBack(balances, ids, user, amount, extras, at, decided);
  if ((kind & HAS_ID) === 0) return apply(balances, user, amount, extras, at, decided);
  if (ids.find(user, extras, at)) {
    if (ids.isSame(amount, extras, at)) {
      decided.duplicate += 1;
      return ids.answer;
    }
    decided.reused += 1;
    return REUSED;
  }
  if (ids.isFull) {
    decided.idsFull += 1;
    return BUSY;
  }
  const answer = apply(balances, user, amount, extras, at, decided);
  ids.add(user, amount, extras, at, answer, nowMs);
  return answer;
}

function apply(
  balances: Float64Array,
  user: number,
  amount: number,
  extras: ExtraViews,
  at: number,
  decided: Decided,
): number {
  const sum = balances[user]! + amount;
  if (sum < extras.floats[at / 2 + ExtraFloat.min]!) {
    decided.insufficient += 1;
    return INSUFFICIENT;
  }
  const isTransfer = (extras.words[at + ExtraWord.kind]! & KIND_MASK) === ExtraKind.transfer;
  const other = extras.words[at + ExtraWord.other]!;
  const isOver =
    sum > BALANCE_MAX || sum < -BALANCE_MAX || (isTransfer && balances[other]! - amount > BALANCE_MAX);
  if (isOver) {
    decided.overflowed += 1;
    return OVERFLOWED;
  }
  balances[user] = sum;
  if (isTransfer) balances[other] = balances[other]! - amount;
  decided.processed += 1;
  return sum;
}

/** The later halves of a transfer between two lanes. They are no events; the first half was counted. */
function giveBack(
  balances: Float64Array,
  ids: Ids,
  user: number,
  amount: number,
  extras: ExtraViews,
  at: number,
  decided: Decided,
): number {
  const kind = extras.words[at + ExtraWord.kind]!;
  const isRefund = (kind & KIND_MASK) === ExtraKind.refund;
  // The transfer was refused, whether there is room for what comes back or not yet.
  if (isRefund && (kind & HAS_ID) !== 0 && ids.find(user, extras, at)) {
    if (ids.isOf(extras.floats[at / 2 + ExtraFloat.number]!)) ids.answer = OVERFLOWED;
  }
  const sum = balances[user]! + amount;
  if (sum > BALANCE_MAX) return OVERFLOWED;
  balances[user] = sum;
  if (!isRefund) return sum;
  decided.processed -= 1;
  decided.overflowed += 1;
  return sum;
}
