/**
 * The balances of many users, for whoever lists them. A few are asked for at a time, so that events find room in the
 * rings beside them.
 */
import type { Owners } from './owners.ts';
import type { Position } from './position.ts';

/** A user as the table shows it. */
export interface Indexed {
  readonly index: number;
  readonly hash: number;
}

const ASKED_AT_ONCE = 64;

export class Reading {
  readonly #owners: Owners;
  readonly #balances: Float64Array;

  constructor(owners: Owners, balances: Float64Array) {
    this.#owners = owners;
    this.#balances = balances;
  }

  /**
   * The balance of each, after every event accepted before the call, or later: each at a moment of its own. With a
   * journal, what they reflect is in it. Resolves when the owners have told them; if these are gone, never.
   */
  async balancesOf(users: readonly Indexed[]): Promise<number[]> {
    const balances: number[] = [];
    for (let at = 0; at < users.length; at += ASKED_AT_ONCE) {
      const asked = [];
      for (const user of users.slice(at, at + ASKED_AT_ONCE)) asked.push(await this.#ask(user));
      for (const each of asked) balances.push(typeof each === 'number' ? each : await reached(each));
    }
    return balances;
  }

  async #ask({ index, hash }: Indexed): Promise<number | Position> {
    const lane = this.#owners.laneOf(hash);
    for (;;) {
      // Settled: its worker changes no balance until it gets the next event.
      if (lane.isSettled) return this.#balances[index]!;
      const position = lane.tryAsk(index, 0);
      lane.publish();
      if (position !== undefined) return position;
      await new Promise<void>(resolve => lane.whenRoom(resolve));
    }
  }
}

function reached(position: Position): Promise<number> {
  return new Promise(resolve => {
    const tell = () => resolve(position.balance);
    if (position.isReached) tell();
    else position.waiter = { reached: tell };
  });
}
