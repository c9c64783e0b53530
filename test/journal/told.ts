/** What clients were told, and whether what comes back can be that. */

import { ExtraKind, KIND_MASK } from '../../src/engine/extra.ts';
import { ID_WORDS } from '../../src/engine/words.ts';
import type { Disk } from '../../src/journal/disk.ts';
import { recover } from '../../src/journal/recovery.ts';
import { hashId } from '../../src/protocol/id-hash.ts';
import { DIR, ID_KEY } from './plan.ts';

const MAX = Number.MAX_SAFE_INTEGER;

export interface Pushed {
  user: string;
  amount: number;
  id?: string;
  min?: number;
  /** The halves of a transfer between two lanes have a number; `other` gets what `user` gives in one lane. */
  kind?: 'transfer' | 'debit' | 'credit' | 'refund';
  other?: string;
  number?: number;
}

/** Of a lane in an epoch: what was pushed, in order, and how much of it may not be lost. */
export interface Told {
  pushed: Pushed[];
  /** Survive the end of the process. */
  written: number;
  /** Survive the end of the power, too. */
  synced: number;
  /** Ids that it remembered at the start of the epoch. */
  idsBefore: number;
}

/** What there is: balances by name, ids by user and hash with their answer and who gets, transfers owed by number. */
export interface Known {
  balances: Map<string, number>;
  ids: Map<string, string>;
  owed: Map<number, 'credit' | 'refund'>;
}

export const nothingKnown = (): Known => ({ balances: new Map(), ids: new Map(), owed: new Map() });

/** What comes back from a disk. */
export interface Back extends Known {
  /** Second halves that did not happen, because the first halves were lost: what was taken back, by number. */
  takenBack: Map<number, { to: string; amount: number }>;
}

export function comeBack(disk: Disk): Back {
  const { ledger } = recover(disk, DIR);
  const back: Back = { ...nothingKnown(), takenBack: new Map() };
  const nameOf = (index: number) => ledger.nameOf(index).toString();
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) back.balances.set(nameOf(index), ledger.balances[index]!);
  const record = new Int32Array(ID_WORDS);
  for (const ids of ledger.ids) {
    for (let left = ids?.count ?? 0; left > 0; left--) {
      ids!.copyTo((ids!.tail - left) | 0, record);
      const answer = new Float64Array(record.buffer)[6]!;
      const other = (record[5]! & KIND_MASK) === ExtraKind.event ? '' : nameOf(record[6]!);
      back.ids.set(`${nameOf(record[4]!)} ${record.subarray(0, 4).join(' ')}`, `${answer} ${other}`);
    }
  }
  for (const { number, second } of ledger.transits.open.values())
    back.owed.set(number, second === 'refused' ? 'refund' : 'credit');
  for (const { number, to, amount, second } of ledger.transits.takenBack)
    if (second === 'done') back.takenBack.set(number, { to: nameOf(to), amount });
  return back;
}

/** The words of the contract, for one lane. */
class Lane {
  readonly balances: Map<string, number>;
  readonly ids: Map<string, string>;
  readonly users = new Set<string>();
  readonly debits = new Set<number>();
  readonly seconds = new Map<number, 'done' | 'refused'>();
  readonly refunds = new Set<number>();
  readonly #idsMax: number;
  #idCount: number;

  constructor(before: Known, idsMax: number, idCount: number) {
    this.balances = new Map(before.balances);
    this.ids = new Map(before.ids);
    this.#idsMax = idsMax;
    this.#idCount = idCount;
  }

