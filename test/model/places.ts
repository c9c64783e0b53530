/**
 * The places for the answers of a lane, as many as it has slots. Who takes one gives it back when it is applied and the
 * engine has looked; the entries of one visit whose replies are made give theirs back only together.
 */

/** Entries of one visit, or one entry that somebody waits for. */
export interface Group {
  count: number;
  applied: number;
  /** So many may have given theirs back before the others came. */
  before: number;
  readonly visit: object | undefined;
}

/** Whether there is room: certainly, or perhaps. */
export interface Room {
  must: boolean;
  may: boolean;
}

export class Places {
  readonly #capacity: number;
  #groups: Group[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get room(): Room {
    const taken = this.#groups.filter(({ count, applied }) => applied < count);
    const most = taken.reduce((sum, { count }) => sum + count, 0);
    const least = taken.reduce((sum, { count, before }) => sum + count - before, 0);
    return { must: most < this.#capacity, may: least < this.#capacity };
  }

  /** `visit`: of an entry whose reply is made. */
  take(visit: object | undefined): Group {
    const last = this.#groups.at(-1);
    if (visit !== undefined && last?.visit === visit) {
      if (last.applied === last.count) last.before = last.count;
      last.count += 1;
      return last;
    }
    this.#groups = this.#groups.filter(({ count, applied }) => applied < count);
    const group = { count: 1, applied: 0, before: 0, visit };
    this.#groups.push(group);
    return group;
  }
}
