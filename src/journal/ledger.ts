/**
 * Users and balances, as blocks make them: what the workers did, done again.
 */
import { BALANCE_MAX, type Decided, decide, OVERFLOWED, outcomeOf } from '../engine/deciding.ts';
import { EXTRA_FLOATS, ExtraKind, ExtraWord, KIND_MASK } from '../engine/extra.ts';
import { Ids, idsMemory } from '../engine/ids.ts';
import { RICH, USER_MASK } from '../engine/ring.ts';
import { Outcome } from '../protocol/outcome.ts';
import { NAME_HEADER_BYTES, nameRecordBytes } from './format.ts';
import type { Block } from './lane-reader.ts';
import { Transits } from './transits.ts';

/** What else is known of a rich event. */
export interface Rich {
  kind: ExtraKind;
  /** Of a transfer: the other user. */
  other: number;
  /** It had been decided before. */
  isDuplicate: boolean;
}

/**
 * Called for each event: its user's index, what it adds, and its answer (engine/deciding.ts). `rich`, of a rich one, is
 * valid during the call only.
 */
export type OnEvent = (user: number, amount: number, answer: number, at: number, rich?: Rich) => void;

/** By what the events of an epoch were decided. */
export interface Rules {
  /** How many ids each lane remembers at most, and for how long. */
  idsMax: number;
  idsMs: number;
  /** Every block was on the disk before its events were told. */
  isDurable: boolean;
}

/** Of a journal of version 1, which had no ids. */
export const RULES_1: Rules = { idsMax: 0, idsMs: 0, isDurable: false };

