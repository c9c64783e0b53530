/**
 * The hash of ids: 128 bits, keyed, so that no client can choose an id that collides with another one.
 *
 * The rounds are those of HalfSipHash (Aumasson and Bernstein, https://github.com/veorq/SipHash), one for each word and
 * three at the end, with a key as long as the state, and the whole state as the result: two ids have the same hash only
 * if the state collides, which no one can arrange without the key. Ids are read in 4-byte words, little endian, the
 * last one padded with zeros.
 */
import { randomInt } from 'node:crypto';

/** The state to begin with: four int32. */
export type IdKey = readonly [number, number, number, number];

export function drawIdKey(): IdKey {
  const word = () => randomInt(2 ** 32) | 0;
  return [word(), word(), word(), word()];
}

/** Hashes the `bytes` bytes at `at` into the four words of `into`. At least 3 bytes behind them must be readable. */
export function hashId(view: DataView, at: number, bytes: number, key: IdKey, into: Int32Array): void {
  let [a, b, c, d] = key;
  const whole = bytes & ~3;
  const left = bytes & 3;
  const end = at + whole;
  // The length distinguishes an id from the same one followed by zeros.
  d ^= bytes;
  for (let next = at; next < end || (next === end && left > 0); next += 4) {
    const word = view.getInt32(next, true);
    const message = next < end ? word : word & ((1 << (left * 8)) - 1);
    d ^= message;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= message;
  }
  c ^= 0xff;
  for (let round = 0; round < 3; round++) {
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
  }
  into[0] = a;
  into[1] = b;
  into[2] = c;
  into[3] = d;
}
