/** What clients of a journal send, drawn at random. */
import { hashName } from '../../src/protocol/hash.ts';
import { hashId } from '../../src/protocol/id-hash.ts';
import { emptyRequest, type ParsedRequest, Wants } from '../../src/protocol/request.ts';
import { ID_KEY } from './plan.ts';

const MAX = Number.MAX_SAFE_INTEGER;
export const SEED = { start: 7, first: 0x1234567, second: 0x7654321, id: ID_KEY };
/** So few that some come again. */
const IDS = 40;

/** By the first word of its hash. */
const idOf = new Map<number, string>();

export function idWith(hash: Int32Array): string {
  return idOf.get(hash[0]!)!;
}

function hashOf(id: string): Int32Array {
  const bytes = Buffer.concat([Buffer.from(id), Buffer.alloc(4)]);
  const hash = new Int32Array(4);
  hashId(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, id.length, ID_KEY, hash);
  idOf.set(hash[0]!, id);
  return hash;
}

/** So many may come again. */
const LAST = 12;

export interface Deed {
  user: string;
  /** Of a transfer. */
  to: string | undefined;
  terms: ParsedRequest;
}

export class Traffic {
  readonly #random: () => number;
  readonly #users: number;
  readonly #last: Deed[] = [];
  /** Where an engine looks for names. */
  readonly names = new DataView(new ArrayBuffer(512));

  constructor(random: () => number, users: number) {
    this.#random = random;
    this.#users = users;
  }

  user(): string {
    const number = Math.floor(this.#random() ** 2 * this.#users * 1.1);
    return number % 5 === 0 ? `user-${number}-${'x'.repeat(number % 110)}` : `u${number}`;
  }

  /** Lays a name there. */
  name(user: string, at = 0) {
    const bytes = Buffer.from(user);
    new Uint8Array(this.names.buffer).set(bytes, at);
    new Uint8Array(this.names.buffer).fill(0, at + bytes.length, at + bytes.length + 4);
    return { nameAt: at, nameBytes: bytes.length, hash: hashName(this.names, at, bytes.length, SEED) };
  }

  amount(): number {
    const kind = this.#random();
    const sign = this.#random() < 0.5 ? 1 : -1;
    if (kind < 0.8) return sign * (1 + Math.floor(this.#random() * 1e6));
    return sign * Math.ceil(this.#random() * MAX);
  }

  /** An event or a transfer with an id of a few, a minimum, or both; or one of the last, once more. */
  deed(): Deed {
    const again = this.#last[Math.floor(this.#random() * LAST * 3)];
    if (again !== undefined) return again;
    const what = Math.floor(this.#random() * 4);
    const wants = [Wants.id, Wants.id, Wants.min, Wants.id | Wants.min][what]! | Wants.wait;
    const terms = { ...emptyRequest(), amount: this.amount(), wants };
    terms.id.set(hashOf(`id-${Math.floor(this.#random() * IDS)}`));
    terms.min = this.#random() < 0.5 ? 0 : -this.amount();
    const deed: Deed = { user: this.user(), to: this.#random() < 0.4 ? this.user() : undefined, terms };
    if (deed.to === deed.user) deed.to = undefined;
    // Many are so large that the second half is refused.
    if (deed.to !== undefined)
      terms.amount = -Math.abs(this.#random() < 0.4 ? Math.ceil(this.#random() * MAX) : terms.amount);
    this.#last.unshift(deed);
    this.#last.length = Math.min(this.#last.length, LAST);
    return deed;
  }
}
