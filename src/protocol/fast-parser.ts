/**
 * Parses the usual line in place, without searching for its end first:
 *
 *     {"user":"NAME","action":"buy","amount":123}      and with ,"id":"ID" or ,"wait":true or both before the brace
 *
 * with a NAME of 1 to 128 and an ID of 1 to 64 printable ASCII characters without escapes, and 1 to 9 digits. The fixed
 * parts of the line are compared eight bytes at a time, as float64 (`eight`). The name is hashed during the scan. Any other line is
 * left to the JSON parser (json-parser.ts), which must give the same result on every line that is accepted here.
 */
import { type HashSeed, hashEnd, hashWord } from './hash.ts';
import { hashId } from './id-hash.ts';
import { ID_BYTES_MAX, USER_BYTES_MAX } from './limits.ts';
import type { ReadBuffer } from './read-buffer.ts';
import { type ParsedRequest, Wants } from './request.ts';

// Constants of this module: an imported binding is looked up, and checked, at every use.
const nameBytesMax = USER_BYTES_MAX;
const idBytesMax = ID_BYTES_MAX;
const { wait: WAIT, id: ID } = Wants;

const QUOTE = 0x22;
const DIGITS_MAX = 9;

/**
 * The float64 that has these eight characters as its bytes. ASCII text is never NaN or zero, so two such numbers are
 * equal if and only if all their bytes are.
 */
function eight(text: string): number {
  return Buffer.from(text, 'latin1').readDoubleLE();
}

const USER = eight('{"user":');
const ACTION_1 = eight('","actio');
const BUY_2 = eight('n":"buy"');
const BUY_3 = eight(',"amount');
const SELL_2 = eight('n":"sell');
const SELL_3 = eight('","amoun');
const SELL_4 = eight('amount":');
const WAIT_1 = eight(',"wait":');

// Shorter texts as integers, the first byte lowest.
const COLON = 0x3a22; // ":
const ID_1 = 0x6469222c; // ,"id
const ID_2 = 0x223a22; // ":"
const TRUE = 0x65757274; // true
const LINE_END = 0x0a7d; // } and \n
const LINE_END_CR = 0x0a0d; // \r and \n

/** The lowest and the highest bit of every byte of a word. */
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/**
 * Parses the line at `at`, which must end before `end`, as an event. Returns the start of the next line, or 0 if
 * this one is not of the usual form, or not complete.
 */
export type FastParse = (at: number, end: number, request: ParsedRequest) => number;

/** Made once for a server: as long as there is one such function, V8 makes the constants that it captures part of its code. */
export function createFastParser(buffer: ReadBuffer, seed: HashSeed): FastParse {
  const { view } = buffer;
  // Where the id that was just found ends: its quote.
  const idEnd = (at: number): number => {
    for (let next = at; next - at <= idBytesMax; next += 4) {
      const word = view.getInt32(next, true);
      const quotes = word ^ 0x22222222;
      const slashes = word ^ 0x5c5c5c5c;
      const flags =
        (((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes) | ((word - 0x20202020) & ~word) | word) &
        HIGHS;
      if (flags === 0) continue;
      const lowBits = 31 - Math.clz32(flags & -flags) - 7;
      if (((word >>> lowBits) & 0xff) !== QUOTE) return 0;
      const end = next + (lowBits >> 3);
      return end > at && end - at <= idBytesMax ? end : 0;
    }
    return 0;
  };
  const { start, first, second, id: idKey } = seed;
  return (at, end, request) => {
    if (view.getFloat64(at, true) !== USER || view.getUint8(at + 8) !== QUOTE) return 0;

    const nameAt = at + 9;
    let next = nameAt;
    let hash = start;
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
        hash = hashWord(hash, word, first, second);
        next += 4;
        if (next - nameAt > nameBytesMax) return 0;
        continue;
      }
      const lowBits = 31 - Math.clz32(flags & -flags) - 7;
      if (((word >>> lowBits) & 0xff) !== QUOTE) return 0;
      if (lowBits > 0) hash = hashWord(hash, word & ((1 << lowBits) - 1), first, second);
      next += lowBits >> 3;
      break;
    }
    const nameBytes = next - nameAt;
    if (nameBytes === 0 || nameBytes > nameBytesMax) return 0;

    // `next` is at the quote that ends the name.
    if (view.getFloat64(next, true) !== ACTION_1) return 0;
    const isBuy = view.getFloat64(next + 8, true) === BUY_2;
    if (isBuy) {
      if (view.getFloat64(next + 16, true) !== BUY_3 || view.getUint16(next + 24, true) !== COLON) return 0;
      next += 26;
    } else {
      if (view.getFloat64(next + 8, true) !== SELL_2 || view.getFloat64(next + 16, true) !== SELL_3) return 0;
      // The last eight bytes; some of them are compared twice.
      if (view.getFloat64(next + 19, true) !== SELL_4) return 0;
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

    let wants = 0;
    let idAt = 0;
    let idBytes = 0;
    if (byte === 0x2c && view.getInt32(next, true) === ID_1) {
      if ((view.getInt32(next + 4, true) & 0xffffff) !== ID_2) return 0;
      idAt = next + 7;
      next = idEnd(idAt);
      if (next === 0) return 0;
      idBytes = next - idAt;
      wants = ID;
      byte = view.getUint8(++next);
    }
    if (byte === 0x2c) {
      if (view.getFloat64(next, true) !== WAIT_1 || view.getInt32(next + 8, true) !== TRUE) return 0;
      wants |= WAIT;
      next += 12;
    }
    if (view.getUint16(next, true) === LINE_END) {
      next += 1;
    } else {
      if (view.getUint8(next) !== 0x7d || view.getUint16(next + 1, true) !== LINE_END_CR) return 0;
      next += 2;
    }
    // Bytes behind the end are left over from earlier chunks, and may match by chance.
    if (next >= end) return 0;

    request.nameAt = nameAt;
    request.nameBytes = nameBytes;
    request.hash = hashEnd(hash, nameBytes, first);
    request.amount = isBuy ? amount : -amount;
    request.wants = wants;
    if (idBytes > 0) hashId(view, idAt, idBytes, idKey, request.id);
    return next + 1;
  };
}
