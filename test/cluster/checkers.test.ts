/** The checkers of histories, with histories made by hand: those that may be, and those that may not. */
import { describe, expect, test } from 'vitest';
import { Outcome } from '../../src/protocol/outcome.ts';
import type { Deed, Wish } from './history.ts';
import { check, complaintOf, operationsOf } from './linearizable.ts';
import { checkSessions } from './sessions.ts';
import { checkIds, checkReplies, checkSums } from './sums.ts';

interface Seen {
  node?: number;
  connection?: number;
  /** Start and end; without an end no reply has come. */
  at: readonly [number, number?];
  outcome?: Outcome;
  balance?: number;
}

function deed(wish: Partial<Wish>, ...seen: Seen[]): Deed {
  return {
    wish: { kind: 'event', user: 'ann', amount: 0, ...wish },
    attempts: seen.map(({ node = 0, connection = 0, at: [startedAt, endedAt], outcome, balance }) => ({
      ...{ node, connection, startedAt, endedAt },
      reply: endedAt === undefined ? undefined : { outcome: outcome ?? Outcome.accepted, balance },
    })),
  };
}

const plus = (amount: number, ...seen: Seen[]) => deed({ amount }, ...seen);
const fresh = (balance: number, at: [number, number]) => deed({ kind: 'fresh' }, { at, balance });
const pay = (amount: number, wish: Partial<Wish>, seen: Seen) =>
  deed({ kind: 'transfer', to: 'bob', amount, ...wish }, seen);

function verdictOn(user: string, deeds: Deed[], stepsMax?: number): string {
  const verdict = check(operationsOf(deeds).get(user) ?? [], 0, stepsMax);
  return verdict.is === 'wrong' ? `wrong at ${verdict.culprit.endedAt}` : verdict.is;
}

