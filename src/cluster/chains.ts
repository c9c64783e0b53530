/**
 * What one partition owes another: second halves of transfers, and what goes back.
 *
 * The halves from one partition to another are a chain: numbered from 1 in the order in which they became owed, which is
 * the same on every node. A half that lies in the stream is applied if it is the next of its chain, and otherwise passed
 * over. So any node may send any of them, as often as it likes, and each is applied once and in order; what a partition
 * must remember of all that it was ever paid is one number.
 *
 * A node may see the end of a chain before its beginning: partitions are read side by side.
 */
import type { Outcome } from '../protocol/outcome.ts';

/** Who gives, or gets: the bytes of the name, and their hash. */
export interface Party {
  readonly name: Uint8Array;
  readonly hash: number;
}

/** A half that is owed. Money: `amount`, positive. */
export interface Owed {
  readonly amount: number;
  readonly from: Party;
  readonly to: Party;
  /** Of the transfer, where it has one: its four words. */
  readonly id: Int32Array | undefined;
  /** The place of its credit in the chain of credits. */
  readonly number: number;
  /** Of what goes back: why. */
  reason: Outcome;
  /** What the debit was answered. */
  answer: number;
  /** Who waits for its end: the transfer itself, and its repeats. */
  waiting: ((answer: number) => void)[];
}

export class Chain {
  /** Places given so far. */
  issued = 0;
  /** The last place that was applied where it leads to. */
  passed = 0;
  /** Those that are owed and not applied, by place, in order. */
  readonly open = new Map<number, Owed>();

  /** Gives the next place; `passed` may be beyond it already. */
  issue(owed: Owed): number {
    this.issued += 1;
    if (this.issued > this.passed) this.open.set(this.issued, owed);
    return this.issued;
  }

  /** Whether a half at this place is to be applied now. */
  isNext(place: number): boolean {
    return place === this.passed + 1;
  }

  /** It was applied. Returns what was owed, if this side knows it. */
  pass(): Owed | undefined {
    this.passed += 1;
    const owed = this.open.get(this.passed);
    this.open.delete(this.passed);
    return owed;
  }
}

/** A chain from each partition to each. */
export function chainsFor(partitions: number): Chain[][] {
  return Array.from({ length: partitions }, () => Array.from({ length: partitions }, () => new Chain()));
}
