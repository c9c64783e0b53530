/** What clients were told, and whether what comes back can be that. */
import type { Disk } from '../../src/journal/disk.ts';
import { recover } from '../../src/journal/recovery.ts';
import { DIR } from './plan.ts';

const MAX = Number.MAX_SAFE_INTEGER;

export interface Pushed {
  user: string;
  amount: number;
}

/** Of a lane in an epoch: what was pushed, in order, and how much of it may not be lost. */
export interface Told {
  pushed: Pushed[];
  /** Survive the end of the process. */
  written: number;
  /** Survive the end of the power, too. */
  synced: number;
}

/** The balances that come back from a disk, by name. */
export function comeBack(disk: Disk): Map<string, number> {
  const { ledger } = recover(disk, DIR);
  const found = new Map<string, number>();
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) found.set(ledger.nameOf(index).toString(), ledger.balances[index]!);
  return found;
}

/**
 * Throws unless each lane has come back with all its events that were safe, and the next few of them, and nothing else.
 * `before` are the balances at the start.
 */
export function checkTold(
  found: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  told: readonly Told[],
  hasLostPower: boolean,
): void {
  const expected = new Map(before);
  const rest = new Map(found);
  told.forEach(({ pushed, written, synced }, lane) => {
    const safe = hasLostPower ? synced : Math.max(written, synced);
    const users = new Set(pushed.map(({ user }) => user));
    const balances = new Map([...users].map(user => [user, before.get(user) ?? 0]));
    const matches = () => [...balances].every(([user, balance]) => balance === (found.get(user) ?? 0));
    let known = new Set<string>([...users].filter(user => before.has(user)));
    let isFound = safe === 0 && matches();
    for (let count = 1; count <= pushed.length && !isFound; count++) {
      const { user, amount } = pushed[count - 1]!;
      const sum = balances.get(user)! + amount;
      if (Math.abs(sum) <= MAX) balances.set(user, sum);
      known = known.add(user);
      isFound = count >= safe && matches();
    }
    if (!isFound)
      throw new Error(
        `lane ${lane}: no prefix of its ${pushed.length} events, ${safe} of them safe, is what came back`,
      );
    for (const [user, balance] of balances) if (known.has(user)) expected.set(user, balance);
  });
  for (const [user, balance] of expected) {
    if ((rest.get(user) ?? 0) !== balance)
      throw new Error(`${user}: ${rest.get(user)} came back, not ${balance}`);
    rest.delete(user);
  }
  for (const [user, balance] of rest) if (balance !== 0) throw new Error(`${user} came from nowhere`);
}
