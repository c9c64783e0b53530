import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { balanceSlotsFor } from '../../src/engine/user-indices.ts';
import { NOBODY, UserTable } from '../../src/engine/user-table.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { USER_BYTES_MAX } from '../../src/protocol/limits.ts';

const DESK_BYTES = 1_024;
const BALANCES_A_LINE = 8;

const SEED = drawHashSeed();

/** A table of users, and the memory in which the names to look up are laid, at odd places and among leftovers. */
class Office {
  readonly desk = Buffer.alloc(DESK_BYTES, 0xa5);
  readonly view = new DataView(this.desk.buffer, this.desk.byteOffset, DESK_BYTES);
  readonly users: UserTable;
  readonly #hash: (at: number, bytes: number) => number;

  constructor(
    usersMax: number,
    workers: number,
    hash: (view: DataView, at: number, bytes: number) => number = (view, at, bytes) =>
      hashName(view, at, bytes, SEED),
  ) {
    this.users = new UserTable(this.view, usersMax, workers);
    this.#hash = (at, bytes) => hash(this.view, at, bytes);
  }

  lay(name: Uint8Array, at: number) {
    this.desk.fill((at * 37) & 0xff);
    this.desk.set(name, at);
    return { nameAt: at, nameBytes: name.length, hash: this.#hash(at, name.length) };
  }

  find(name: Uint8Array, at = 0): number {
    return this.users.find(this.lay(name, at));
  }

  /** As the engine does it. */
  findOrAdd(name: Uint8Array, at = 0): number {
    const laid = this.lay(name, at);
    const found = this.users.find(laid);
    return found === NOBODY ? this.users.add(laid) : found;
  }

  workerOf(name: Uint8Array): number {
    return this.users.workerOf(this.lay(name, 0).hash);
  }
}

const bytesArbitrary = fc.uint8Array({ minLength: 1, maxLength: USER_BYTES_MAX });
/** Names that differ in little: the same letters in other lengths, zeros at the end, other last bytes. */
const likeArbitrary = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1, 0x61, 0x80, 0xff), fc.nat(3))
  .map(([length, last, zeros]) => {
    const name = new Uint8Array(length + zeros).fill(0x61);
    name[length - 1] = last;
    return name.fill(0, length);
  });
const longArbitrary = fc
  .integer({ min: USER_BYTES_MAX - 5, max: USER_BYTES_MAX })
  .map(length => new Uint8Array(length).fill(0x7a));
const nameArbitrary = fc.oneof(bytesArbitrary, likeArbitrary, longArbitrary);
const visitArbitrary = fc.record({ name: nameArbitrary, at: fc.nat(500), isFound: fc.boolean() });

/** From a good hash to one under which every name falls on every other. */
const HASHES = {
  'the hash of names': undefined,
  'a hash with 4 values': (view: DataView, at: number) => (view.getUint8(at) & 3) << 22,
  'a hash that is always the same': () => -1,
};

test('the table doubles many times over, and everyone is still found', () => {
  const users = 100_000;
  const office = new Office(users, 3);
  const indices = Array.from({ length: users }, (_, user) => office.findOrAdd(Buffer.from(`user${user}`)));
  expect(new Set(indices).size).toBe(users);
  for (let user = 0; user < users; user++)
    if (office.find(Buffer.from(`user${user}`)) !== indices[user]) expect.fail(`user${user} is not found`);
  expect(office.find(Buffer.from(`user${users}`))).toBe(NOBODY);
});

describe.each(Object.entries(HASHES))('the directory, with %s', (_, hash) => {
  test('does what a Map would do', () => {
    fc.assert(
      fc.property(fc.array(visitArbitrary, { maxLength: 80 }), visits => {
        const office = new Office(100, 3, hash);
        const model = new Map<string, number>();
        for (const { name, at, isFound } of visits) {
          const key = Buffer.from(name).toString('latin1');
          const known = model.get(key);
          if (isFound) {
            expect(office.find(name, at)).toBe(known ?? NOBODY);
          } else {
            const index = office.findOrAdd(name, at);
            if (known === undefined) expect([...model.values()]).not.toContain(index);
            else expect(index).toBe(known);
            model.set(key, index);
          }
          expect(office.users.users).toBe(model.size);
        }
        for (const [key, index] of model) {
          expect(office.find(Buffer.from(key, 'latin1'), 3)).toBe(index);
          expect(index).toBeGreaterThanOrEqual(0);
          expect(index).toBeLessThan(balanceSlotsFor(100));
        }
      }),
    );
  });
});

const nameOf = (user: number) => Buffer.from(`user-${user}`);

