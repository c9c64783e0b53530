/**
 * What an event has beyond a user and an amount: a record of 40 bytes beside its slot, and, in a journal, behind the
 * slots of its block. A slot that has one is *rich*: the second bit of its first word is set.
 *
 * ```
 *  words 0–3   hash of the id
 *  word 4      kind and flags
 *  word 5      of a transfer: the index of the other user
 *  float 3     the lowest balance that it may leave; −Infinity: any
 *  float 4     of a transfer between two lanes: its number
 * ```
 */
import type { ParsedRequest } from '../protocol/request.ts';
import { Wants } from '../protocol/request.ts';
import { EXTRA_WORDS } from './words.ts';

/** Where in the words, and in the float64 words, of an extra its fields are. */
export const ExtraWord = { id: 0, kind: 4, other: 5 } as const;
export const ExtraFloat = { min: 3, number: 4 } as const;
export const EXTRA_FLOATS = EXTRA_WORDS / 2;
export const EXTRA_BYTES = EXTRA_WORDS * 4;

export const ExtraKind = {
  event: 0,
  /** A transfer between two users of one lane. */
  transfer: 1,
  /** The first half of a transfer to a user of another lane: takes from the user. */
  debit: 2,
  /** The second half, in the lane of the other user: gives to the user. */
  credit: 3,
  /** In the lane of the first half, if the second was refused: gives back. */
  refund: 4,
} as const;
export type ExtraKind = (typeof ExtraKind)[keyof typeof ExtraKind];
export const KIND_MASK = 7;
/** Flags beside the kind. */
export const HAS_ID = 8;
export const IS_WAITING = 16;

/** The bytes of extras, twice. */
export interface ExtraViews {
  readonly words: Int32Array;
  readonly floats: Float64Array;
}

/** Writes the extra of an event at the place `at`. */
export function putExtra(
  { words, floats }: ExtraViews,
  at: number,
  { id, wants, min }: Pick<ParsedRequest, 'id' | 'wants' | 'min'>,
  kind: ExtraKind = ExtraKind.event,
  other = 0,
  number = 0,
): void {
  const word = at * EXTRA_WORDS;
  const float = at * EXTRA_FLOATS;
  words[word] = id[0]!;
  words[word + 1] = id[1]!;
  words[word + 2] = id[2]!;
  words[word + 3] = id[3]!;
  const flags = ((wants & Wants.id) === 0 ? 0 : HAS_ID) | ((wants & Wants.wait) === 0 ? 0 : IS_WAITING);
  words[word + ExtraWord.kind] = kind | flags;
  words[word + ExtraWord.other] = other;
  floats[float + ExtraFloat.min] = (wants & Wants.min) === 0 ? Number.NEGATIVE_INFINITY : min;
  floats[float + ExtraFloat.number] = number;
}
