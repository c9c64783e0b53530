/**
 * What was, from what is kept: the events in their order, and the balances as they were.
 *
 * An event's time is that of its block. A user's events are in one lane, so their order is exact; between lanes, time
 * orders blocks.
 */
import { CommandError } from '../../cli/terminal/command.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { laneFilesOf, type Part } from '../folder.ts';
import type { Block } from '../lane-reader.ts';
import type { Ledger, OnEvent } from '../ledger.ts';
import { type PastOutcome, pastOf } from '../past.ts';
import { readSnapshot } from '../snapshot.ts';
import { everything, hold, type Kept, type Listing, newest } from './kept.ts';
import { applyTo, readAgain } from './reading.ts';
import { timeText } from './times.ts';

export interface State {
  ledger: Ledger;
  /** Of the last block or snapshot in it; 0: there is none. */
  timeMs: number;
  /** Taken from one user by a transfer, and not yet given to the other. */
  inTransit: bigint;
}

/** The parts from the last one that begins at `timeMs` or before it; all if there is none. */
export function listingFrom(timeMs: number): (dir: string) => Listing {
  return dir => {
    const { parts, damage } = everything(dir);
    if (damage.length > 0) throw damage[0]!;
    const at = parts.findLastIndex(part => part.timeMs <= timeMs);
    return { parts: parts.slice(Math.max(0, at)), damage };
  };
}

/** All balances, now or as they were. Throws `CommandError` if the journal does not reach back so far. */
export function balancesAt(dir: string, atMs: number | undefined): State {
  const kept = hold(dir, atMs === undefined ? newest : listingFrom(atMs));
  try {
    const part = kept.parts[0]!;
    if (atMs !== undefined && part.timeMs > atMs)
      throw new CommandError(
        `${quoteIfNeeded(dir)} reaches back to ${timeText(part.timeMs)} only; tally serve --journal-keep keeps more`,
      );
    const { ledger } = readSnapshot(kept.disk, part.path);
    const state = { ledger, timeMs: part.timeMs, inTransit: 0n };
    part.lanes.forEach((_, lane) => {
      for (const block of lanesOf(kept, part)[lane]!) {
        if (block.timeMs > (atMs ?? Infinity)) return;
        applyTo(ledger, laneFilesOf(part, lane), block);
        state.timeMs = Math.max(state.timeMs, block.timeMs);
      }
    });
    // Lanes end, and are read, at different moments: a second half whose first is not there is not counted, as at a start.
    ledger.transits.settle(ledger.balances, false);
    for (const { amount } of ledger.transits.open.values()) state.inTransit += BigInt(amount);
    return state;
  } finally {
    kept.close();
  }
}

/** An event's block and its place in it, and the ledger that knows its user. */
export type OnPastEvent = (
  place: Place,
  user: number,
  amount: number,
  outcome: PastOutcome,
  to: number | undefined,
) => void;

export interface Place {
  ledger: Ledger;
  epoch: number;
  lane: number;
  /** Among the events of the lane. */
  number: number;
  /** Of the block. */
  time: string;
}

/** Tells of the events from `sinceMs` to `untilMs`, both included; yields after each block. */
export function* eventsIn(
  kept: Kept,
  sinceMs: number,
  untilMs: number,
  onEvent: OnPastEvent,
): Generator<void> {
  let epoch = 0;
  for (const part of kept.parts) {
    if (part.epoch === epoch) continue;
    epoch = part.epoch;
    if (part.timeMs > untilMs) return;
    const { ledger } = readSnapshot(kept.disk, part.path);
    const place: Place = { ledger, epoch, lane: 0, number: 0, time: '' };
    for (const { lane, block } of byTime(lanesOf(kept, part), untilMs)) {
      const tell: OnEvent = (user, amount, answer, at, rich) => {
        place.number = block.first + at;
        const { outcome, to } = pastOf(answer, rich);
        onEvent(place, user, amount, outcome, to);
      };
      place.lane = lane;
      place.time = timeText(block.timeMs);
      applyTo(ledger, laneFilesOf(part, lane), block, block.timeMs >= sinceMs ? tell : undefined);
      yield;
    }
  }
}

function lanesOf(kept: Kept, part: Part): Generator<Block>[] {
  return part.lanes.map((at, lane) =>
    readAgain(kept.disk, laneFilesOf(part, lane), at, kept.endOf(part, lane)),
  );
}

/** The blocks of several lanes, the earliest first. */
function* byTime(lanes: Generator<Block>[], untilMs: number): Generator<{ lane: number; block: Block }> {
  const next = (lane: number) => {
    const { value, done } = lanes[lane]!.next();
    return done || value.timeMs > untilMs ? undefined : value;
  };
  const firsts = lanes.map((_, lane) => next(lane));
  for (;;) {
    let lane = -1;
    firsts.forEach((block, at) => {
      if (block !== undefined && (lane < 0 || block.timeMs < firsts[lane]!.timeMs)) lane = at;
    });
    if (lane < 0) return;
    yield { lane, block: firsts[lane]! };
    firsts[lane] = next(lane);
  }
}
