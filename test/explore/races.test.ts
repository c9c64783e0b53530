import { describe, expect, test } from 'vitest';
import { Races } from '../../steps/explore/races.ts';

const DATA = 0;
const FLAG = 8;
const [A, B] = [0, 1];
const PLACES: Record<string, number> = { data: DATA, flag: FLAG, other: 16, A, B, C: 2 };

type Deed = 'read' | 'write' | 'load' | 'store' | 'wake' | 'succeed' | 'awake';

function races(): Races {
  const found = Races.forMemory(64);
  found.reset();
  return found;
}

/** The address of the race among `A write data; B read data`: which thread does what, and where, or to whom. */
function raceIn(deeds: string): number | undefined {
  const found = races();
  for (const text of deeds.split('; ')) {
    const [who = '', deed, where = 'A'] = text.split(' ') as [string, Deed, string?];
    const place = PLACES[where]!;
    // Who is woken is a set of threads.
    found[deed](PLACES[who]!, deed === 'wake' ? 1 << place : place);
  }
  return found.found;
}

describe('a data race is', () => {
  // biome-ignore format: a table
  test.each([
    ['a write behind a write', 'A write data; B write data'],
    ['a read behind a write', 'A write data; B read data'],
    ['a write behind a read', 'A read data; B write data'],
    ['a plain write behind an atomic load', 'A load data; B write data'],
    ['an atomic store behind a plain read', 'A read data; B store data'],
    ['a read behind a store of another word', 'A write data; A store flag; B load other; B read data'],
    ['a write behind the release of it', 'A store flag; A write data; B load flag; B read data'],
    ['a read of who looked at the flag too early', 'B load flag; A write data; A store flag; B read data'],
    ['a read behind a flag that a third thread has stored over', 'A write data; A store flag; C store flag; B load flag; B read data'],
    ['a read of who was not woken', 'A write data; A wake C; B awake; B read data'],
  ])('%s: %s', (_, deeds) => expect(raceIn(deeds)).toBe(DATA));
});

describe('no data race is', () => {
  // biome-ignore format: a table
  test.each([
    ['what one thread does alone', 'A write data; A read data; A write data'],
    ['two that only read', 'A read data; B read data'],
    ['two that use Atomics', 'A store data; B load data; B store data'],
    ['a read behind the flag that was stored behind the write', 'A write data; A store flag; B load flag; B read data'],
    ['the same by way of a third thread', 'A write data; A store flag; C load flag; C store other; B load other; B write data'],
    ['a flag that was changed, not stored over, in between', 'A write data; A store flag; C load flag; C store flag; B load flag; B read data'],
    ['a read of who was woken', 'A write data; A wake B; B awake; B read data'],
    ['what a successor finds', 'A write data; B succeed A; B write data'],
  ])('%s: %s', (_, deeds) => expect(raceIn(deeds)).toBeUndefined());
});

test('a race on the upper half of 8 bytes is one', () => {
  const found = races();
  found.write(A, DATA, 8);
  found.read(B, DATA + 4);
  expect(found.found).toBe(DATA + 4);
});

test('a new run knows nothing of the one before', () => {
  const found = races();
  found.write(A, DATA);
  const before = found.hashes;
  found.write(B, DATA);
  found.reset();
  expect(found.found).toBeUndefined();
  found.write(A, DATA);
  expect(found.hashes).toEqual(before);
});

test('the order of what does not touch does not matter to the hash, what orders what does', () => {
  const [one, other, ordered] = [races(), races(), races()];
  one.write(A, DATA);
  one.store(B, FLAG);
  other.store(B, FLAG);
  other.write(A, DATA);
  ordered.store(B, FLAG);
  ordered.load(A, FLAG);
  ordered.write(A, DATA);
  expect(other.hashes).toEqual(one.hashes);
  for (const half of [0, 1]) expect(ordered.hashes[half]).not.toBe(one.hashes[half]);
});
