/**
 * From one start to the next: users get other indices, and their ids and what they are owed go with them.
 */
import { type Ids, renew } from '../engine/ids.ts';
import type { Restoring } from '../engine/restoring.ts';
import type { Owed } from '../engine/transfers.ts';
import { balanceSlotsFor } from '../engine/user-indices.ts';
import type { UserTable } from '../engine/user-table.ts';
import { ID_WORDS } from '../engine/words.ts';
import { hashName, type NameSeed } from '../protocol/hash.ts';
import type { Ledger } from './ledger.ts';

export interface Moved {
  /** By the old index. */
  newIndexOf: Uint32Array;
  /** By the new index. */
  laneOf: Uint8Array;
  /** Of each lane. */
  ids: readonly Ids[];
  owed: Owed[];
}

const TOLD_STEP = 8_192;

/** Gives an engine all that a ledger has, but for what is owed. `names` is where the engine looks for names. */
export function move(
  ledger: Ledger,
  { users, restoring }: { users: UserTable; restoring: Restoring },
  names: DataView,
  seed: NameSeed,
  onUser?: (index: number) => void,
): Moved {
  const bytes = new Uint8Array(names.buffer, names.byteOffset, names.byteLength);
  const newIndexOf = new Uint32Array(ledger.indexEnd);
  const laneOf = new Uint8Array(balanceSlotsFor(ledger.users));
  for (let index = 0; index < ledger.indexEnd; index++) {
    if (!ledger.has(index)) continue;
    const nameBytes = ledger.nameBytesOf(index);
    ledger.copyName(index, bytes, 0);
    const hash = hashName(names, 0, nameBytes, seed);
    const user = restoring.user({ nameAt: 0, nameBytes, hash }, ledger.balances[index]!);
    newIndexOf[index] = user;
    laneOf[user] = users.workerOf(hash);
    if (index % TOLD_STEP === 0) onUser?.(index);
  }
  const ids = restoring.ids(into => moveIds(ledger.ids, into, newIndexOf, laneOf));
  const owed = [...ledger.transits.open.values()].map(transit => ({
    ...transit,
    from: newIndexOf[transit.from]!,
    to: newIndexOf[transit.to]!,
    isRefused: transit.second === 'refused',
  }));
  return { newIndexOf, laneOf, ids, owed };
}

/** Gives all ids to the lanes that their users have now, in the order of their times, with the new indices. */
function moveIds(
  from: readonly (Ids | undefined)[],
  into: readonly Ids[],
  newIndexOf: Uint32Array,
  laneOf: Uint8Array,
): void {
  const sources = from.filter(ids => ids !== undefined).map(ids => ({ ids, next: ids.head }));
  const record = new Int32Array(ID_WORDS);
  for (;;) {
    let first: (typeof sources)[number] | undefined;
    for (const source of sources) {
      if (source.next === source.ids.tail) continue;
      if (first === undefined || source.ids.timeOf(source.next) < first.ids.timeOf(first.next))
        first = source;
    }
    if (first === undefined) return;
    first.ids.copyTo(first.next, record);
    first.next = (first.next + 1) | 0;
    into[laneOf[renew(record, newIndexOf)]!]!.restore(record);
  }
}
