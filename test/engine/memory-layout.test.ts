import { describe, expect, test } from 'vitest';
import { balancesOf, createMemory, laneOf, type Shape, shapeOf } from '../../src/engine/memory-layout.ts';
import {
  Before,
  Count,
  EXTRA_WORDS,
  ID_WORDS,
  RUN_EVENTS_MAX,
  SLOT_WORDS,
  Word,
} from '../../src/engine/words.ts';

const LINE_BYTES = 128;

const shape = (workers: number, ringSlots: number, balanceSlots = 100, idSlots = 4): Shape => ({
  ...{ workers, ringSlots, balanceSlots },
  ...{ workUs: 0, workKind: 'cpu' },
  ...{ idSlots, idsMax: idSlots, idsMs: 7 },
});

const SHAPES = [shape(1, 2), shape(2, 4), shape(1, 8), shape(3, 16), shape(2, 1024), shape(64, 8, 1, 0)];
const titled = (shapes: Shape[]) =>
  shapes.map(one => [`${one.workers} workers, ${one.ringSlots} slots`, one] as const);

/** Bytes `[from, to)` of the memory that one thread writes. */
interface Range {
  what: string;
  writer: string;
  from: number;
  to: number;
}

const SOCKET_WORDS: (keyof typeof Word)[] = [
  'tail',
  'bell',
  'acknowledged',
  'wanted',
  'stop',
  'frozen',
  'crash',
];

/** Everything that is written while the engine runs, and who writes it. */
function rangesOf(buffer: SharedArrayBuffer, of: Shape): Range[] {
  const ranges: Range[] = [];
  const add = (what: string, writer: string, from: number, bytes: number) =>
    ranges.push({ what, writer, from, to: from + bytes });
  add('header', 'the socket thread', 0, 11 * 4);
  for (let worker = 0; worker < of.workers; worker++) {
    const lane = laneOf(buffer, of, worker);
    const owner = `worker ${worker}`;
    for (const [name, word] of Object.entries(Word)) {
      const isSockets = SOCKET_WORDS.includes(name as keyof typeof Word);
      add(
        `${name} of ${worker}`,
        isSockets ? 'the socket thread' : owner,
        lane.words.byteOffset + word * 4,
        4,
      );
    }
    for (const [name, count] of Object.entries(Count))
      add(`${name} of ${worker}`, owner, lane.counts.byteOffset + count * 8, 8);
    const before = lane.before.byteOffset;
    add(`balances before of ${worker}`, owner, before, RUN_EVENTS_MAX * 8);
    for (const [name, count] of Object.entries(Before))
      add(
        `${name} before of ${worker}`,
        owner,
        before + count * 8,
        name === 'others' ? RUN_EVENTS_MAX * 8 : 8,
      );
    add(`slots of ${worker}`, 'the socket thread', lane.slots.byteOffset, lane.slots.byteLength);
    add(`amounts of ${worker}`, 'the socket thread', lane.amounts.byteOffset, lane.amounts.byteLength);
    add(`answers of ${worker}`, owner, lane.answers.byteOffset, lane.answers.byteLength);
    const { extras, repeats, ids } = lane;
    add(`extras of ${worker}`, 'the socket thread', extras.words.byteOffset, extras.words.byteLength);
    add(`repeats of ${worker}`, owner, repeats.byteOffset, repeats.byteLength);
    add(`ids of ${worker}`, owner, ids.words.byteOffset, ids.words.byteLength);
    add(`index of ${worker}`, owner, ids.index.byteOffset, ids.index.byteLength);
  }
  const balances = balancesOf(buffer, of);
  add('balances', 'the owners of the users', balances.byteOffset, balances.byteLength);
  return ranges.sort((a, b) => a.from - b.from);
}

