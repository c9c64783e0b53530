/** What the clients of one run want: events and transfers of a few users of its own, and balances. */
import type { Wish } from '../history.ts';
import { Savers } from '../savers.ts';

const PAYERS = 20;
const SAVERS = 6;
const AMOUNT_MAX = 100_000;
/** Of all that is wanted. */
const READS = 0.3;
const FRESH = 0.15;
const TRANSFERS = 0.3;
/** Of events. */
const WITH_ID = 0.6;
/** To somebody who has almost all that a balance can hold: they are given back. */
const TO_RICH = 0.05;

export class Wishes {
  readonly rich: string;
  readonly #run: string;
  readonly #random: () => number;
  readonly #savers: Savers;
  #made = 0;
  #lastUser: string;

  /** `run`: part of all names. */
  constructor(run: string, random: () => number) {
    this.#run = run;
    this.#random = random;
    this.rich = `rich ${run}`;
    this.#savers = new Savers(` ${run}`);
    this.#lastUser = this.#payer(0);
  }

  /** Before all others. */
  first(): Wish {
    return {
      kind: 'event',
      user: this.rich,
      amount: Number.MAX_SAFE_INTEGER,
      isWaiting: true,
      id: this.#id(),
    };
  }

  next(): Wish {
    const random = this.#random;
    const drawn = random();
    if (drawn < READS) return { kind: drawn < FRESH ? 'fresh' : 'balance', user: this.#lastUser, amount: 0 };
    return drawn < READS + TRANSFERS ? this.#transfer() : this.#event();
  }

  #transfer(): Wish {
    const from = this.#below(PAYERS);
    const drawn = this.#random();
    const other = {
      user: this.#payer((from + 1 + this.#below(PAYERS - 1)) % PAYERS),
      amount: this.#amount(),
    };
    const toRich = { user: this.rich, amount: this.#amount() };
    const to =
      drawn < 0.3 ? this.#savers.transfer(this.#below(SAVERS)) : drawn < 0.3 + TO_RICH ? toRich : other;
    this.#note(to.user);
    const base = { user: this.#payer(from), to: to.user, amount: to.amount, id: this.#id() };
    return { kind: 'transfer', ...base, ...this.#min() };
  }

  #event(): Wish {
    const random = this.#random;
    const isGift = random() < 0.4;
    const sign = random() < 0.4 ? -1 : 1;
    const to = isGift
      ? this.#savers.event(this.#below(SAVERS))
      : { user: this.#payer(this.#below(PAYERS)), amount: sign * this.#amount() };
    this.#note(to.user);
    return {
      ...{ kind: 'event', user: to.user, amount: to.amount },
      ...(random() < 0.3 && { isWaiting: true }),
      ...(random() < WITH_ID && { id: this.#id() }),
      ...(!isGift && this.#min()),
    };
  }

  #min(): { min?: number } {
    return this.#random() < 0.3 ? { min: Math.round((this.#random() - 0.7) * 3 * AMOUNT_MAX) } : {};
  }

  /** Who asks is often interested in what was just done. */
  #note(user: string): void {
    if (this.#random() < 0.6) this.#lastUser = user;
  }

  #amount(): number {
    return 1 + this.#below(AMOUNT_MAX);
  }

  #payer(payer: number): string {
    return `payer ${payer} ${this.#run}`;
  }

  #id(): string {
    return `${this.#run}-${this.#made++}`;
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}