describe('linearizable:', () => {
  test.each<[string, Deed[]]>([
    ['nothing at all', []],
    ['one after the other', [plus(5, { at: [1, 2] }), fresh(5, [3, 4]), plus(2, { at: [5, 6], balance: 7 })]],
    ['a read beside an event sees it', [plus(5, { at: [1, 9] }), fresh(5, [3, 4])]],
    ['a read beside an event does not see it', [plus(5, { at: [1, 9] }), fresh(0, [3, 4])]],
    ['no reply, and it happened long after', [plus(5, { at: [1] }), fresh(0, [3, 4]), fresh(5, [50, 51])]],
    ['no reply, and it never happened', [plus(5, { at: [1] }), fresh(0, [3, 4]), fresh(0, [50, 51])]],
    ['a reply on another connection, later', [plus(5, { at: [1] }, { at: [6, 7] }), fresh(5, [3, 4])]],
    [
      'the order of two is what their balances say',
      [plus(1, { at: [1, 9], balance: 11 }), plus(10, { at: [2, 8], balance: 10 })],
    ],
    [
      'refused below its minimum, beside what paid in',
      [
        deed({ amount: -3, min: 0 }, { at: [1, 5], outcome: Outcome.insufficientBalance }),
        plus(4, { at: [2, 3] }),
        fresh(4, [6, 7]),
      ],
    ],
    [
      'a transfer that was given back is seen meanwhile',
      [
        plus(9, { at: [1, 2] }),
        pay(4, {}, { at: [3, 9], outcome: Outcome.balanceOverflow }),
        fresh(5, [5, 6]),
      ],
    ],
  ])('%s', (_, deeds) => {
    expect(verdictOn('ann', deeds)).toBe('right');
  });

  test.each<[string, string, Deed[]]>([
    ['a stale fresh read', 'wrong at 4', [plus(5, { at: [1, 2] }), fresh(0, [3, 4])]],
    ['a read of what was never sent', 'wrong at 4', [plus(5, { at: [1, 2] }), fresh(6, [3, 4])]],
    [
      'a lost update',
      'wrong at 6',
      [plus(5, { at: [1, 4], balance: 5 }), plus(3, { at: [2, 3] }), fresh(5, [5, 6])],
    ],
    [
      'two with one balance',
      'wrong at 5',
      [plus(5, { at: [1, 4], balance: 5 }), plus(5, { at: [2, 5], balance: 5 })],
    ],
    ['applied twice', 'wrong at 4', [plus(5, { at: [1, 2] }), fresh(10, [3, 4])]],
    ['it goes back', 'wrong at 6', [plus(5, { at: [1] }), fresh(5, [3, 4]), fresh(0, [5, 6])]],
    [
      'applied below its minimum',
      'wrong at 2',
      [deed({ amount: -3, min: 0 }, { at: [1, 2], balance: -3 }), fresh(-3, [3, 4])],
    ],
    [
      'refused though there was enough',
      'wrong at 4',
      [
        plus(9, { at: [1, 2] }),
        deed({ amount: -3, min: 0 }, { at: [3, 4], outcome: Outcome.insufficientBalance }),
      ],
    ],
    [
      'given back, and seen afterwards',
      'wrong at 11',
      [
        plus(9, { at: [1, 2] }),
        pay(4, {}, { at: [3, 9], outcome: Outcome.balanceOverflow }),
        fresh(5, [10, 11]),
      ],
    ],
  ])('not: %s', (_, said, deeds) => {
    expect(verdictOn('ann', deeds)).toBe(said);
  });

  test('a transfer is an operation of both', () => {
    const deeds = [plus(9, { at: [1, 2] }), pay(4, {}, { at: [3, 5], balance: 5 })];
    const of = (user: string, balance: number, at: [number, number]) =>
      deed({ kind: 'fresh', user }, { at, balance });
    expect(verdictOn('bob', [...deeds, of('bob', 4, [6, 7])])).toBe('right');
    expect(verdictOn('bob', [...deeds, of('bob', 0, [6, 7])])).toBe('wrong at 7');
    expect(verdictOn('ann', [...deeds, of('ann', 9, [6, 7])])).toBe('wrong at 7');
    expect(verdictOn('ann', [plus(9, { at: [1, 2] }), pay(4, {}, { at: [3, 5], balance: 6 })])).toBe(
      'wrong at 5',
    );
  });

  test('what is cut off is undecided, and not right', () => {
    const beside = Array.from({ length: 24 }, (_, index) => plus(2 ** index, { at: [1 + index / 100, 100] }));
    const impossible = [...beside, fresh(0.5, [101, 102])];
    expect(verdictOn('ann', impossible, 1_000)).toBe('undecided');
    // Of those that may come next, the one that must end first is tried first.
    expect(verdictOn('ann', [...beside, fresh(2 ** 24 - 1, [101, 102])], 1_000)).toBe('right');
  });

  test('a complaint says which reply could not be, and what was beside it', () => {
    const deeds = [plus(5, { at: [1, 2] }), plus(70, { at: [3, 9] }), fresh(0, [4, 5])];
    const operations = operationsOf(deeds).get('ann')!;
    const verdict = check(operations);
    expect(verdict.is).toBe('wrong');
    const said = complaintOf(
      'ann',
      operations,
      (verdict as { culprit: (typeof operations)[number] }).culprit,
    );
    expect(said).toContain('not linearizable: ann');
    expect(said).toContain('kind fresh');
    expect(said).toContain('amount 70');
    expect(said).not.toContain('amount 5,');
  });
});

describe('sessions:', () => {
  const SAVER = { user: 'saver' } as const;
  const get = (amount: number, ...seen: Seen[]) => deed({ ...SAVER, amount }, ...seen);
  const read = (balance: number, seen: Omit<Seen, 'balance'>) =>
    deed({ ...SAVER, kind: 'balance' }, { ...seen, balance });
  const there = { node: 1, connection: 1 } as const;

  test.each<[string, Deed[]]>([
    ['own writes are read', [get(4, { at: [1, 2] }), read(4, { at: [3, 4] })]],
    ['they are read before their replies', [get(4, { at: [1, 9] }), read(4, { at: [2, 9] })]],
    ['another node is behind', [get(4, { at: [1, 2] }), read(0, { ...there, at: [3, 4] })]],
    [
      'another node is ahead',
      [get(4, { at: [1] }), read(4, { ...there, at: [3, 4] }), read(0, { at: [5, 6] })],
    ],
    [
      'a repeat is told the balance of then',
      [
        get(4, { at: [1, 2], balance: 4 }, { at: [5, 6], balance: 4 }),
        get(2, { at: [3, 4] }),
        read(6, { at: [7, 8] }),
      ],
    ],
    [
      'of who gives, too, nothing is known',
      [
        deed({ user: 'zoe', amount: 4 }, { at: [1, 2] }),
        deed({ kind: 'balance', user: 'zoe' }, { at: [3, 4], balance: 0 }),
      ],
    ],
  ])('%s', (_, deeds) => {
    expect(checkSessions(deeds)).toEqual([]);
  });

  test.each<[string, string, Deed[]]>([
    [
      'an own write that is not read',
      'an own write',
      [get(4, { at: [1, 9] }), get(2, { ...there, at: [1, 2] }), read(2, { at: [2, 9] })],
    ],
    [
      'what the node acknowledged to another',
      'what this node',
      [get(4, { connection: 1, at: [1, 2] }), read(0, { at: [3, 4] })],
    ],
    [
      'going back on a connection',
      'it goes back',
      [get(4, { ...there, at: [1, 2] }), read(4, { at: [3, 9] }), read(0, { at: [5, 9] })],
    ],
    [
      'going back on a node',
      'it goes back',
      [get(4, { ...there, at: [1, 2] }), read(4, { at: [3, 4] }), read(0, { connection: 2, at: [5, 6] })],
    ],
    [
      'what was not sent yet',
      'not sent yet',
      [read(4, { at: [3, 4] }), get(4, { connection: 1, at: [6, 7] })],
    ],
    ['what nobody sent', 'nobody sent', [get(4, { at: [1, 2] }), read(12, { at: [3, 4] })]],
    [
      'what was refused',
      'was refused (idReused)',
      [get(4, { at: [1, 2], outcome: Outcome.idReused }), read(4, { at: [3, 4] })],
    ],
    [
      'two orders',
      'two orders',
      [
        ...[get(4, { at: [1] }), get(2, { at: [1] })],
        ...[read(4, { connection: 2, at: [3, 4] }), read(2, { ...there, at: [3, 4] })],
      ],
    ],
    [
      'money that came, after the reply to the transfer',
      'an own write',
      [pay(4, { user: 'zoe', to: 'saver' }, { at: [1, 2], balance: -4 }), read(0, { at: [3, 4] })],
    ],
  ])('not: %s', (_, said, deeds) => {
    expect(checkSessions(deeds).join('\n')).toContain(said);
  });
});

