/**
 * Where an event goes: to the lane of the worker that owns its user, who is added if it is new.
 */
import type { ParsedRequest } from '../protocol/request.ts';
import type { Lane } from './lane.ts';
import type { UserLimits } from './user-limits.ts';
import { NOBODY, type UserTable } from './user-table.ts';

/** Results of `userOf` that are not users: the ring has no room, or the table has none, or the user sends too much. */
const BUSY = -1;
export const FULL = -2;
export const LIMITED = -3;

/** The event was neither accepted nor refused, and not counted: to be submitted again when there is room. */
export const NO_ROOM = -1;
export type NoRoom = typeof NO_ROOM;

export class Owners {
  readonly #users: UserTable;
  readonly #lanes: readonly Lane[];
  readonly #names: DataView;
  /** What a user may send, if that is limited. */
  limits: UserLimits | undefined;

  constructor(users: UserTable, lanes: readonly Lane[], names: DataView) {
    this.#users = users;
    this.#lanes = lanes;
    this.#names = names;
  }

  laneOf(hash: number): Lane {
    return this.#lanes[this.#users.workerOf(hash)]!;
  }

  /** The user of an event, added if new; below 0 if that can't be. */
  userOf(event: ParsedRequest, lane: Lane, isAsking: boolean): number {
    const user = this.#users.find(event);
    if (user === NOBODY) return this.#newUser(event, lane, isAsking);
    return this.mayTake(user) ? user : LIMITED;
  }

  #newUser(event: ParsedRequest, lane: Lane, isAsking: boolean): number {
    if (this.#users.isFull) return FULL;
    // Only an accepted event adds a user. Room seen here remains until the push: workers only make more.
    if (!lane.hasRoomForNew(event.nameBytes, isAsking)) return BUSY;
    const index = this.#users.add(event);
    lane.addName(index, this.#names, event);
    // The first event of a user is within every limit.
    this.mayTake(index);
    return index;
  }

  /** There is no room for the event that was just taken from its user: it comes again. */
  comesAgain(): NoRoom {
    this.limits?.giveBack();
    return NO_ROOM;
  }

  mayTake(user: number): boolean {
    return this.limits === undefined || this.limits.take(user);
  }
}