describe('the directory', () => {
  test('keeps apart names of every length, and the same ones with a zero byte behind them', () => {
    const office = new Office(300, 1);
    const seen = new Set<number>();
    for (let length = 1; length <= USER_BYTES_MAX; length++) {
      const name = Buffer.alloc(length, 0x61);
      seen.add(office.findOrAdd(name, length));
      if (length < USER_BYTES_MAX) seen.add(office.findOrAdd(Buffer.concat([name, Buffer.of(0)]), 1));
    }
    expect(seen.size).toBe(2 * USER_BYTES_MAX - 1);
    expect(office.users.users).toBe(2 * USER_BYTES_MAX - 1);
  });

  test('knows a name wherever it lies and whatever lies behind it', () => {
    const office = new Office(10, 1);
    const index = office.findOrAdd(Buffer.from('alice'), 0);
    for (let at = 0; at < 64; at++) expect(office.find(Buffer.from('alice'), at)).toBe(index);
    expect(office.find(Buffer.from('alice\0'), 0)).toBe(NOBODY);
    expect(office.find(Buffer.from('alic'), 0)).toBe(NOBODY);
  });

  test('adds no one once it is full, and still knows everyone', () => {
    for (const usersMax of [1, 2, 7, 8, 9, 100]) {
      const office = new Office(usersMax, 2);
      const indices = Array.from({ length: usersMax }, (_, user) => office.findOrAdd(nameOf(user)));
      expect(office.users.isFull).toBe(true);
      expect(() => office.findOrAdd(nameOf(usersMax))).toThrow(`the table of ${usersMax} users is full`);
      expect(office.find(nameOf(usersMax))).toBe(NOBODY);
      for (const [user, index] of indices.entries()) expect(office.find(nameOf(user))).toBe(index);
      expect(office.users.users).toBe(usersMax);
    }
  });

  test('has room for the longest names of all users', () => {
    const usersMax = 500;
    const office = new Office(usersMax, 2);
    const longName = (user: number) => Buffer.from(`${user}`.padEnd(USER_BYTES_MAX, 'x'));
    const indices = Array.from({ length: usersMax }, (_, user) => office.findOrAdd(longName(user)));
    for (const [user, index] of indices.entries()) expect(office.find(longName(user))).toBe(index);
  });

  test.each([
    [1, 5_000],
    [2, 5_000],
    [3, 300],
    [7, 5_000],
    [64, 5_000],
  ])('gives %i workers balances on lines of their own, and each user one: %i users', (workers, users) => {
    const office = new Office(users, workers);
    const ownerOfLine = new Map<number, number>();
    const indices = new Set<number>();
    for (let user = 0; user < users; user++) {
      const index = office.findOrAdd(nameOf(user));
      const worker = office.workerOf(nameOf(user));
      const line = Math.floor(index / BALANCES_A_LINE);
      expect(worker).toBeLessThan(workers);
      expect(ownerOfLine.get(line) ?? worker, `line ${line}`).toBe(worker);
      ownerOfLine.set(line, worker);
      indices.add(index);
    }
    expect(indices.size).toBe(users);
    expect(Math.max(...indices)).toBeLessThan(balanceSlotsFor(users));
    expect(new Set(ownerOfLine.values()).size).toBe(workers);
  });

  test('stays within its balances when every shard has just begun a line', () => {
    let shard = 0;
    const office = new Office(256 * 9, 4, () => (shard << 24) | shard);
    let highest = 0;
    for (let user = 0; user < 256 * 9; user++) {
      shard = user & 0xff;
      highest = Math.max(highest, office.findOrAdd(nameOf(user)));
    }
    expect(highest).toBeLessThan(balanceSlotsFor(256 * 9));
  });
});

describe('a table that is written down and restored', () => {
  const namesOf = (office: Office) => {
    const names: { index: number; name: string }[] = [];
    office.users.visit((bytes, at, length, index, hash) => {
      const name = bytes.subarray(at, at + length);
      expect(hash).toBe(office.lay(name, 0).hash);
      names.push({ index, name: Buffer.from(name).toString('latin1') });
    });
    return names.sort((one, other) => one.index - other.index);
  };

  test.each([1, 511, 513, 700, 5_000])(
    'knows %i users under their indices, and goes on as it would have',
    users => {
      const first = new Office(10_000, 3);
      // Of lengths that lie in the record and beside it, also while the table grows.
      const nameOf = (user: number) => Buffer.from(`user${user}`.padEnd((user % 40) + 1, '~'));
      for (let user = 0; user < users; user++) first.findOrAdd(nameOf(user));
      const written = namesOf(first);
      expect(written.length).toBe(first.users.users);
      // The number of workers may be another.
      const second = new Office(10_000, 5);
      for (const { name, index } of written)
        second.users.restore(second.lay(Buffer.from(name, 'latin1'), 2), index);
      expect(namesOf(second)).toEqual(written);
      for (let user = 0; user < users; user++)
        if (second.find(nameOf(user)) !== first.find(nameOf(user)))
          expect.fail(`user ${user} is another one`);
      for (let user = users; user < users + 500; user++)
        expect(second.findOrAdd(nameOf(user)), `new user ${user}`).toBe(first.findOrAdd(nameOf(user)));
    },
  );
});
