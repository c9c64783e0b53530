/** Pages of users are those that sorting all names gives, however the table is looked through. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPage, type Page } from '../../src/admin/user-page.ts';
import { UserTable } from '../../src/engine/user-table.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';

const SEED = drawHashSeed();
const desk = Buffer.alloc(256);
const view = new DataView(desk.buffer, desk.byteOffset, desk.length);

class Town {
  readonly table = new UserTable(view, 10_500, 3);
  readonly names = new Map<string, number>();

  add(name: string): void {
    if (this.names.has(name)) return;
    const nameBytes = desk.write(name);
    this.names.set(name, this.table.add({ nameAt: 0, nameBytes, hash: hashName(view, 0, nameBytes, SEED) }));
  }

  /** `between` is called between two steps. */
  page(prefix: string, after: string, limit: number, between: () => void = () => {}): Page {
    const options = { prefix: Buffer.from(prefix), after: Buffer.from(after), limit };
    const steps = findPage(this.table, options);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value;
      between();
    }
  }
}

const namesOf = ({ users }: Page) => users.map(({ name }) => Buffer.from(name).toString());

/** What a page has to be. */
function expected(names: Iterable<string>, prefix: string, after: string, limit: number) {
  const all = [...names]
    .map(name => Buffer.from(name))
    .filter(name => name.subarray(0, Buffer.byteLength(prefix)).equals(Buffer.from(prefix)))
    .filter(name => Buffer.compare(name, Buffer.from(after)) > 0)
    .sort(Buffer.compare);
  return { names: all.slice(0, limit).map(String), hasMore: all.length > limit };
}

/** Few letters, so that names share their beginnings; of one byte up to four, and of lengths around 20 bytes. */
const name = fc
  .array(fc.constantFrom('a', 'b', ':', 'é', '€', '𝄞', '\u0000', '\u007f'), { minLength: 1, maxLength: 24 })
  .map(letters => letters.join(''));
const part = fc.oneof(fc.constant(''), name);

test('a page is what sorting gives: any names, any beginning, any number', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 200 }),
      part,
      part,
      fc.integer({ min: 1, max: 40 }),
      (names, prefix, after, limit) => {
        const town = new Town();
        for (const each of names) town.add(each);
        // A name that is there, too.
        for (const behind of [after, names[limit] ?? '']) {
          const page = town.page(prefix.slice(0, 3), behind, limit);
          const right = expected(names, prefix.slice(0, 3), behind, limit);
          expect({ names: namesOf(page), hasMore: page.hasMore }).toEqual(right);
          for (const user of page.users)
            expect(town.names.get(Buffer.from(user.name).toString())).toBe(user.index);
        }
      },
    ),
    { numRuns: 60 },
  );
});

describe('while users come and the table doubles', () => {
  // The last two come between the steps in such numbers that records are split all the time.
  test.each([
    [1_000, 1, 100],
    [5_000, 3, 1_000],
    [630, 40, 23],
    [2_500, 150, 90],
  ])(
    '%i users, %i more with each step: those that were there are all on their pages',
    (users, more, limit) => {
      const town = new Town();
      for (let user = 0; user < users; user++) town.add(`u${(user * 7_919) % 100_003}`);
      const before = [...town.names.keys()];
      let next = users;
      const grow = () => {
        for (let left = more; left > 0 && !town.table.isFull; left--) town.add(`n${next++}`);
      };
      const seen: string[] = [];
      for (let after = '', page: Page | undefined; page?.hasMore !== false; after = seen.at(-1)!) {
        page = town.page('', after, limit, grow);
        seen.push(...namesOf(page));
      }
      expect(seen).toEqual([...seen].sort());
      expect(new Set(seen).size).toBe(seen.length);
      expect(before.filter(each => !seen.includes(each))).toEqual([]);
    },
  );
});

test('a step takes a small part of a large table', () => {
  const town = new Town();
  for (let user = 0; user < 10_000; user++) town.add(`user${user}`);
  let steps = 0;
  const page = town.page('user9', 'user99', 1_000, () => {
    steps += 1;
  });
  expect(namesOf(page)).toEqual(expected(town.names.keys(), 'user9', 'user99', 1_000).names);
  // 10,000 users are in 16,384 records, of which a step looks at 512 and some.
  expect(steps).toBeGreaterThan(20);
});
