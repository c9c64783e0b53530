/**
 * Whether the time in which a wrong token is refused tells how much of it was right. Batches of wrong tokens that share
 * more and more of the right one run in rounds, thousands of them; what is compared are the differences within each
 * round, so that the drift of the machine is in both. The order of a round is drawn, because the collector of garbage
 * has a rhythm of its own.
 */
import { randomInt } from 'node:crypto';
import { newToken } from '../../src/security/token.ts';

/**
 * How many of the 43 random characters are right. With more than 40, there are so few wrong tokens that each comes
 * again, and finds its place in memory in the caches.
 */
export const SHARED = [0, 16, 32, 40] as const;

/** Nanoseconds a check, by how many characters are right: a sample for each round, in the order of rounds. */
export type TimesByShared = Readonly<Record<number, Float64Array>>;

const PREFIX_CHARACTERS = 'tally_'.length;
const BATCH = 64;
/** Until V8 has settled. */
const WARM_UP_ROUNDS = 150;
/** What is less is no character. */
const MARGIN_NS = 3;
/** Of a normal distribution: the interval of a median holds it 999 times in 1,000. */
const DEVIATIONS = 3.3;

/** `isRight` must refuse all but `right`, or it throws. */
export function timesByShared(
  isRight: (token: string) => boolean,
  right: string,
  rounds: number,
): TimesByShared {
  if (!isRight(right)) throw new Error('the right token is refused');
  const times = SHARED.map(() => new Float64Array(rounds));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1)
    for (const index of shuffled([...SHARED.keys()])) {
      // New ones each time: where the same few lie in memory makes a difference of its own.
      const tokens = Array.from({ length: BATCH }, () => wrongToken(right, SHARED[index]!));
      const ns = nsPerCheck(isRight, tokens);
      if (round >= 0) times[index]![round] = ns;
    }
  return Object.fromEntries(SHARED.map((shared, index) => [shared, times[index]!]));
}

/** How many characters are right where the time differs from that of none; empty if the time tells nothing. */
export function toldBy(times: TimesByShared): number[] {
  const none = times[0]!;
  return SHARED.filter(shared => {
    const differences = times[shared]!.map((ns, round) => ns - none[round]!).sort();
    // The order statistics around a median that hold it, whatever the distribution is.
    const { length } = differences;
    const at = Math.max(0, Math.floor((length - DEVIATIONS * Math.sqrt(length)) / 2));
    return differences[at]! > MARGIN_NS || differences[length - 1 - at]! < -MARGIN_NS;
  });
}

function nsPerCheck(isRight: (token: string) => boolean, tokens: readonly string[]): number {
  let wrong = 0;
  const start = process.hrtime.bigint();
  for (const token of tokens) if (!isRight(token)) wrong += 1;
  const ns = Number(process.hrtime.bigint() - start);
  if (wrong !== tokens.length) throw new Error('a wrong token is taken for the right one');
  return ns / tokens.length;
}

/** The first `shared` characters behind the prefix are right, the next one is wrong, and the rest is random. */
function wrongToken(right: string, shared: number): string {
  const at = PREFIX_CHARACTERS + shared;
  // The same steps for all of them, so that they lie in memory alike.
  const bytes = Buffer.from(newToken());
  if (bytes[at] === right.charCodeAt(at)) return wrongToken(right, shared);
  bytes.write(right.slice(0, at));
  return bytes.toString('latin1');
}

function shuffled<Item>(items: Item[]): Item[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
