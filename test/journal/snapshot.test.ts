/** A snapshot of more than fits into one piece comes back as it was. */
import { expect, test } from 'vitest';
import { ExtraKind, HAS_ID } from '../../src/engine/extra.ts';
import { ID_WORDS } from '../../src/engine/words.ts';
import { Ledger, type Rules } from '../../src/journal/ledger.ts';
import { readHeader, readSnapshot, type Snapshot, writeSnapshot } from '../../src/journal/snapshot.ts';
import { LyingDisk } from './lying-disk.ts';

const USERS = 30_000;
const IDS = 50_000;
const TRANSFERS = 30_000;
const RULES: Rules = { idsMax: IDS, idsMs: 1_000, isDurable: true };

function ledgerOf(): Ledger {
  const ledger = new Ledger(RULES);
  for (let user = 0; user < USERS; user++) ledger.add(user, user * 3 - 7, Buffer.from(`user-${user}`));
  const words = new Int32Array(10);
  const extras = { words, floats: new Float64Array(words.buffer) };
  for (let id = 0; id < IDS; id++) {
    words.set([id, ~id, id * 7, 1, ExtraKind.event | HAS_ID, 0]);
    ledger.idsOf(id % 3).add(id % USERS, id + 1, extras, 0, id - 5, 1_000 + id);
  }
  for (let number = 1; number <= TRANSFERS; number++)
    ledger.transits.open.set(number, {
      ...{ number, amount: number * 2, from: number % USERS, to: (number * 7) % USERS },
      ...{ hasId: number % 2 === 0, id: Int32Array.of(number, -number, 5, 6) },
      ...{ isDebited: true, second: number % 3 === 0 ? 'refused' : 'none', isRefunded: false },
    });
  ledger.transits.end = TRANSFERS + 9;
  return ledger;
}

/** Of each lane, all words of all ids. */
function idsIn(ledger: Ledger): number[][] {
  return ledger.ids.map(ids => {
    const found: number[] = [];
    const record = new Int32Array(ID_WORDS);
    for (let left = ids!.count; left > 0; left--) {
      ids!.copyTo((ids!.tail - left) | 0, record);
      found.push(...record);
    }
    return found;
  });
}

test('users, ids and transfers come back from a snapshot of many pieces', () => {
  const disk = new LyingDisk(Math.random);
  disk.makeFolder('/data');
  const ledger = ledgerOf();
  const snapshot: Snapshot = {
    ...{ epoch: 3, secret: { mark: 4, start: 5 }, timeMs: 6, idKey: [7, -8, 9, -10] as const, ledger },
    lanes: [0, 1, 2].map(lane => ({ segment: lane, number: 10 + lane })),
  };
  const { ledger: _, ...header } = snapshot;
  writeSnapshot(disk, '/data', 'snapshot-000001', snapshot);
  const { ledger: back, ...found } = readSnapshot(disk, '/data/snapshot-000001');
  expect(found).toEqual(header);
  expect(readHeader(disk, '/data/snapshot-000001')).toEqual(header);
  expect([back.rules, back.users, back.idCount]).toEqual([RULES, USERS, IDS]);
  for (let user = 0; user < USERS; user++)
    if (back.balances[user] !== user * 3 - 7 || back.nameOf(user).toString() !== `user-${user}`)
      throw new Error(`user ${user} came back as another`);
  const [is, was] = [idsIn(back), idsIn(ledger)];
  expect(is.map(words => words.length)).toEqual(was.map(words => words.length));
  expect(is.every((words, lane) => words.every((word, at) => word === was[lane]![at]))).toBe(true);
  expect(back.transits.end).toBe(TRANSFERS + 9);
  expect(back.transits.open).toEqual(ledger.transits.open);
});
