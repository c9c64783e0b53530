/**
 * Judges the usual line where it lies, in 4-byte words, without looking for its end first:
 *
 *     {"user":"NAME","action":"buy","amount":123}      and with ,"wait":true before the brace
 *
 * with a NAME of 1 to 128 printable ASCII characters without escapes, and 1 to 9 digits. The name is hashed on
 * the way. Whatever is not exactly that is no error: it goes the general way (json.ts), which must give the
 * same verdict on every line that is taken here.
 */
import { USER_BYTES_MAX } from '../engine/directory.ts';
import { type Desk, HASH_SEED, hashEnd, hashWord, type Judgement } from './judgement.ts';

const QUOTE = 0x22;
const DIGITS_MAX = 9;

// Words as they lie in memory, least significant byte first.
const USER_1 = 0x7375227b; // {"us
const USER_2 = 0x3a227265; // er":
const ACTION_1 = 0x6361222c; // ,"ac
const ACTION_2 = 0x6e6f6974; // tion
const BUY_1 = 0x62223a22; // ":"b
const BUY_2 = 0x2c227975; // uy",
const BUY_3 = 0x6f6d6122; // "amo
const BUY_4 = 0x22746e75; // unt"
const SELL_1 = 0x73223a22; // ":"s
const SELL_2 = 0x226c6c65; // ell"
const SELL_3 = 0x6d61222c; // ,"am
const SELL_4 = 0x746e756f; // ount
const SELL_5 = 0x3a22; // ":
const WAIT_1 = 0x6177222c; // ,"wa
const WAIT_2 = 0x3a227469; // it":
const WAIT_3 = 0x65757274; // true

/** A bit in every byte of a word, and the highest bit of each. */
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/**
 * Judges the line at `at`; nothing at or behind `end` belongs to it. Returns where the next line starts, or 0 if
 * this one is not usual, or not complete.
 */
export function judgeUsual(desk: Desk, at: number, end: number, judgement: Judgement): number {
  const view = desk.view;
  if (view.getInt32(at, true) !== USER_1 || view.getInt32(at + 4, true) !== USER_2) return 0;
  if (view.getUint8(at + 8) !== QUOTE) return 0;

  const nameAt = at + 9;
  let next = nameAt;
  let hash = HASH_SEED;
  for (;;) {
    const word = view.getInt32(next, true);
    // The high bit of each byte that is a quote, a backslash, a control character, or not ASCII. A byte above
    // a flagged one may be flagged wrongly (the borrow), so only the lowest flag counts.
    const quotes = word ^ 0x22222222;
    const slashes = word ^ 0x5c5c5c5c;
    const flags =
      (((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes) | ((word - 0x20202020) & ~word) | word) &
      HIGHS;
    if (flags === 0) {
      hash = hashWord(hash, word);
      next += 4;
      if (next - nameAt > USER_BYTES_MAX) return 0;
      continue;
    }
    const lowBits = 31 - Math.clz32(flags & -flags) - 7;
    if (((word >>> lowBits) & 0xff) !== QUOTE) return 0;
    if (lowBits > 0) hash = hashWord(hash, word & ((1 << lowBits) - 1));
    next += lowBits >> 3;
    break;
  }
  const nameBytes = next - nameAt;
  if (nameBytes === 0 || nameBytes > USER_BYTES_MAX) return 0;

  // next is at the quote that ends the name.
  if (view.getInt32(next + 1, true) !== ACTION_1 || view.getInt32(next + 5, true) !== ACTION_2) return 0;
  const action = view.getInt32(next + 9, true);
  const isBuy = action === BUY_1;
  if (isBuy) {
    if (view.getInt32(next + 13, true) !== BUY_2 || view.getInt32(next + 17, true) !== BUY_3) return 0;
    if (view.getInt32(next + 21, true) !== BUY_4 || view.getUint8(next + 25) !== 0x3a) return 0;
    next += 26;
  } else {
    if (action !== SELL_1 || view.getInt32(next + 13, true) !== SELL_2) return 0;
    if (view.getInt32(next + 17, true) !== SELL_3 || view.getInt32(next + 21, true) !== SELL_4) return 0;
    if (view.getUint16(next + 25, true) !== SELL_5) return 0;
    next += 27;
  }

  let amount = view.getUint8(next) - 0x30;
  if (amount < 1 || amount > 9) return 0;
  const digitsEnd = next + DIGITS_MAX;
  let byte = view.getUint8(++next);
  while (byte >= 0x30 && byte <= 0x39) {
    if (next === digitsEnd) return 0;
    amount = amount * 10 + byte - 0x30;
    byte = view.getUint8(++next);
  }

  let isWaiting = false;
  if (byte === 0x2c) {
    if (view.getInt32(next, true) !== WAIT_1 || view.getInt32(next + 4, true) !== WAIT_2) return 0;
    if (view.getInt32(next + 8, true) !== WAIT_3) return 0;
    isWaiting = true;
    next += 12;
    byte = view.getUint8(next);
  }
  if (byte !== 0x7d) return 0;
  byte = view.getUint8(++next);
  if (byte === 0x0d) byte = view.getUint8(++next);
  // Bytes behind the end are left over from other chunks and may look like anything.
  if (byte !== 0x0a || next >= end) return 0;

  judgement.nameAt = nameAt;
  judgement.nameBytes = nameBytes;
  judgement.hash = hashEnd(hash, nameBytes);
  judgement.amount = isBuy ? amount : -amount;
  judgement.isWaiting = isWaiting;
  return next + 1;
}
