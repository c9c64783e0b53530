import { randomBytes, randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyLine, Choices, LINE_BYTES_MAX, LineMaker } from '../support/lines.ts';
import { KIND_NAMES, oracle, Subject, topLevelKeys } from '../support/oracle.ts';

const OFFSETS_MAX = 4096;
const subject = new Subject(LINE_BYTES_MAX + OFFSETS_MAX + 2);
const { bytes, start } = subject.buffer;

const utf8 = (text: string) => Buffer.from(text);
const event = (user: string, amount = '5', more = '') =>
  `{"user":"${user}","action":"buy","amount":${amount}${more}}`;

// Which lines are what, by hand, is in the corpus (corpus.test.ts): the oracle is judged there as well as the server.
describe('by hand', () => {
  test('a debug request, which the contract does not know', () => {
    for (const line of ['{"type":"debug"}', '{"type":"debug","do":"freeze"}']) {
      expect(KIND_NAMES[oracle(utf8(line)).kind]).toBe('debug');
      expect(subject.complaint(utf8(line))).toBeUndefined();
    }
  });

  test('the quick way takes the usual line, and nothing that is only like it', () => {
    const isTaken = (line: string) => {
      subject.place(utf8(line));
      return subject.usual(Buffer.byteLength(line)) !== undefined;
    };
    for (let name = 1; name <= 128; name++)
      expect(isTaken(event('n'.repeat(name))), `${name} bytes`).toBe(true);
    const sell = event('n').replace('buy', 'sell');
    for (const line of [event('n', '999999999'), event('n', '1', ',"wait":true'), sell, `${sell}\r`])
      expect(isTaken(line), line).toBe(true);
    const near = [
      ...['', 'n'.repeat(129), 'é', '\\n', 'a"b'].map(name => event(name)),
      ...['0', '01', '1234567890', '1.0', '1,"wait":false'].map(amount => event('n', amount)),
      ...[`${event('n')} `, ` ${event('n')}`],
    ];
    for (const line of near) expect(isTaken(line), line).toBe(false);
  });

  test('the oracle sees keys that come twice, and only those of the outermost object', () => {
    expect(topLevelKeys('{"a":{"b":1,"c":["d"]},"\\u0061":"x,\\"y\\":","e":[{"f":{}}],"":0}')).toEqual([
      'a',
      'a',
      'e',
      '',
    ]);
    expect(topLevelKeys(' { } ')).toEqual([]);
  });
});

describe('against the oracle', () => {
  test('any line is what the oracle says it is, both ways and with the same hash', () => {
    fc.assert(
      fc.property(anyLine, line => {
        expect(subject.complaint(line)).toBeUndefined();
      }),
      { numRuns: 10_000 },
    );
  });

  test('fifty thousand seeded lines', () => {
    const seed = randomInt(2 ** 32 - 1);
    const maker = new LineMaker(Choices.seeded(seed));
    for (let count = 0; count < 50_000; count++) {
      const line = maker.next();
      const complaint = subject.complaint(line);
      if (complaint !== undefined) throw new Error(`seed ${seed}, hex ${line.toString('hex')}: ${complaint}`);
    }
  });

  test('no generated line has a line end inside, or is longer than a line may be', () => {
    const seed = randomInt(2 ** 32 - 1);
    const maker = new LineMaker(Choices.seeded(seed));
    for (let count = 0; count < 20_000; count++) {
      const line = maker.next();
      expect(line.includes(0x0a) || line.length > LINE_BYTES_MAX, `seed ${seed}`).toBe(false);
    }
  });
});

describe('where a line lies', () => {
  const tail = fc.oneof(
    anyLine,
    fc.uint8Array({ maxLength: 300 }).map(tail => Buffer.from(tail)),
  );

  test('changes nothing, and neither does what is behind or before it', () => {
    fc.assert(
      fc.property(
        anyLine,
        fc.nat(OFFSETS_MAX / 2),
        fc.nat(7),
        tail,
        tail,
        (line, offset, shift, before, behind) => {
          const at = start + offset + shift;
          bytes.fill(0x20);
          const first = subject.complaint(line);
          expect(first).toBeUndefined();
          bytes.fill(before.length === 0 ? 0 : before[0]!);
          bytes.set(before.subarray(0, at - start), at - Math.min(before.length, at - start));
          bytes.set(behind.subarray(0, bytes.length - at - line.length - 1), at + line.length + 1);
          expect(subject.complaint(line, at)).toBeUndefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('the end of a line may be missing while the bytes behind it look like its end', () => {
    const line = utf8(event('alice', '100', ',"wait":true'));
    for (let end = 0; end <= line.length; end++) {
      for (const sentinel of [0x0a, line[end] ?? 0x0a]) {
        subject.place(line);
        bytes[start + end] = sentinel;
        expect(subject.usualPartial(end), `cut at ${end}`).toBe(0);
      }
    }
  });

  test('judging changes nothing on the desk but the place for decoded names', () => {
    fc.assert(
      fc.property(anyLine, fc.nat(OFFSETS_MAX), (line, offset) => {
        randomBytes(512).copy(bytes, start + offset + line.length);
        subject.place(line, start + offset);
        const before = Buffer.from(bytes);
        subject.usual(line.length, start + offset);
        expect(bytes.equals(before)).toBe(true);
        subject.general(line.length, start + offset);
        expect(bytes.subarray(512).equals(before.subarray(512))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a line may fill the desk to its end', () => {
    const lines = [
      event('a'),
      event('\\u0061'.repeat(20)),
      '"',
      '{"',
      '[[[',
      '{"user":"',
      '1',
      'tru',
      '"\\u00',
    ];
    for (const line of lines) {
      const full = new Subject(line.length + 1);
      expect(full.complaint(utf8(line)), line).toBeUndefined();
    }
  });

  test('a hash is of the bytes of the name: escapes do not count, every byte does', () => {
    const hash = (name: string) => {
      const line = utf8(event(name));
      subject.place(line);
      return subject.general(line.length).hash;
    };
    expect(hash('\\u0061lice')).toBe(hash('alice'));
    expect(hash('\\ud83d\\ude00')).toBe(hash('😀'));
    const names = ['a', 'b', 'ab', 'ba', 'a\\u0000', 'a\\u0000\\u0000', 'aaaa', 'aaaaa', 'e\u0301', 'é', 'A'];
    expect(new Set(names.map(hash)).size).toBe(names.length);
  });
});
