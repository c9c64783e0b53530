/** All witnesses, in the order of their pains. */
import { oneAtATime } from './pain-01.ts';
import { resetKillsAll } from './pain-02.ts';
import { splitPacket } from './pain-03.ts';
import { heavyClient } from './pain-04.ts';
import { oneThread } from './pain-05.ts';
import { lostUpdates } from './pain-06.ts';
import { hotLock } from './pain-07.ts';
import { blind } from './pain-08.ts';
import { lostOnCtrlC } from './pain-09.ts';
import { silentClient } from './pain-10.ts';
import type { Witness } from './witness.ts';

export const WITNESSES: readonly Witness[] = [
  oneAtATime,
  resetKillsAll,
  splitPacket,
  heavyClient,
  oneThread,
  lostUpdates,
  hotLock,
  blind,
  lostOnCtrlC,
  silentClient,
];

export function witnessOf(pain: number): Witness {
  const witness = WITNESSES[pain - 1];
  if (witness === undefined) throw new RangeError(`there is no pain ${pain}`);
  return witness;
}