  apply(pushed: Pushed): void {
    const { user, amount, id, min, kind, other = '', number = 0 } = pushed;
    this.users.add(user);
    if (kind === 'transfer') this.users.add(other);
    const balance = this.balances.get(user) ?? 0;
    if (!this.balances.has(user)) this.balances.set(user, 0);
    if (kind === 'transfer' && !this.balances.has(other)) this.balances.set(other, 0);
    if (kind === 'credit' || kind === 'refund') {
      const isOver = balance + amount > MAX;
      if (!isOver) this.balances.set(user, balance + amount);
      if (kind === 'credit') this.seconds.set(number, isOver ? 'refused' : 'done');
      else if (!isOver) this.refunds.add(number);
      if (kind === 'refund' && id !== undefined) {
        const key = keyOf(user, id);
        const other = this.ids.get(key)?.split(' ')[1];
        if (other !== undefined) this.ids.set(key, `${REFUSED.overflow} ${other}`);
      }
      return;
    }
    const key = id === undefined ? '' : keyOf(user, id);
    if (id !== undefined && (this.ids.has(key) || this.#idCount >= this.#idsMax)) return;
    const sum = balance + amount;
    let answer = sum;
    const otherSum = (this.balances.get(other) ?? 0) - amount;
    if (min !== undefined && sum < min) answer = REFUSED.insufficient;
    else if (Math.abs(sum) > MAX || (kind === 'transfer' && otherSum > MAX)) answer = REFUSED.overflow;
    else {
      this.balances.set(user, sum);
      if (kind === 'transfer') this.balances.set(other, otherSum);
      if (kind === 'debit') this.debits.add(number);
    }
    if (id === undefined) return;
    this.ids.set(key, `${answer} ${kind === undefined ? '' : other}`);
    this.#idCount += 1;
  }
}

const REFUSED = { overflow: 5 * 2 ** 53, insufficient: 6 * 2 ** 53 };

function keyOf(user: string, id: string): string {
  const bytes = Buffer.concat([Buffer.from(id), Buffer.alloc(4)]);
  const hash = new Int32Array(4);
  hashId(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length - 4, ID_KEY, hash);
  return `${user} ${hash.join(' ')}`;
}

/**
 * Throws unless each lane has come back with all its events that were safe, and the next few of them, and nothing else.
 * `before` is what there was at the start.
 */
export function checkTold(
  back: Back,
  before: Known,
  told: readonly Told[],
  idsMax: number,
  hasLostPower: boolean,
): void {
  const found = new Map(back.balances);
  // As the lanes have it.
  for (const { to, amount } of back.takenBack.values()) found.set(to, found.get(to)! + amount);
  const expected: Known = { ...before, balances: new Map(before.balances), ids: new Map(before.ids) };
  const lanes = told.map(({ pushed, written, synced, idsBefore }, lane) => {
    const safe = hasLostPower ? synced : Math.max(written, synced);
    const users = new Set(
      pushed.flatMap(({ user, other }) => (other === undefined ? [user] : [user, other])),
    );
    const foundIds = new Set([...back.ids.keys()].filter(key => users.has(key.split(' ')[0]!)));
    const state = new Lane(before, idsMax, idsBefore);
    const mine = new Set(
      pushed.flatMap(({ user, kind, other }) => (kind === 'transfer' ? [user, other!] : [user])),
    );
    const matches = () =>
      [...mine].every(user => (state.balances.get(user) ?? 0) === (found.get(user) ?? 0)) &&
      [...state.ids].every(
        ([key, answer]) => !mine.has(key.split(' ')[0]!) || back.ids.get(key) === answer,
      ) &&
      [...foundIds].every(key => !mine.has(key.split(' ')[0]!) || state.ids.has(key));
    let isFound = safe === 0 && matches();
    for (let count = 1; count <= pushed.length && !isFound; count++) {
      state.apply(pushed[count - 1]!);
      isFound = count >= safe && matches();
    }
    if (!isFound)
      throw new Error(
        `lane ${lane}: no prefix of its ${pushed.length} events, ${safe} of them safe, is what came back`,
      );
    for (const user of state.users) expected.balances.set(user, state.balances.get(user) ?? 0);
    for (const [key, answer] of state.ids)
      if (state.users.has(key.split(' ')[0]!)) expected.ids.set(key, answer);
    return state;
  });
  const owed = new Map(before.owed);
  const all = <Value>(of: (lane: Lane) => Iterable<Value>) => lanes.flatMap(lane => [...of(lane)]);
  for (const number of all(({ debits }) => debits)) owed.set(number, 'credit');
  const takenBack = new Set<number>();
  for (const [number, how] of all(({ seconds }) => seconds)) {
    if (!owed.has(number)) {
      if (how === 'done') takenBack.add(number);
    } else if (how === 'done') owed.delete(number);
    else owed.set(number, 'refund');
  }
  for (const number of all(({ refunds }) => refunds)) owed.delete(number);
  for (const number of takenBack) {
    const undone = back.takenBack.get(number);
    if (undone === undefined) throw new Error(`transfer ${number} has come back half`);
    expected.balances.set(undone.to, expected.balances.get(undone.to)! - undone.amount);
  }
  if (back.takenBack.size !== takenBack.size) throw new Error('a transfer was taken back that was whole');
  // A second half that is refused changes nothing, so whether it is in cannot be told from the balances.
  const seconds = new Set(
    told.flatMap(({ pushed }) => pushed.filter(({ kind }) => kind === 'credit')).map(each => each.number),
  );
  for (const [number, how] of back.owed) if (owed.has(number) && seconds.has(number)) owed.set(number, how);
  same('owed', owed, back.owed);
  same('ids', expected.ids, back.ids);
  for (const [user, balance] of expected.balances) if (balance === 0) expected.balances.delete(user);
  const notZero = new Map([...back.balances].filter(([, balance]) => balance !== 0));
  same('balances', expected.balances, notZero);
}

function same(
  what: string,
  expected: ReadonlyMap<unknown, unknown>,
  found: ReadonlyMap<unknown, unknown>,
): void {
  for (const [key, value] of expected)
    if (found.get(key) !== value)
      throw new Error(`${what}: ${key}: ${found.get(key)} came back, not ${value}`);
  for (const key of found.keys())
    if (!expected.has(key)) throw new Error(`${what}: ${key} came from nowhere`);
}
