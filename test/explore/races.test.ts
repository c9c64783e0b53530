import { describe, expect, test } from 'vitest';
import { Races } from '../../steps/explore/races.ts';

const DATA = 0;
const FLAG = 8;
const OTHER = 16;
const [A, B, C] = [0, 1, 2];

/** What is done, by which thread, where (or to whom). `awake` needs no third. */
type Deed = ['read' | 'write' | 'load' | 'store' | 'wake' | 'succeed' | 'awake', number, number];

function races(): Races {
  const found = Races.forMemory(64);
  found.reset();
  return found;
}

describe('a data race is', () => {
  test.each<[string, Deed[]]>([
    [
      'a write behind a write',
      [
        ['write', A, DATA],
        ['write', B, DATA],
      ],
    ],
    [
      'a read behind a write',
      [
        ['write', A, DATA],
        ['read', B, DATA],
      ],
    ],
    [
      'a write behind a read',
      [
        ['read', A, DATA],
        ['write', B, DATA],
      ],
    ],
    [
      'a plain write behind an atomic load',
      [
        ['load', A, DATA],
        ['write', B, DATA],
      ],
    ],
    [
      'an atomic store behind a plain read',
      [
        ['read', A, DATA],
        ['store', B, DATA],
      ],
    ],
    [
      'a read behind a store of another word',
      [
        ['write', A, DATA],
        ['store', A, FLAG],
        ['load', B, OTHER],
        ['read', B, DATA],
      ],
    ],
    [
      'a write behind the release of it',
      [
        ['store', A, FLAG],
        ['write', A, DATA],
        ['load', B, FLAG],
        ['read', B, DATA],
      ],
    ],
    [
      'a read of who looked at the flag too early',
      [
        ['load', B, FLAG],
        ['write', A, DATA],
        ['store', A, FLAG],
        ['read', B, DATA],
      ],
    ],
    [
      'a read behind a flag that a third thread has stored over',
      [
        ['write', A, DATA],
        ['store', A, FLAG],
        ['store', C, FLAG],
        ['load', B, FLAG],
        ['read', B, DATA],
      ],
    ],
    [
      'a read of who was not woken',
      [
        ['write', A, DATA],
        ['wake', A, 1 << C],
        ['awake', B, 0],
        ['read', B, DATA],
      ],
    ],
  ])('%s', (_, deeds) => {
    const found = races();
    for (const [deed, thread, address] of deeds) found[deed](thread, address);
    expect(found.found).toBe(DATA);
  });
});

describe('no data race is', () => {
  test.each<[string, Deed[]]>([
    [
      'what one thread does alone',
      [
        ['write', A, DATA],
        ['read', A, DATA],
        ['write', A, DATA],
      ],
    ],
    [
      'two that only read',
      [
        ['read', A, DATA],
        ['read', B, DATA],
      ],
    ],
    [
      'two that use Atomics',
      [
        ['store', A, DATA],
        ['load', B, DATA],
        ['store', B, DATA],
      ],
    ],
    [
      'a read behind the flag that was stored behind the write',
      [
        ['write', A, DATA],
        ['store', A, FLAG],
        ['load', B, FLAG],
        ['read', B, DATA],
      ],
    ],
    [
      'the same by way of a third thread',
      [
        ['write', A, DATA],
        ['store', A, FLAG],
        ['load', C, FLAG],
        ['store', C, OTHER],
        ['load', B, OTHER],
        ['write', B, DATA],
      ],
    ],
    [
      'a flag that was changed, not stored over, in between',
      [
        ['write', A, DATA],
        ['store', A, FLAG],
        ['load', C, FLAG],
        ['store', C, FLAG],
        ['load', B, FLAG],
        ['read', B, DATA],
      ],
    ],
    [
      'a read of who was woken',
      [
        ['write', A, DATA],
        ['wake', A, 1 << B],
        ['awake', B, 0],
        ['read', B, DATA],
      ],
    ],
    [
      'what a successor finds',
      [
        ['write', A, DATA],
        ['succeed', B, A],
        ['write', B, DATA],
      ],
    ],
  ])('%s', (_, deeds) => {
    const found = races();
    for (const [deed, thread, address] of deeds) found[deed](thread, address);
    expect(found.found).toBeUndefined();
  });
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
