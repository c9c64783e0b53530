import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeString, UNDECODABLE } from '../../src/protocol/json-strings.ts';

const TARGET = 8;
const SOURCE = 1024;
const BYTES_MAX = 128;
const UNTOUCHED = 0xa5;

/** Decodes the inside of a JSON string; the bytes around the target must stay as they are. */
function decoded(inside: string | Buffer, bytesMax = BYTES_MAX): string | typeof UNDECODABLE {
  const source = Buffer.from(inside as string);
  const bytes = Buffer.alloc(SOURCE + source.length + 8, UNTOUCHED);
  bytes.set(source, SOURCE);
  const count = decodeString(bytes, SOURCE, SOURCE + source.length, TARGET, bytesMax);
  const written = count === UNDECODABLE ? bytesMax : count;
  const isUntouched = (byte: number) => byte === UNTOUCHED;
  expect(bytes.subarray(0, TARGET).every(isUntouched), 'before the target').toBe(true);
  expect(bytes.subarray(TARGET + written, SOURCE).every(isUntouched), 'behind the target').toBe(true);
  expect(bytes.subarray(SOURCE, SOURCE + source.length).equals(source), 'the source').toBe(true);
  return count === UNDECODABLE ? UNDECODABLE : bytes.toString('utf8', TARGET, TARGET + count);
}

const escapeOf = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
const escapeAll = (text: string) =>
  Array.from({ length: text.length }, (_, at) => escapeOf(text.charCodeAt(at))).join('');

/** A string and one of the many ways to write it in JSON. Lone surrogates can only be written as escapes. */
const written = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 0x7f }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0xd7f0, max: 0xe010 }),
        fc.integer({ min: 0x10000, max: 0x10ffff }),
      ),
      fc.nat(3),
    ),
    { maxLength: 40 },
  )
  .map(characters => {
    let text = '';
    let inside = '';
    for (const [point, way] of characters) {
      const character = String.fromCodePoint(point);
      const isLone = point >= 0xd800 && point <= 0xdfff;
      text += character;
      if (way === 0) inside += escapeAll(character);
      else if (way === 1) inside += escapeAll(character).replace(/[a-f]/g, hex => hex.toUpperCase());
      else inside += isLone ? escapeAll(character) : JSON.stringify(character).slice(1, -1);
    }
    return { text, inside };
  });

describe('decoding', () => {
  test.each([
    ['', ''],
    ['alice', 'alice'],
    ['\\"\\\\\\/\\b\\f\\n\\r\\t', '"\\/\b\f\n\r\t'],
    ['\\\\u0061', '\\u0061'],
    ['\\u0061\\u00E9\\u20aC', 'aé€'],
    ['\\ud83d\\ude00 \\uD83D\\uDE00', '😀 😀'],
    ['\\ud800\\udc00', '\u{10000}'],
    ['\\udbff\\udfff', '\u{10ffff}'],
    ['\\u0000', '\0'],
    ['é€😀', 'é€😀'],
  ])('%j', (inside, text) => {
    expect(decoded(inside)).toBe(text);
  });

  test.each([
    '\\ud800',
    '\\udfff',
    '\\ud800x',
    '\\ud800\\n',
    '\\ud800\\u0041',
    '\\ud800\\ud800\\udc00',
    '\\udc00\\ud800',
  ])('a surrogate alone has no UTF-8: %s', inside => {
    expect(decoded(inside)).toBe(UNDECODABLE);
    expect(decoded(`a${inside}`)).toBe(UNDECODABLE);
  });

  test('an escape behind the end does not complete a pair', () => {
    const bytes = Buffer.alloc(64);
    bytes.write('\\ud83d\\ude00', 32);
    expect(decodeString(bytes, 32, 38, 0, 16)).toBe(UNDECODABLE);
    expect(decodeString(bytes, 32, 44, 0, 16)).toBe(4);
  });

  test('all 65,536 escapes alone', () => {
    const bytes = Buffer.alloc(32);
    for (let unit = 0; unit < 0x10000; unit++) {
      bytes.write(escapeOf(unit), 16, 'latin1');
      const count = decodeString(bytes, 16, 22, 0, 8);
      const expected = Buffer.from(String.fromCharCode(unit));
      const isLone = unit >= 0xd800 && unit <= 0xdfff;
      if (isLone ? count !== UNDECODABLE : expected.compare(bytes, 0, count) !== 0)
        throw new Error(`${escapeOf(unit)} gives ${count} bytes: ${bytes.toString('hex', 0, 8)}`);
    }
  });

  test('all 1,048,576 pairs of surrogates', () => {
    const bytes = Buffer.alloc(32);
    const expected = Buffer.alloc(4);
    for (let high = 0xd800; high <= 0xdbff; high++) {
      bytes.write(escapeOf(high), 16, 'latin1');
      for (let low = 0xdc00; low <= 0xdfff; low++) {
        // Only the last three digits change; written by hand, or this test would take seconds.
        if (low === 0xdc00) bytes.write(escapeOf(low), 22, 'latin1');
        for (let digit = 0; digit < 3; digit++) {
          const value = (low >> (8 - 4 * digit)) & 15;
          bytes[25 + digit] = value < 10 ? 0x30 + value : 0x57 + value;
        }
        const count = decodeString(bytes, 16, 28, 0, 8);
        const point = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
        expected[0] = 0xf0 | (point >> 18);
        expected[1] = 0x80 | ((point >> 12) & 63);
        expected[2] = 0x80 | ((point >> 6) & 63);
        expected[3] = 0x80 | (point & 63);
        if (count !== 4 || expected.readInt32LE(0) !== bytes.readInt32LE(0))
          throw new Error(`${escapeOf(high)}${escapeOf(low)} gives ${bytes.toString('hex', 0, count)}`);
      }
    }
  });

  test('gives what JSON.parse gives, however the string is written', () => {
    fc.assert(
      fc.property(written, ({ text, inside }) => {
        expect(JSON.parse(`"${inside}"`)).toBe(text);
        const isWellFormed = Buffer.from(text).toString() === text;
        const isShort = Buffer.byteLength(text) <= BYTES_MAX;
        expect(decoded(inside)).toBe(isWellFormed && isShort ? text : UNDECODABLE);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the limit', () => {
  test.each([
    ['a', 'a'],
    ['\\u0061', 'a'],
    ['\\n', '\n'],
    ['é', 'é'],
    ['\\u00e9', 'é'],
    ['\\u20ac', '€'],
    ['\\ud83d\\ude00', '😀'],
  ])('counts bytes of UTF-8, not of the text: %s', (inside, character) => {
    const each = Buffer.byteLength(character);
    for (const bytesMax of [1, 4, 16, 127, BYTES_MAX]) {
      const fitting = Math.floor(bytesMax / each);
      expect(decoded(inside.repeat(fitting), bytesMax)).toBe(character.repeat(fitting));
      expect(decoded(inside.repeat(fitting + 1), bytesMax)).toBe(UNDECODABLE);
    }
  });

  test('bytes that are no UTF-8 are copied as they are: whoever asks has the line checked', () => {
    const bytes = Buffer.alloc(64);
    bytes.set([0xff, 0x5c, 0x6e, 0x80], 32);
    expect(decodeString(bytes, 32, 36, 0, 16)).toBe(3);
    expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0x0a, 0x80]);
  });
});