describe('sums:', () => {
  const balances = (ann: number, bob = 0) => new Map(Object.entries({ ann, bob }));

  test('what was acknowledged is there, and of what was not, some', () => {
    const deeds = [plus(5, { at: [1, 2] }), plus(3, { at: [3] }), plus(1, { at: [4] })];
    for (const ann of [5, 6, 8, 9]) expect(checkSums(deeds, [balances(ann)]).complaints).toEqual([]);
    for (const ann of [0, 3, 4, 7, 10]) expect(checkSums(deeds, [balances(ann)]).complaints).toHaveLength(1);
  });

  test('nodes disagree', () => {
    const deeds = [plus(5, { at: [1, 2] })];
    const { complaints } = checkSums(deeds, [balances(5), balances(5), balances(0)]);
    expect(complaints).toEqual(['nodes disagree about ann: 5, 5, 0']);
  });

  test('a transfer that was given back moves nothing, one that was done moves all', () => {
    const given = [plus(9, { at: [1, 2] }), pay(4, {}, { at: [3, 4], outcome: Outcome.tooManyUsers })];
    expect(checkSums(given, [balances(9)]).complaints).toEqual([]);
    expect(checkSums(given, [balances(5)]).complaints).toHaveLength(1);
    const done = [plus(9, { at: [1, 2] }), pay(4, {}, { at: [3, 4], balance: 5 })];
    expect(checkSums(done, [balances(5, 4)]).complaints).toEqual([]);
    expect(checkSums(done, [balances(5)]).complaints).toHaveLength(1);
  });

  test('users whom nobody paid', () => {
    expect(checkSums([], [new Map([['eve', 1]])]).complaints).toHaveLength(1);
  });
});

describe('replies:', () => {
  test('to one id they are alike, and there is one', () => {
    const id = (...seen: Seen[]) => deed({ amount: 5, id: 'a' }, ...seen);
    const busy = { at: [1, 2], outcome: Outcome.serverBusy } as const;
    expect(checkIds([id({ at: [1] }, busy, { at: [3, 4], balance: 5 }, { at: [3, 5], balance: 5 })])).toEqual(
      [],
    );
    expect(checkIds([id({ at: [1, 2], balance: 5 }, { at: [3, 5], balance: 6 })])[0]).toContain('differ');
    const refused = { at: [3, 5], outcome: Outcome.insufficientBalance } as const;
    expect(checkIds([id({ at: [1, 2] }, refused)])[0]).toContain('differ');
    expect(checkIds([id({ at: [1] }, busy)])[0]).toContain('never decided');
  });

  test('none is missing where the connection lived', () => {
    const deeds = [plus(5, { connection: 7, at: [1] })];
    expect(checkReplies(deeds, () => false)).toEqual([]);
    expect(checkReplies(deeds, connection => connection === 7)).toHaveLength(1);
  });
});