export class Ledger {
  /** By index; NaN where there is no user. */
  balances = new Float64Array(1_024).fill(Number.NaN);
  users = 0;
  /** Slots of the blocks applied that were requests for balances. */
  reads = 0;
  /** Indices are below this. */
  indexEnd = 0;
  readonly transits = new Transits();
  readonly rules: Rules;
  /** Of each lane that has some. */
  readonly #ids: Ids[] = [];
  readonly #decided: Decided = {
    ...{ processed: 0, overflowed: 0, insufficient: 0 },
    ...{ reused: 0, duplicate: 0, idsFull: 0 },
  };
  readonly #rich: Rich = { kind: ExtraKind.event, other: 0, isDuplicate: false };
  /** Of every user's name: where in the arena, and how long. */
  #nameAt = new Float64Array(1_024);
  #nameBytes = new Uint8Array(1_024);
  #arena = Buffer.allocUnsafe(65_536);
  #arenaEnd = 0;

  constructor(rules = RULES_1) {
    this.rules = rules;
  }

  /** The ids of a lane; there is room for `count` at least. */
  idsOf(lane: number, count = 0): Ids {
    const { idsMax, idsMs } = this.rules;
    const slots = Math.max(idsMax, count);
    this.#ids[lane] ??= new Ids(idsMemory(slots === 0 ? 0 : 2 ** Math.ceil(Math.log2(slots))), idsMax, idsMs);
    return this.#ids[lane];
  }

  /** Those of all lanes; undefined where there are none. */
  get ids(): readonly (Ids | undefined)[] {
    return this.#ids;
  }

  /** How many there are. */
  get idCount(): number {
    return this.#ids.reduce((sum, ids) => sum + ids.count, 0);
  }

  /** Adds a user; false if the index is taken. */
  add(index: number, balance: number, name: Uint8Array): boolean {
    if (index >= this.balances.length) this.#grow(index);
    if (!Number.isNaN(this.balances[index]!)) return false;
    this.balances[index] = balance;
    if (this.#arenaEnd + name.length > this.#arena.length) {
      const arena = Buffer.allocUnsafe(2 * this.#arena.length);
      arena.set(this.#arena.subarray(0, this.#arenaEnd));
      this.#arena = arena;
    }
    this.#arena.set(name, this.#arenaEnd);
    this.#nameAt[index] = this.#arenaEnd;
    this.#nameBytes[index] = name.length;
    this.#arenaEnd += name.length;
    this.users += 1;
    this.indexEnd = Math.max(this.indexEnd, index + 1);
    return true;
  }

  has(index: number): boolean {
    return index < this.indexEnd && !Number.isNaN(this.balances[index]!);
  }

  /** Valid until the next user is added. */
  nameOf(index: number): Buffer {
    const at = this.#nameAt[index]!;
    return this.#arena.subarray(at, at + this.#nameBytes[index]!);
  }

  nameBytesOf(index: number): number {
    return this.#nameBytes[index]!;
  }

  /** For a million of them: makes no view of each. */
  copyName(index: number, into: Uint8Array, at: number): void {
    const from = this.#nameAt[index]!;
    this.#arena.copy(into, at, from, from + this.#nameBytes[index]!);
  }

  /**
   * Applies a block of a lane. Returns what is wrong with it, or undefined; a block that is wrong was not written by
   * Tally.
   */
  apply(lane: number, block: Block, onEvent?: OnEvent): string | undefined {
    const { words, floats, slotsAt, events } = block;
    if (!this.#addNames(block)) return `block ${block.number} gives an index to two users`;
    const { balances, indexEnd } = this;
    let { amountsAt, extrasAt } = block;
    const extrasEnd = extrasAt + block.extras * EXTRA_FLOATS;
    if (block.extras > 0) this.#forget(lane, block.timeMs);
    const amountsEnd = amountsAt + block.amounts;
    for (let event = 0; event < events; event++) {
      const word = words[slotsAt + 2 * event]!;
      const user = word & USER_MASK;
      if (word < 0 && amountsAt >= amountsEnd) return `block ${block.number} has too few amounts`;
      const amount = word < 0 ? floats[amountsAt++]! : words[slotsAt + 2 * event + 1]!;
      const sum = balances[user]! + amount;
      // The user is unknown: its balance is undefined or NaN.
      if (user >= indexEnd || Number.isNaN(sum))
        return `block ${block.number} has an event of a user without a name`;
      if ((word & RICH) !== 0) {
        if (extrasAt >= extrasEnd) return `block ${block.number} has too few extras`;
        const answer = this.#applyRich(lane, block, user, amount, extrasAt * 2);
        if (Number.isNaN(answer)) return `block ${block.number} has a transfer to a user without a name`;
        extrasAt += EXTRA_FLOATS;
        // The later halves of a transfer are no events.
        if (this.#rich.kind >= ExtraKind.credit) this.reads += 1;
        else onEvent?.(user, amount, answer, event, this.#rich);
        continue;
      }
      if (amount === 0) this.reads += 1;
      const isOver = sum > BALANCE_MAX || sum < -BALANCE_MAX;
      if (!isOver) balances[user] = sum;
      if (onEvent !== undefined && amount !== 0) onEvent(user, amount, isOver ? OVERFLOWED : sum, event);
    }
    return undefined;
  }

  #forget(lane: number, timeMs: number): void {
    const ids = this.idsOf(lane);
    ids.forget(Math.max(timeMs, ids.lastMs));
  }

  /** NaN: the other user of a transfer is not known. */
  #applyRich(lane: number, block: Block, user: number, amount: number, at: number): number {
    const { words } = block;
    const { balances } = this;
    const rich = this.#rich;
    rich.kind = (words[at + ExtraWord.kind]! & KIND_MASK) as ExtraKind;
    rich.other = words[at + ExtraWord.other]!;
    const isTransfer = rich.kind === ExtraKind.transfer || rich.kind === ExtraKind.debit;
    if (isTransfer && !this.has(rich.other)) return Number.NaN;
    const ids = this.idsOf(lane);
    const decided = this.#decided;
    const duplicates = decided.duplicate;
    const nowMs = Math.max(block.timeMs, ids.lastMs);
    const answer = decide(balances, ids, user, amount, block, at, nowMs, decided);
    rich.isDuplicate = decided.duplicate !== duplicates;
    if (rich.kind >= ExtraKind.debit) {
      const isDone = outcomeOf(answer) === Outcome.accepted && !rich.isDuplicate;
      this.transits.note(user, amount, block, at, isDone);
    }
    return answer;
  }

  #addNames({ view, namesAt, nameBytes }: Block): boolean {
    for (let at = namesAt; at < namesAt + nameBytes; ) {
      const index = view.getUint32(at + 4, true);
      const bytes = view.getUint32(at + 8, true);
      const name = new Uint8Array(view.buffer, view.byteOffset + at + NAME_HEADER_BYTES, bytes);
      // Both lanes of a transfer may tell the name of who gets it.
      const isKnown = this.has(index) && this.nameOf(index).equals(name);
      if (!isKnown && !this.add(index, 0, name)) return false;
      at += nameRecordBytes(bytes);
    }
    return true;
  }

  #grow(index: number): void {
    const length = 2 ** Math.ceil(Math.log2(index + 1));
    const balances = new Float64Array(length).fill(Number.NaN);
    balances.set(this.balances);
    this.balances = balances;
    const nameAt = new Float64Array(length);
    nameAt.set(this.#nameAt);
    this.#nameAt = nameAt;
    const nameBytes = new Uint8Array(length);
    nameBytes.set(this.#nameBytes);
    this.#nameBytes = nameBytes;
  }
}
