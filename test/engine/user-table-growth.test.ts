/** The table of users while it grows: records are split a few at a time, and everyone must be found at every moment. */
import { describe, expect, test } from 'vitest';
import { balanceSlotsFor } from '../../src/engine/user-indices.ts';
import { ALL_VISITED, type Name, NOBODY, UserTable, type Visit } from '../../src/engine/user-table.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { USER_BYTES_MAX } from '../../src/protocol/limits.ts';

/** Names up to here lie in the table's record, longer ones in the arena. */
const INLINE_BYTES = 20;
const LENGTHS = [
  8,
  INLINE_BYTES - 1,
  INLINE_BYTES,
  INLINE_BYTES + 1,
  9,
  INLINE_BYTES + 2,
  40,
  USER_BYTES_MAX,
];

const SEED = drawHashSeed();

type Hash = (user: number, names: DataView, at: number, bytes: number) => number;

const mixed = (user: number) => Math.imul(user ^ (user >>> 7), 0x9e3779b1);
const HASHES: Record<string, Hash> = {
  'the hash of names': (_, names, at, bytes) => hashName(names, at, bytes, SEED),
  'all in one shard': user => (5 << 24) | (mixed(user) >>> 8),
  'sixteen of a hash': user => mixed(user >> 4),
  'all at the last record of any table, in every shard': user => (user << 24) | 0xffffff,
  'all at the last records of any table': user => (user << 24) | 0xfffff0 | (user & 15),
  'in a row around the end of any table': user => (-100 + (user % 200)) | 0,
  'all the same': () => 0x7fffffff,
  'all at the first record or the last of any table': user => -(user & 1),
};

/** Many names that lie on one desk, each at a place of its own among other bytes, and a table of them. */
class Crowd {
  readonly users: UserTable;
  readonly indices: number[] = [];
  readonly #places: Name[] = [];

  constructor(users: number, usersMax: number, hash: Hash, length = (user: number) => LENGTHS[user & 7]!) {
    const desk = Buffer.alloc((users + 1) * (USER_BYTES_MAX + 3) + 4, 0xa5);
    const names = new DataView(desk.buffer, desk.byteOffset, desk.length);
    this.users = new UserTable(names, usersMax, 3);
    // Names of one length differ only in their last bytes.
    for (let user = 0, at = 0; user < users; user++) {
      const bytes = length(user);
      desk.write(`${user}`.padStart(bytes, 'x'), at, 'latin1');
      this.#places.push({ nameAt: at, nameBytes: bytes, hash: hash(user, names, at, bytes) });
      at += bytes + (user & 3);
    }
  }

