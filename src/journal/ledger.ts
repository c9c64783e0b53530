/**
 * Users and balances, as blocks make them: what the workers did, done again.
 */
import { NAME_HEADER_BYTES, nameRecordBytes } from './format.ts';
import type { Block } from './lane-reader.ts';

const BALANCE_MAX = Number.MAX_SAFE_INTEGER;
const USER_MASK = 0x7fffffff;

/** Called for each event: its user's index, what it adds, and the balance after it, or NaN if that would overflow. */
export type OnEvent = (user: number, amount: number, balance: number, at: number) => void;

export class Ledger {
  /** By index; NaN where there is no user. */
  balances = new Float64Array(1_024).fill(Number.NaN);
  users = 0;
  /** Slots of the blocks applied that were requests for balances. */
  reads = 0;
  /** Indices are below this. */
  indexEnd = 0;
  /** Of every user's name: where in the arena, and how long. */
  #nameAt = new Float64Array(1_024);
  #nameBytes = new Uint8Array(1_024);
  #arena = Buffer.allocUnsafe(65_536);
  #arenaEnd = 0;

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

  /** Applies a block. Returns what is wrong with it, or undefined; a block that is wrong was not written by Tally. */
  apply(block: Block, onEvent?: OnEvent): string | undefined {
    const { words, floats, slotsAt, events } = block;
    if (!this.#addNames(block)) return `block ${block.number} gives an index to two users`;
    const { balances, indexEnd } = this;
    let { amountsAt } = block;
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
      if (amount === 0) this.reads += 1;
      const isOver = sum > BALANCE_MAX || sum < -BALANCE_MAX;
      if (!isOver) balances[user] = sum;
      if (onEvent !== undefined && amount !== 0) onEvent(user, amount, isOver ? Number.NaN : sum, event);
    }
    return undefined;
  }

  #addNames({ view, namesAt, nameBytes }: Block): boolean {
    for (let at = namesAt; at < namesAt + nameBytes; ) {
      const index = view.getUint32(at + 4, true);
      const bytes = view.getUint32(at + 8, true);
      const name = new Uint8Array(view.buffer, view.byteOffset + at + NAME_HEADER_BYTES, bytes);
      if (!this.add(index, 0, name)) return false;
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
