/**
 * Transfers between two lanes, as a journal tells of them. The first half is in the lane of who gives, the second in the
 * lane of who gets, and lanes are read one after the other: so either may be met first. What is left when all lanes are
 * read is owed, to the one or, if the second half was refused, back to the other.
 */
import { ExtraFloat, ExtraKind, type ExtraViews, ExtraWord, HAS_ID, KIND_MASK } from '../engine/extra.ts';
import type { Owed } from '../engine/transfers.ts';

/** What is known of a transfer that is not over. */
export interface Transit extends Omit<Owed, 'isRefused'> {
  /** The first half was read. */
  isDebited: boolean;
  /** What was read of the second half. */
  second: 'none' | 'done' | 'refused';
  /** It went back, because the second half was refused; that may not have been read yet. */
  isRefunded: boolean;
}

export class Transits {
  readonly open = new Map<number, Transit>();
  /** Numbers are below this. */
  end = 1;
  /** Those that `settle` took back. */
  readonly takenBack: Transit[] = [];

  /** Notes one half that was decided: `isDone`, it was applied. */
  note(user: number, amount: number, { words, floats }: ExtraViews, at: number, isDone: boolean): void {
    const kind = words[at + ExtraWord.kind]! & KIND_MASK;
    const number = floats[at / 2 + ExtraFloat.number]!;
    this.end = Math.max(this.end, number + 1);
    if (kind !== ExtraKind.credit && !isDone) return;
    const transit = this.open.get(number) ?? {
      number,
      amount: Math.abs(amount),
      from: 0,
      to: 0,
      hasId: false,
      id: new Int32Array(4),
      isDebited: false,
      second: 'none',
      isRefunded: false,
    };
    if (kind === ExtraKind.debit) {
      transit.isDebited = true;
      transit.from = user;
      transit.to = words[at + ExtraWord.other]!;
      transit.hasId = (words[at + ExtraWord.kind]! & HAS_ID) !== 0;
      transit.id.set(words.subarray(at, at + 4));
    } else if (kind === ExtraKind.refund) {
      transit.isRefunded = true;
    } else {
      transit.to = user;
      transit.second = isDone ? 'done' : 'refused';
    }
    const isOver =
      transit.second === 'done' ? transit.isDebited : transit.second === 'refused' && transit.isRefunded;
    if (isOver) this.open.delete(number);
    else this.open.set(number, transit);
  }

  /**
   * When all is read: what has a second half alone lost the first in a crash of the machine, before it was synced, so
   * the second did not happen either. Where every block is synced before its events are told (`isDurable`), that can't
   * be: then the number of one is returned.
   */
  settle(balances: Float64Array, isDurable: boolean): number | undefined {
    for (const [number, transit] of this.open) {
      const { isDebited, second, to, amount, isRefunded } = transit;
      // That the second half was refused is lost, or of no use.
      if (isRefunded) this.open.delete(number);
      if (isDebited) continue;
      if (isDurable) return number;
      if (second === 'done') balances[to] = balances[to]! - amount;
      this.open.delete(number);
      this.takenBack.push(transit);
    }
    return undefined;
  }
}

const TRANSIT_BYTES = 48;
export const transitBytes = (count: number) => count * TRANSIT_BYTES;

/** In a snapshot. `indexOf` gives users other indices. */
export function putTransit(
  bytes: Buffer,
  at: number,
  transit: Transit,
  indexOf: (user: number) => number,
): void {
  const { number, amount, from, to, hasId, id, isDebited, second, isRefunded } = transit;
  bytes.writeDoubleLE(number, at);
  bytes.writeDoubleLE(amount, at + 8);
  bytes.writeUInt32LE(isDebited ? indexOf(from) : 0, at + 16);
  bytes.writeUInt32LE(indexOf(to), at + 20);
  const state = second === 'none' ? 0 : second === 'done' ? 1 : 2;
  bytes.writeUInt32LE(state | (isDebited ? 4 : 0) | (hasId ? 8 : 0) | (isRefunded ? 16 : 0), at + 24);
  id.forEach((word, index) => {
    bytes.writeInt32LE(word, at + 32 + index * 4);
  });
}

export function readTransit(bytes: Buffer, at: number): Transit {
  const flags = bytes.readUInt32LE(at + 24);
  return {
    number: bytes.readDoubleLE(at),
    amount: bytes.readDoubleLE(at + 8),
    from: bytes.readUInt32LE(at + 16),
    to: bytes.readUInt32LE(at + 20),
    hasId: (flags & 8) !== 0,
    id: Int32Array.from({ length: 4 }, (_, index) => bytes.readInt32LE(at + 32 + index * 4)),
    isDebited: (flags & 4) !== 0,
    isRefunded: (flags & 16) !== 0,
    second: (['none', 'done', 'refused'] as const)[flags & 3]!,
  };
}
