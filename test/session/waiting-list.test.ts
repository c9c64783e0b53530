import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Place, WaitingList } from '../../src/session/waiting-list.ts';

/** A list with a place for each of these names. */
function listOf<Name extends string>(...names: Name[]) {
  const list = new WaitingList<Name>();
  const places = Object.fromEntries(names.map(name => [name, new Place(name)])) as Record<Name, Place<Name>>;
  return { list, places };
}

function takeAll<Client>(list: WaitingList<Client>): Client[] {
  const taken: Client[] = [];
  for (let next = list.take(); next !== undefined; next = list.take()) taken.push(next);
  return taken;
}

describe('a waiting list', () => {
  test('is first come, first served among equals', () => {
    const { list, places } = listOf('a', 'b', 'c', 'd', 'e');
    for (const place of Object.values(places)) list.add(place, 100);
    expect(takeAll(list)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('who waits already keeps its place', () => {
    const { list, places } = listOf('a', 'b');
    list.add(places.a, 100);
    list.add(places.b, 100);
    list.add(places.a, 1);
    expect(list.size).toBe(2);
    expect(takeAll(list)).toEqual(['a', 'b']);
  });

  test('who asks for little goes before those who ask for much, at any time', () => {
    const { list, places } = listOf('a', 'b', 'c', 'little');
    for (const name of ['a', 'b', 'c'] as const) list.add(places[name], 4_000);
    for (let round = 0; round < 100; round++) {
      list.add(places.little, 20);
      expect(list.take()).toBe('little');
      const flood = list.take() as 'a' | 'b' | 'c';
      list.add(places[flood], 4_000);
    }
  });

  test('who asks for little again and again gets no more than the others', () => {
    const { list, places } = listOf('little', 'much');
    const got = { little: 0, much: 0 };
    list.add(places.little, 10);
    list.add(places.much, 1_000);
    for (let visit = 0; visit < 10_000; visit++) {
      const name = list.take()!;
      got[name] += name === 'little' ? 10 : 1_000;
      list.add(places[name], name === 'little' ? 10 : 1_000);
    }
    expect(Math.abs(got.little - got.much)).toBeLessThanOrEqual(1_000);
  });

  test('who was away for long has saved nothing up', () => {
    const { list, places } = listOf('busy', 'away');
    for (let visit = 0; visit < 100; visit++) {
      list.add(places.busy, 1_000);
      list.take();
    }
    const visits = { busy: 0, away: 0 };
    list.add(places.busy, 1_000);
    list.add(places.away, 1_000);
    for (let visit = 0; visit < 20; visit++) {
      const name = list.take()!;
      visits[name] += 1;
      list.add(places[name], 1_000);
    }
    expect(visits).toEqual({ busy: 10, away: 10 });
  });

  test('whoever comes and goes, next is the one whose visit ends first, and of two the one who came first', () => {
    const deed = fc.oneof(
      fc.record({ name: fc.nat(20), cost: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ name: fc.nat(20), cost: fc.constant(0) }),
      fc.constant(undefined),
    );
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 200 }), deeds => {
        const list = new WaitingList<number>();
        const places = Array.from({ length: 21 }, (_, name) => new Place(name));
        const waiting = new Set<Place<number>>();
        const take = () => {
          const [first] = [...waiting].sort((one, other) => one.end - other.end || one.number - other.number);
          if (first !== undefined) waiting.delete(first);
          expect(list.take()).toBe(first?.client);
        };
        for (const each of deeds) {
          if (each === undefined) take();
          else if (each.cost === 0) {
            list.delete(places[each.name]!);
            waiting.delete(places[each.name]!);
          } else {
            list.add(places[each.name]!, each.cost);
            waiting.add(places[each.name]!);
          }
          expect(list.size).toBe(waiting.size);
        }
        while (waiting.size > 0) take();
        take();
      }),
      { numRuns: 200 },
    );
  });
});
