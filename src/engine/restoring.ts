/**
 * Gives an engine what an earlier one had: users with balances and ids before the workers start, and what transfers owe
 * when they have.
 */
import type { Ids } from './ids.ts';
import type { Lane } from './lane.ts';
import type { Owed, Transfers } from './transfers.ts';
import type { Name, UserTable } from './user-table.ts';

export class Restoring {
  readonly #users: UserTable;
  readonly #balances: Float64Array;
  readonly #lanes: readonly Lane[];
  readonly #transfers: Transfers;

  constructor(users: UserTable, balances: Float64Array, lanes: readonly Lane[], transfers: Transfers) {
    this.#users = users;
    this.#balances = balances;
    this.#lanes = lanes;
    this.#transfers = transfers;
  }

  /** Returns the index of the user. */
  user(name: Name, balance: number): number {
    const user = this.#users.add(name);
    this.#balances[user] = balance;
    return user;
  }

  /** `fill` gives each lane the ids that it remembers. Returns those of each lane. */
  ids(fill: (lanes: readonly Ids[]) => void): readonly Ids[] {
    const restored = this.#lanes.map(lane => lane.idsToRestore());
    fill(restored.map(({ ids }) => ids));
    for (const { done } of restored) done();
    return restored.map(({ ids }) => ids);
  }

  /** Pays what is owed; resolves when that is done. */
  transfers(owed: readonly Owed[], workerOf: (user: number) => number): Promise<void> {
    return this.#transfers.settle(owed, user => this.#lanes[workerOf(user)]!);
  }
}