describe('the memory map', () => {
  test.each(titled(SHAPES))('no two writers share a line of 128 bytes: %s', (_, of) => {
    const writers = new Map<number, Range>();
    const shared: string[] = [];
    for (const range of rangesOf(createMemory(of), of)) {
      for (let line = Math.floor(range.from / LINE_BYTES); line * LINE_BYTES < range.to; line++) {
        const other = writers.get(line);
        if (other !== undefined && other.writer !== range.writer)
          shared.push(`line ${line}: ${other.what} (${other.writer}) and ${range.what} (${range.writer})`);
        writers.set(line, range);
      }
    }
    expect(shared).toEqual([]);
  });

  test.each(titled(SHAPES))('nothing overlaps, and everything lies inside the memory: %s', (_, of) => {
    const buffer = createMemory(of);
    const ranges = rangesOf(buffer, of);
    for (const [index, { what, from }] of ranges.entries()) {
      const before = ranges[index - 1];
      if (before !== undefined)
        expect(from, `${what} behind ${before.what}`).toBeGreaterThanOrEqual(before.to);
    }
    expect(ranges.at(-1)!.to).toBeLessThanOrEqual(buffer.byteLength);
  });

  test.each(titled(SHAPES))('the views are aligned, and as long as the shape says: %s', (_, of) => {
    const buffer = createMemory(of);
    for (let worker = 0; worker < of.workers; worker++) {
      const lane = laneOf(buffer, of, worker);
      const { words, counts, before, slots, amounts, answers, extras, repeats, ids } = lane;
      for (const view of [
        words,
        before,
        slots,
        amounts,
        answers,
        extras.words,
        repeats,
        ids.words,
        ids.index,
      ])
        expect(view.byteOffset % LINE_BYTES).toBe(0);
      expect(counts.byteOffset).toBe(words.byteOffset);
      expect(counts.byteLength).toBe(words.byteLength);
      expect(words.byteLength).toBe(3 * LINE_BYTES);
      expect(before).toHaveLength(2 * RUN_EVENTS_MAX + Object.keys(Before).length - 1);
      for (const { words, floats } of [extras, ids]) {
        expect(floats.byteOffset).toBe(words.byteOffset);
        expect(floats.byteLength).toBe(words.byteLength);
      }
      expect(extras.words).toHaveLength(of.ringSlots * EXTRA_WORDS);
      expect(repeats).toHaveLength(of.ringSlots);
      expect(ids.words).toHaveLength(of.idSlots! * ID_WORDS);
      expect(ids.index).toHaveLength(of.idSlots!);
      expect(slots).toHaveLength(of.ringSlots * SLOT_WORDS);
      expect(amounts).toHaveLength(of.ringSlots);
      expect(answers).toHaveLength(of.ringSlots);
    }
    expect(balancesOf(buffer, of).byteOffset % LINE_BYTES).toBe(0);
    expect(balancesOf(buffer, of)).toHaveLength(of.balanceSlots);
  });

  test.each(titled(SHAPES))('what is written into one view is in no other: %s', (_, of) => {
    const buffer = createMemory(of);
    const lanes = Array.from({ length: of.workers }, (_, worker) => laneOf(buffer, of, worker));
    const views = [
      ...lanes.flatMap(({ words, before, slots, amounts, answers, extras, repeats, ids }) => [
        ...[words, before, slots, amounts, answers],
        ...[extras.words, repeats, ids.words, ids.index].filter(({ length }) => length > 0),
      ]),
      balancesOf(buffer, of),
    ];
    // Those of bytes, too, hold each number.
    const numberOf = (index: number) => (index % 251) + 1;
    for (const [index, view] of views.entries()) view.fill(numberOf(index));
    for (const [index, view] of views.entries()) expect(new Set(view)).toEqual(new Set([numberOf(index)]));
    // Nor is it in the header.
    expect(shapeOf(buffer)).toEqual({ producers: 1, ...of });
  });

  test('the words of the socket thread have a line, and no others are on it', () => {
    const lineOf = (word: number) => Math.floor((word * 4) / LINE_BYTES);
    for (const [name, word] of Object.entries(Word))
      expect(lineOf(word) === 0, name).toBe(SOCKET_WORDS.includes(name as keyof typeof Word));
    // What only a successor reads does not lie on the line that the socket thread looks at.
    expect(lineOf(Word.begun)).toBeGreaterThan(lineOf(Word.head));
  });

  test.each([0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])('sequences start where they were told: %i', first => {
    const of = shape(3, 8);
    const buffer = createMemory(of, first);
    for (let worker = 0; worker < of.workers; worker++) {
      const { words } = laneOf(buffer, of, worker);
      for (const word of [Word.tail, Word.head, Word.begun])
        expect(Atomics.load(words, word)).toBe(first | 0);
    }
  });

  test.each([0, 1, 3, 1000, 1025])('a ring of %i slots is refused', slots => {
    expect(() => createMemory(shape(1, slots))).toThrow(`ring of ${slots} slots is no power of two`);
  });
});

describe('a thread that attaches', () => {
  test.each([...SHAPES, { ...shape(2, 16), workUs: 250, workKind: 'block' as const }])(
    'reads back the shape the memory was made with: %o',
    of => {
      expect(shapeOf(createMemory({ ...of }))).toEqual({ producers: 1, ...of });
    },
  );

  test('refuses memory with another magic word, and says both', () => {
    const buffer = createMemory(shape(1, 8));
    new Int32Array(buffer)[0] = 0x12345678;
    expect(() => shapeOf(buffer)).toThrow(
      /not Tally's memory: magic 12345678, version 4; expected 594c4154, 4/,
    );
  });

  test('refuses memory of another version', () => {
    const buffer = createMemory(shape(1, 8));
    new Int32Array(buffer)[1] = 1;
    expect(() => shapeOf(buffer)).toThrow(/version 1; expected 594c4154, 4/);
  });

  test('refuses memory that was never made', () => {
    expect(() => shapeOf(new SharedArrayBuffer(4096))).toThrow(/not Tally's memory/);
  });

  test.each([-8, 8])('refuses memory whose size is off by %i bytes', by => {
    const buffer = createMemory(shape(2, 8));
    const other = new SharedArrayBuffer(buffer.byteLength + by);
    const copied = Math.min(buffer.byteLength, other.byteLength);
    new Uint8Array(other).set(new Uint8Array(buffer, 0, copied));
    expect(() => shapeOf(other)).toThrow(
      `memory of ${other.byteLength} bytes where its header asks for ${buffer.byteLength}`,
    );
  });
});
