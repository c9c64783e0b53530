/**
 * The hash of users' names.
 *
 * Its multipliers are secret, and random for each server, so that no client can choose names that collide: with a
 * known hash, a client could make every look-up walk past all its users. Names are hashed in 4-byte words, little
 * endian, the last word padded with zeros.
 */
import { randomInt } from 'node:crypto';
import { drawIdKey, type IdKey } from './id-hash.ts';

/** The start value, and two odd multipliers; int32 each. */
export interface NameSeed {
  readonly start: number;
  readonly first: number;
  readonly second: number;
}

/** Of all that is hashed. */
export interface HashSeed extends NameSeed {
  /** The key for ids. */
  readonly id: IdKey;
}

/** A journal keeps the hashes of ids, and with them their key. */
export function drawHashSeed(id: IdKey = drawIdKey()): HashSeed {
  return {
    start: randomInt(2 ** 31) | 0,
    first: (randomInt(2 ** 31) * 2 + 1) | 0,
    second: (randomInt(2 ** 31) * 2 + 1) | 0,
    id,
  };
}

/** Adds one word of a name to its hash. */
export function hashWord(hash: number, word: number, first: number, second: number): number {
  const mixed = Math.imul(hash ^ word, first);
  return Math.imul(mixed ^ (mixed >>> 15), second);
}

/** Completes a hash. The length distinguishes a name from the same name followed by zeros. */
export function hashEnd(hash: number, bytes: number, first: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16) ^ bytes, first);
  return mixed ^ (mixed >>> 15);
}

/** The hash (int32) of the name of `bytes` bytes at `at`. At least 3 bytes behind it must be readable. */
export function hashName(view: DataView, at: number, bytes: number, seed: NameSeed): number {
  const { first, second } = seed;
  let hash = seed.start;
  const whole = bytes & ~3;
  for (let done = 0; done < whole; done += 4)
    hash = hashWord(hash, view.getInt32(at + done, true), first, second);
  const left = bytes & 3;
  if (left > 0)
    hash = hashWord(hash, view.getInt32(at + whole, true) & ((1 << (left * 8)) - 1), first, second);
  return hashEnd(hash, bytes, first);
}
