/**
 * The money of the built-in load: who should have what, so that each node can be asked whether it agrees.
 *
 * Balances that change can't be compared with those of another node. So the users are two sets: while events are made
 * for one, those of the other are decided, and then its balances stand still. The sets take turns, and balances add up
 * over all turns: what was ever lost is missing from then on.
 */
import { randomBytes } from 'node:crypto';

const USERS = 64;
const AMOUNT_MAX = 100;
/** One in so many is a transfer. */
const TRANSFER_EVERY = 4;
const RUN_BYTES = 3;

/** What a client wants, until it is decided. */
export interface Payment {
  readonly set: UserSet;
  /** Of who buys; of a transfer, who gets. */
  readonly to: number;
  /** Of a transfer: who gives. */
  readonly from: number | undefined;
  readonly amount: number;
  /** With its newline. */
  readonly line: string;
}

/** A set of users, and what they should have. */
export class UserSet {
  readonly names: readonly string[];
  readonly balances: number[];
  /** Payments that are not decided. */
  open = 0;
  /** Payments that were accepted. */
  accepted = 0;

  constructor(prefix: string) {
    this.names = Array.from({ length: USERS }, (_, user) => `${prefix}${user}`);
    this.balances = this.names.map(() => 0);
  }
}

export class Books {
  readonly sets: readonly [UserSet, UserSet];
  /** Payments that were refused because the giver had too little. */
  refused = 0;
  #turn = 0;
  #drawn = 0;
  /** No other run has the same ids and users. */
  readonly #run = randomBytes(RUN_BYTES).toString('hex');

  constructor() {
    this.sets = [new UserSet(`${this.#run}-a`), new UserSet(`${this.#run}-b`)];
  }

  get accepted(): number {
    return this.sets[0].accepted + this.sets[1].accepted;
  }

  /** The set for which payments are made now. */
  get active(): UserSet {
    return this.sets[this.#turn]!;
  }

  /** Payments are made for the other set from now on. Returns the one that will stand still. */
  turn(): UserSet {
    const before = this.active;
    this.#turn = 1 - this.#turn;
    return before;
  }

  draw(): Payment {
    this.#drawn += 1;
    const set = this.active;
    set.open += 1;
    const to = Math.floor(Math.random() * USERS);
    const amount = 1 + Math.floor(Math.random() * AMOUNT_MAX);
    const id = `${this.#run}-${this.#drawn}`;
    const user = set.names[to];
    if (this.#drawn % TRANSFER_EVERY !== 0)
      return { set, to, from: undefined, amount, line: lineOf({ user, action: 'buy', amount, id }) };
    const from = (to + 1 + Math.floor(Math.random() * (USERS - 1))) % USERS;
    const line = lineOf({ type: 'transfer', from: set.names[from], to: user, amount, id, min: 0 });
    return { set, to, from, amount, line };
  }

  /** The payment was decided. */
  decided({ set, to, from, amount }: Payment, isAccepted: boolean): void {
    set.open -= 1;
    if (!isAccepted) {
      this.refused += 1;
      return;
    }
    set.accepted += 1;
    set.balances[to]! += amount;
    if (from !== undefined) set.balances[from]! -= amount;
  }
}

function lineOf(request: object): string {
  return `${JSON.stringify(request)}\n`;
}
