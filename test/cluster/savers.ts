/**
 * Users who only get, and each amount once: the powers of two. So a balance of theirs says exactly what is in it, as long
 * as each gets few.
 */

/** Small enough that those who pay have so much. */
const TRANSFERS = 8;
const POWERS = 53;
const PREFIX = 'saver';

export interface Gift {
  readonly user: string;
  readonly amount: number;
}

export class Savers {
  readonly #suffix: string;
  /** By saver: how many transfers and events have been given. */
  readonly #given: { transfers: number; events: number }[] = [];

  /** `suffix`: of their names. */
  constructor(suffix: string) {
    this.#suffix = suffix;
  }

  /** For an event to somebody who has room for one; of those with the lowest numbers, `choice` is taken. */
  event(choice: number): Gift {
    const saver = this.#withRoom('events', POWERS - TRANSFERS, choice);
    const power = TRANSFERS + this.#given[saver]!.events++;
    return { user: this.#name(saver), amount: 2 ** power };
  }

  transfer(choice: number): Gift {
    const saver = this.#withRoom('transfers', TRANSFERS, choice);
    const power = this.#given[saver]!.transfers++;
    return { user: this.#name(saver), amount: 2 ** power };
  }

  #withRoom(what: 'transfers' | 'events', most: number, choice: number): number {
    let left = choice;
    for (let saver = 0; ; saver++) {
      if (saver === this.#given.length) this.#given.push({ transfers: 0, events: 0 });
      if (this.#given[saver]![what] < most && left-- === 0) return saver;
    }
  }

  #name(saver: number): string {
    return `${PREFIX} ${saver}${this.#suffix}`;
  }
}

export function isSaver(user: string): boolean {
  return user.startsWith(PREFIX);
}
