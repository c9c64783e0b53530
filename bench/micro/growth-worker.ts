/** One thread of the growth bench: adds users to one table, chunk by chunk, and finds all of them in the end. */
import { NOBODY, UserTable } from '../../src/engine/user-table.ts';
import { hashName } from '../../src/protocol/hash.ts';
import { ReplacedTable } from './replaced-table.ts';
import { answerWith, clockNs } from './thread.ts';

export type Way = 'server' | 'replaced';

export interface GrowthWork {
  way: Way;
  users: number;
  chunkUsers: number;
}

export interface GrowthAnswer {
  /** Of each chunk, in order. */
  chunkMs: Float64Array;
}

const USERS_MAX = 2 ** 24;
const NAME_BYTES = 12;
const WARM_UP_USERS = 100_000;
/** The same for every run, so that each chunk does the same work. */
const SEED = { start: 0x2545f491, first: 0x9e3779b1 | 0, second: 0x85ebca6b | 0 };

/** Names as long as those of a million users usually are, all on one desk. */
class Growth {
  readonly #names: DataView;
  readonly #bytes: Buffer;
  readonly #name = { nameAt: 0, nameBytes: NAME_BYTES, hash: 0 };
  readonly #table: UserTable | ReplacedTable;

  constructor(way: Way, chunkUsers: number) {
    this.#bytes = Buffer.alloc(chunkUsers * NAME_BYTES);
    this.#names = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    this.#table =
      way === 'server' ? new UserTable(this.#names, USERS_MAX, 1) : new ReplacedTable(this.#names);
  }

  /** Looks up each user of a chunk, and adds those that are not found. Resolves to how many, and how long it took. */
  visit(from: number, users: number): { added: number; ms: number } {
    for (let user = 0; user < users; user++)
      this.#bytes.write(`u${from + user}`.padEnd(NAME_BYTES, '-'), user * NAME_BYTES, 'latin1');
    let added = 0;
    const startNs = clockNs();
    for (let at = 0; at < users * NAME_BYTES; at += NAME_BYTES) {
      this.#name.nameAt = at;
      this.#name.hash = hashName(this.#names, at, NAME_BYTES, SEED);
      if (this.#table.find(this.#name) !== NOBODY) continue;
      this.#table.add(this.#name);
      added += 1;
    }
    return { added, ms: (clockNs() - startNs) / 1e6 };
  }
}

function run({ way, users, chunkUsers }: GrowthWork): GrowthAnswer {
  grow(new Growth(way, chunkUsers), Math.min(users, WARM_UP_USERS), chunkUsers);
  const growth = new Growth(way, chunkUsers);
  const chunkMs = grow(growth, users, chunkUsers);
  for (let from = 0; from < users; from += chunkUsers)
    if (growth.visit(from, Math.min(chunkUsers, users - from)).added > 0)
      throw new Error(`${way}: of the users from ${from} on, some were lost`);
  return { chunkMs };
}

function grow(growth: Growth, users: number, chunkUsers: number): Float64Array {
  const chunkMs = new Float64Array(Math.ceil(users / chunkUsers));
  for (let chunk = 0; chunk < chunkMs.length; chunk++) {
    const from = chunk * chunkUsers;
    const due = Math.min(chunkUsers, users - from);
    const { added, ms } = growth.visit(from, due);
    if (added !== due) throw new Error(`of ${due} new users ${due - added} were known`);
    chunkMs[chunk] = ms;
  }
  return chunkMs;
}

await answerWith(run);
