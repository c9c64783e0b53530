/** Makes what was found small: without what the difference does not need. */
import { linesOf } from './ledger.ts';

/** Lengths to take out at once when little is left: an escape has six bytes, a pair of them twelve. */
const SMALL_CUTS = [12, 8, 7, 6, 5, 4, 3, 2, 1];

/** Then what is small by now must do. */
const SHRINK_MS_MAX = 30_000;

/** Takes out bytes, many at a time at first, for as long as the difference remains. */
export async function shrunkBytes(
  found: Buffer,
  isDifferent: (bytes: Buffer) => boolean | Promise<boolean>,
  endMs = performance.now() + SHRINK_MS_MAX,
): Promise<Buffer> {
  const cuts = [...SMALL_CUTS];
  for (let cut = 16; cut < found.length; cut *= 2) cuts.unshift(cut);
  let small = found;
  for (let before = -1; before !== small.length; ) {
    before = small.length;
    for (const cut of cuts) {
      for (let at = 0; at + cut <= small.length && performance.now() < endMs; ) {
        const candidate = Buffer.concat([small.subarray(0, at), small.subarray(at + cut)]);
        if (await isDifferent(candidate)) small = candidate;
        else at += 1;
      }
    }
  }
  return small;
}

/** Takes out whole lines first, the last ones to begin with, and then bytes. */
export async function shrunkBatch(
  found: Buffer,
  isDifferent: (bytes: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  const endMs = performance.now() + SHRINK_MS_MAX;
  let lines = linesOf(found).map(({ line, hasEnd }) => (hasEnd ? Buffer.concat([line, LINE_END]) : line));
  for (let at = lines.length - 1; at >= 0 && performance.now() < endMs; at--) {
    const fewer = lines.filter((_, index) => index !== at);
    if (await isDifferent(Buffer.concat(fewer))) lines = fewer;
  }
  return shrunkBytes(Buffer.concat(lines), isDifferent, endMs);
}

const LINE_END = Buffer.from('\n');
