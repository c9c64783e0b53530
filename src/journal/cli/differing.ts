/** Whether two ledgers say the same of each user. Their indices may differ: each start gives its own. */
import { quote } from '../../cli/terminal/quoting.ts';
import type { Ledger } from '../ledger.ts';

/** What is different, in words; undefined if nothing is. */
export function balancesDiffer(folded: Ledger, snapshot: Ledger): string | undefined {
  let places: Map<string, number> | undefined;
  const indexIn = (name: Buffer, likely: number): number | undefined => {
    // Within one start, the index is the same.
    if (snapshot.has(likely) && snapshot.nameOf(likely).equals(name)) return likely;
    places ??= placesOf(snapshot);
    return places.get(name.toString());
  };
  const differing: string[] = [];
  let others = 0;
  for (let index = 0; index < folded.indexEnd; index++) {
    if (!folded.has(index)) continue;
    const name = folded.nameOf(index);
    const at = indexIn(name, index);
    const [is, was] = [at === undefined ? undefined : snapshot.balances[at], folded.balances[index]];
    if (is === was) continue;
    if (differing.length > 0) others++;
    else
      differing.push(
        `the balance of ${quote(name.toString())} is ${is ?? 'missing'}, but its events make ${was}`,
      );
  }
  if (differing.length > 0)
    return others === 0 ? differing[0] : `${differing[0]}, and ${others} more are wrong`;
  if (folded.users === snapshot.users) return undefined;
  return `it has ${snapshot.users} users, but the blocks before it ${folded.users}`;
}

function placesOf(ledger: Ledger): Map<string, number> {
  const places = new Map<string, number>();
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) places.set(ledger.nameOf(index).toString(), index);
  return places;
}
