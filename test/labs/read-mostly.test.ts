/** Lab read-mostly: what each way promises, and that a way that breaks its promise is found. */
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../../steps/labs/08-read-mostly/measuring.ts';
import { createStore, openStore, VALUE, WAYS, type WayName } from '../../steps/labs/08-read-mostly/ways.ts';
import { type Fault, withCopy } from './mutant.ts';

const ENTRIES = 256;
const mixed = (way: WayName) => ({ way, entries: ENTRIES, threads: [300, 300, 300], ms: 300 });
const adding = (way: WayName) =>
  ({ way, entries: ENTRIES, threads: ['adds up', 'adds up', 1_000, 1_000], ms: 400 }) as const;

describe.each(WAYS)('%s', way => {
  test('reads what was written', () => {
    const one = openStore(createStore(way, ENTRIES, 1), 0);
    for (let key = 1; key <= ENTRIES; key += 1) expect(one.get(key)).toBe(VALUE);
    one.move(1, 2);
    one.move(1, ENTRIES);
    expect([one.get(1), one.get(2), one.get(ENTRIES), one.get(3)]).toEqual([
      VALUE - 2,
      VALUE + 1,
      VALUE + 1,
      VALUE,
    ]);
    expect(one.total(() => {})).toBe(ENTRIES * VALUE);
  });

  test('loses no write of three threads', async () => {
    const { isWhole, movesPerS, readsPerS } = await outcomeOf(mixed(way));
    expect(isWhole).toBe(true);
    expect(Math.min(movesPerS, readsPerS)).toBeGreaterThan(0);
  });

  test(`has ${way === '64 locks' ? 'wrong sums: it never holds all locks' : 'no wrong sum'}`, async () => {
    const { totals, wrongTotals, movesPerS } = await outcomeOf(adding(way));
    expect(totals).toBeGreaterThan(5);
    expect(movesPerS).toBeGreaterThan(0);
    if (way === '64 locks') expect(wrongTotals).toBeGreaterThan(0);
    else expect(wrongTotals).toBe(0);
  });
});

test('readers of a copy do not hold up a writer, and those of a lock do', async () => {
  const [locked, copied] = await Promise.all(
    (['read-write lock', 'copy on write'] as const).map(way => outcomeOf(adding(way))),
  );
  expect(copied!.movesPerS).toBeGreaterThan(4 * locked!.movesPerS);
});

const FAULTS: Fault[] = [
  {
    name: 'changes the copy that is read',
    file: 'ways.ts',
    from: 'copy !== current && !this.#isRead(copy)',
    to: 'copy === current',
  },
  {
    name: 'takes a copy that somebody still reads',
    file: 'ways.ts',
    from: 'copy !== current && !this.#isRead(copy)',
    to: 'copy !== current',
  },
  {
    name: 'says which copy is to be read before it is whole',
    file: 'ways.ts',
    from: 'this.#copies[next]!.set(this.#copies[current]!);',
    to: 'Atomics.store(this.#words, 0, next);\n    this.#copies[next]!.set(this.#copies[current]!);',
  },
  {
    name: 'does not say what it reads',
    file: 'ways.ts',
    from: 'Atomics.store(this.#words, this.#mine, current + 1);',
    to: '',
  },
];

test.each(FAULTS.map(fault => [fault.name, fault] as const))(
  'a copy on write that %s is found',
  async (_, fault) => {
    const { wrongTotals } = await withCopy('08-read-mostly', fault, folder =>
      outcomeOf(adding('copy on write'), pathToFileURL(`${folder}/`)),
    );
    expect(wrongTotals).toBeGreaterThan(0);
  },
);

test('two that write at a time are found: writes are lost', async () => {
  const fault: Fault = {
    name: 'lets two write at a time',
    file: 'ways.ts',
    from: 'acquireWrite(this.#writing);',
    to: '',
  };
  const { isWhole } = await withCopy('08-read-mostly', fault, folder =>
    outcomeOf(mixed('copy on write'), pathToFileURL(`${folder}/`)),
  );
  expect(isWhole).toBe(false);
});
