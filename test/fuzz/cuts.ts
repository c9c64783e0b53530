/**
 * How the bytes are cut into packets never changes a reply: batches, each replayed whole, cut in two at every place,
 * byte by byte, and cut in many where chance has it, each time with the replies that the ledger says.
 */
import { Choices } from '../support/lines.ts';
import { BatchMaker } from './batches.ts';
import { type Expected, expectedOf, withoutProgress } from './ledger.ts';
import { LINE_BYTES_MAX, type Replay, Wire } from './wire.ts';

/** Ways to cut a batch in many, beside byte by byte. */
const RANDOM_CUTS = 6;
/** One in so many replays is of a slow client. */
const SLOW_EVERY = 8;
/** A slow client whose line is too long waits for its turn for many milliseconds: fewer of those. */
const SLOW_EVERY_LONG = 1_024;

/** Replays bytes on a server that is as if it had just been started. */
export interface Replayer {
  replay(bytes: Buffer, cuts: readonly number[], pace: Choices): Promise<Replay>;
  balance(name: Buffer): number | undefined;
}

/** Replayers by whether their clients are slow. */
export type Replayers = (isSlow: boolean) => Replayer;

/** The shipped ones. */
export function wires(): Replayers {
  const all = [false, true].map(isSlow => ({ isSlow, wire: new Wire(isSlow) }));
  return isSlow => {
    const place = all[isSlow ? 1 : 0]!;
    if (place.wire.isWorn) place.wire = new Wire(isSlow);
    return place.wire;
  };
}

export interface CutFailure {
  cuts: number[];
  isSlow: boolean;
  complaint: string;
}

export interface BatchOutcome {
  replays: number;
  lines: number;
  failure: CutFailure | undefined;
}

/** The batches of a seed. */
export function batchesOf(seed: number): BatchMaker {
  return new BatchMaker(Choices.seeded(seed), LINE_BYTES_MAX);
}

/** Replays one batch in every way, up to the first that gives other replies. */
export async function examineBatch(bytes: Buffer, replayers: Replayers, seed: number): Promise<BatchOutcome> {
  const pace = Choices.seeded(seed);
  const expected = expectedOf(bytes, LINE_BYTES_MAX);
  const wanted = Buffer.from(expected.replies);
  const slowEvery = expected.replies.includes('line_too_long') ? SLOW_EVERY_LONG : SLOW_EVERY;
  const outcome: BatchOutcome = {
    replays: 0,
    lines: expected.replies.split('\n').length - 1,
    failure: undefined,
  };
  for (const cuts of waysToCut(bytes.length, pace)) {
    const isSlow = pace.oneIn(slowEvery);
    const replayer = replayers(isSlow);
    const replay = await replayer.replay(bytes, cuts, pace);
    outcome.replays += 1;
    const complaint = complaintOf(replay, expected, wanted, replayer);
    if (complaint !== undefined) {
      outcome.failure = { cuts, isSlow, complaint };
      return outcome;
    }
  }
  return outcome;
}

function* waysToCut(bytes: number, random: Choices): Generator<number[]> {
  yield [];
  for (let at = 1; at < bytes; at++) yield [at];
  const everywhere = Array.from({ length: Math.max(0, bytes - 1) }, (_, at) => at + 1);
  yield everywhere;
  for (let count = 0; count < RANDOM_CUTS; count++) {
    const rate = 2 + random.below(count < 3 ? 8 : 60);
    yield everywhere.filter(() => random.oneIn(rate));
  }
}

function complaintOf(
  replay: Replay,
  expected: Expected,
  wanted: Buffer,
  replayer: Replayer,
): string | undefined {
  if (replay.isHanging) return 'the connection never ended';
  if (!replay.replies.equals(wanted)) {
    const replies = replay.replies.toString('latin1');
    const counted = expected.hasMetrics ? withoutProgress(replies, replay.receivedBefore) : replies;
    if (counted !== expected.replies) return firstDifference(counted, expected.replies);
  }
  for (const count of ['invalid', 'received', 'dropped'] as const) {
    if (replay[count] !== expected[count])
      return `the server counts ${replay[count]} ${count}, the ledger ${expected[count]}`;
  }
  for (const [name, balance] of expected.balances) {
    const held = replayer.balance(Buffer.from(name, 'latin1'));
    if (held === undefined || BigInt(held) !== balance)
      return `the balance of ${JSON.stringify(name)} is ${held}, the ledger says ${balance}`;
  }
  return undefined;
}

function firstDifference(replies: string, expected: string): string {
  const [got, want] = [replies.split('\n'), expected.split('\n')];
  const at = want.findIndex((line, index) => line !== got[index]);
  const line = at === -1 ? want.length : at;
  return `reply ${line + 1} is ${got[line] ?? 'missing'}, the ledger says ${want[line] ?? 'there is none'}`;
}
