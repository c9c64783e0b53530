/**
 * The values of known fields, from the bytes of their JSON.
 */
import { decodeString } from './json-strings.ts';
import { DecodedAt } from './read-buffer.ts';

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** No value, or an invalid one. */
export const INVALID = -1;
/** Integers of up to this many digits are exact in a float64, whatever way their digits are added up. */
const PLAIN_DIGITS_MAX = 15;
const CHOICE_BYTES_MAX = 16;

/** A string of a line: where it is, or where it was decoded to, and its bytes, or INVALID. */
export interface Text {
  at: number;
  bytes: number;
}

export function isSameText(bytes: Buffer, one: Text, other: Text): boolean {
  const end = (text: Text) => text.at + text.bytes;
  return one.bytes === other.bytes && bytes.compare(bytes, other.at, end(other), one.at, end(one)) === 0;
}

export function isNumber(first: number): boolean {
  return first === MINUS || (first >= ZERO && first <= NINE);
}

/** 1 or 0 of a value that begins so, or INVALID. */
export function booleanOf(first: number): number {
  return first === 0x74 ? 1 : first === 0x66 ? 0 : INVALID;
}

/** The index of the string from `from` up to `to`, without its quotes, among the choices, or INVALID. */
export function choiceOf(
  bytes: Buffer,
  choices: readonly Buffer[],
  from: number,
  to: number,
  hasEscape: boolean,
): number {
  let at = from;
  let end = to;
  if (hasEscape) {
    at = DecodedAt.other;
    end = at + decodeString(bytes, from, to, at, CHOICE_BYTES_MAX);
  }
  for (let choice = 0; choice < choices.length; choice++) {
    const name = choices[choice]!;
    if (name.length !== end - at) continue;
    let same = 0;
    while (same < name.length && name[same] === bytes[at + same]) same += 1;
    if (same === name.length) return choice;
  }
  return INVALID;
}

/** The value of the number from `at` up to `end` if it is a valid amount, else INVALID. */
export function amountOf(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  let next = at;
  for (; next < end; next++) {
    const digit = bytes[next]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (next < end || end - at > PLAIN_DIGITS_MAX) value = Number(bytes.toString('latin1', at, end));
  return Number.isSafeInteger(value) && value >= 1 ? value : INVALID;
}

/** The value of the number from `at` up to `end` if it can be a balance, else NaN. */
export function minOf(bytes: Buffer, at: number, end: number): number {
  const value = Number(bytes.toString('latin1', at, end));
  // Without a negative zero.
  return Number.isSafeInteger(value) ? value + 0 : Number.NaN;
}