  find(user: number): number {
    return this.users.find(this.#places[user]!);
  }

  add(): void {
    this.indices.push(this.users.add(this.#places[this.indices.length]!));
  }

  /** Who is found as somebody else, or not at all, or though not added yet. Looks at every `step`th. */
  wrong(from = 0, step = 1): number | undefined {
    const { indices } = this;
    for (let user = from; user < indices.length; user += step)
      if (this.find(user) !== indices[user]) return user;
    for (let user = indices.length; user < Math.min(indices.length + 8, this.#places.length); user++)
      if (this.find(user) !== NOBODY) return user;
    return undefined;
  }

  /** Counts in `visited`, by index, how often each is shown. */
  visit(visited: Int32Array): Visit {
    return (bytes, at, length, index, hash) => {
      const name = bytes.subarray(at, at + length);
      visited[index]! += 1;
      const user = Number(/\d+$/.exec(Buffer.from(name).toString('latin1'))![0]);
      if (this.indices[user] !== index || this.#places[user]!.hash !== hash) visited[index] = -1_000;
    };
  }

  /** Visits everybody in stretches, and adds `newcomers` behind each: who of those that were there was not shown. */
  missedInStretches(records: number, newcomers: number): number | undefined {
    const before = this.indices.length;
    const visited = new Int32Array(balanceSlotsFor(this.users.usersMax));
    const show = this.visit(visited);
    for (let from = 0; from !== ALL_VISITED; ) {
      from = this.users.visit(show, from, records);
      for (let left = newcomers; left > 0 && !this.users.isFull; left--) this.add();
    }
    const missed = this.indices.slice(0, before).findIndex(index => visited[index]! < 1);
    return missed < 0 ? undefined : missed;
  }

  /** What is wrong with a visit of everybody. */
  wrongVisit(): string | undefined {
    const visited = new Int32Array(balanceSlotsFor(this.users.usersMax));
    this.users.visit(this.visit(visited));
    const user = this.indices.findIndex(index => visited[index] !== 1);
    if (user >= 0) return `user ${user} was visited ${visited[this.indices[user]!]} times`;
    const sum = visited.reduce((total, times) => total + times, 0);
    return sum === this.indices.length ? undefined : `${sum} were visited, not ${this.indices.length}`;
  }

  expectUnique(): void {
    expect(new Set(this.indices).size).toBe(this.indices.length);
    expect(Math.min(...this.indices)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...this.indices)).toBeLessThan(balanceSlotsFor(this.users.usersMax));
  }
}

// The table has 1024 records, then 2048, 4096, …; each doubling begins at a half of them, and ends before 6/8.
test.each(['the hash of names', 'all in one shard', 'sixteen of a hash'])(
  'everyone is found after every addition, through three doublings: %s',
  name => {
    const users = 3_500;
    const crowd = new Crowd(users + 8, users, HASHES[name]!);
    for (let user = 0; user < users; user++) {
      crowd.add();
      const wrong = crowd.wrong();
      if (wrong !== undefined) expect.fail(`user ${wrong} is wrong when there are ${user + 1}`);
    }
    crowd.expectUnique();
  },
);

// Every look-up walks past nearly everybody, so not everyone is looked up every time.
test.each(Object.keys(HASHES))('nobody is lost while records move, through two doublings: %s', name => {
  const users = 1_600;
  const crowd = new Crowd(users + 8, users, HASHES[name]!);
  for (let user = 0; user < users; user++) {
    crowd.add();
    const wrong = crowd.wrong(user % 7, 7);
    if (wrong !== undefined) expect.fail(`user ${wrong} is wrong when there are ${user + 1}`);
    if (user % 31 === 0) expect(crowd.wrongVisit(), `${user + 1} users`).toBeUndefined();
  }
  expect(crowd.wrong()).toBeUndefined();
  crowd.expectUnique();
});

// One by one, a table is visited in more stretches than there are records to split; in larger ones, in the midst of a split.
test.each(Object.keys(HASHES))('nobody is missed by a visit in stretches while users come: %s', name => {
  for (const [users, records, newcomers] of [
    [600, 1, 1],
    [630, 7, 9],
    [700, 40, 25],
    [1_000, 100, 60],
    [1_290, 3, 2],
    [400, 64, 80],
  ] as const) {
    const usersMax = 1_600;
    const crowd = new Crowd(usersMax + 8, usersMax, HASHES[name]!);
    for (let user = 0; user < users; user++) crowd.add();
    const missed = crowd.missedInStretches(records, newcomers);
    expect(missed, `of ${users}, with ${newcomers} more behind each ${records} records`).toBeUndefined();
    expect(crowd.wrongVisit()).toBeUndefined();
  }
});

test('the table may be full at any moment of growing, and still knows everyone and nobody else', () => {
  for (const usersMax of [511, 512, 513, 514, 640, 767, 768, 769, 1_000, 1_024, 1_025, 1_537]) {
    const crowd = new Crowd(usersMax + 8, usersMax, HASHES['sixteen of a hash']!);
    for (let user = 0; user < usersMax; user++) crowd.add();
    expect(crowd.users.isFull).toBe(true);
    expect(() => crowd.add()).toThrow('is full');
    expect(crowd.users.users).toBe(usersMax);
    expect(crowd.wrong(), `${usersMax} users`).toBeUndefined();
    expect(crowd.wrongVisit(), `${usersMax} users`).toBeUndefined();
    crowd.expectUnique();
  }
});

describe('names around the length that lies in a record', () => {
  test.each(Object.keys(HASHES))('are kept apart and found, also when the table doubled: %s', name => {
    const around = (user: number) => INLINE_BYTES - 1 + (user % 4);
    const crowd = new Crowd(1_608, 1_600, HASHES[name]!, around);
    for (let user = 0; user < 1_600; user++) crowd.add();
    expect(crowd.wrong()).toBeUndefined();
    crowd.expectUnique();
  });

  test.each([INLINE_BYTES, INLINE_BYTES + 1])('differ by any one byte: %i bytes', bytes => {
    const desk = Buffer.alloc(256, 0xa5);
    const names = new DataView(desk.buffer, desk.byteOffset, desk.length);
    const users = new UserTable(names, 400, 1);
    const hash = 0x01ffffff;
    const lay = (at: number, other: number) => {
      desk.fill(0x61, at, at + bytes);
      if (other >= 0) desk[at + other]! ^= 0x80;
    };
    const indices = Array.from({ length: bytes + 1 }, (_, other) => {
      lay(7, other - 1);
      expect(users.find({ nameAt: 7, nameBytes: bytes, hash })).toBe(NOBODY);
      return users.add({ nameAt: 7, nameBytes: bytes, hash });
    });
    // As long as another, and nothing but its beginning.
    lay(7, -1);
    for (const shorter of [1, 4, bytes - 1])
      expect(users.find({ nameAt: 7, nameBytes: shorter, hash }), `${shorter} bytes`).toBe(NOBODY);
    for (let at = 0; at < 9; at++) {
      desk.fill(at * 37);
      for (const [other, index] of indices.entries()) {
        lay(at, other - 1);
        expect(users.find({ nameAt: at, nameBytes: bytes, hash })).toBe(index);
      }
    }
    expect(new Set(indices).size).toBe(bytes + 1);
  });

  test.each([1, INLINE_BYTES, INLINE_BYTES + 1, USER_BYTES_MAX])(
    'a users for one user has room for a name of %i bytes, and for no other',
    bytes => {
      const crowd = new Crowd(
        2,
        1,
        () => -1,
        () => bytes,
      );
      expect(crowd.find(0)).toBe(NOBODY);
      crowd.add();
      expect(crowd.wrong()).toBeUndefined();
      expect(crowd.users.isFull).toBe(true);
      expect(() => crowd.add()).toThrow('the table of 1 users is full');
      expect(crowd.wrong()).toBeUndefined();
    },
  );
});
