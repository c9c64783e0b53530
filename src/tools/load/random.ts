/** Repeatable randomness: the same seed gives the same lines, on any machine. */

/** mulberry32 (Tommy Ettinger). Numbers from 0 up to, and not, 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws the index of one of the shares, in proportion to them. Takes the logarithm of their number in time. */
export function drawFrom(shares: ArrayLike<number>, random: () => number): () => number {
  const upTo = new Float64Array(shares.length);
  let sum = 0;
  for (let index = 0; index < shares.length; index++) upTo[index] = sum += shares[index]!;
  return () => {
    const at = random() * sum;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Users by number, all alike. */
export function drawUniform(users: number, random: () => number): () => number {
  return () => Math.floor(random() * users);
}

/** Users by number, the n-th in proportion to 1 / n^exponent: a few are hot, most are cold, as in real loads. */
export function drawZipf(users: number, exponent: number, random: () => number): () => number {
  const shares = new Float64Array(users);
  for (let user = 0; user < users; user++) shares[user] = (user + 1) ** -exponent;
  return drawFrom(shares, random);
}
