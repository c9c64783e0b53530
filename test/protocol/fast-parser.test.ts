/**
 * The quick way against the oracle, on the usual lines with one thing wrong: every byte of every line is changed into
 * every other, taken away, and has every byte put before it. What is compared as float64 must not be taken for the
 * same because numbers are odd (0 and -0 are equal, a NaN equals nothing).
 */
import { describe, expect, test } from 'vitest';
import { Kind } from '../../src/protocol/request.ts';
import { oracle, Subject } from '../support/oracle.ts';

const subject = new Subject(1_024);
const { bytes, start } = subject.buffer;
const NEWLINE = 0x0a;

const usualLine = (name: string, action: string, amount: string, wait: string, end: string) =>
  Buffer.from(`{"user":"${name}","action":"${action}","amount":${amount}${wait}}${end}`, 'latin1');

/** Every form that is usual: a buy or a sell, with and without a wait and \r. */
const FORMS = ['buy', 'sell'].flatMap(action =>
  ['', ',"wait":true'].flatMap(wait => ['', '\r'].map(end => ({ action, wait, end }))),
);
const titleOf = (line: Buffer) => JSON.stringify(line.toString('latin1'));
/** Half of them, in which any two of the three come together in every way. */
const PAIRED = FORMS.filter(
  ({ action, wait, end }) => (action === 'buy') === ((wait === '') === (end === '')),
);
const LINES = PAIRED.map(({ action, wait, end }) => usualLine('alice', action, '120', wait, end));

const isTaken = (line: Uint8Array, at = start) => {
  subject.place(line, at);
  return subject.usual(line.length, at) !== undefined;
};

/** The first of these lines that is judged wrongly, for what it is. Lines with a line end inside are none. */
function complaintOf(lines: Iterable<Buffer>, at = start): string | undefined {
  for (const line of lines) {
    if (line.includes(NEWLINE)) continue;
    const complaint = subject.complaint(line, at);
    if (complaint !== undefined) return `hex ${line.toString('hex')}: ${complaint}`;
  }
  return undefined;
}

const replaced = (line: Buffer, at: number, count: number, by: Uint8Array) =>
  Buffer.concat([line.subarray(0, at), by, line.subarray(at + count)]);

function* changed(line: Buffer) {
  for (let at = 0; at < line.length; at++)
    for (let byte = 0; byte < 256; byte++) yield replaced(line, at, 1, Buffer.of(byte));
}
function* inserted(line: Buffer) {
  for (let at = 0; at <= line.length; at++)
    for (let byte = 0; byte < 256; byte++) yield replaced(line, at, 0, Buffer.of(byte));
}
/** One byte or more taken away, or said twice. */
function* cutOrRepeated(line: Buffer) {
  for (let at = 0; at <= line.length; at++) {
    for (let count = 1; at + count <= line.length; count++) {
      yield replaced(line, at, count, Buffer.alloc(0));
      yield replaced(line, at, 0, line.subarray(at, at + count));
    }
  }
}

test('every usual form is taken, whatever the length of its name and its amount, wherever it lies', () => {
  for (const { action, wait, end } of FORMS) {
    for (let name = 1; name <= 128; name++) {
      for (let digits = 1; digits <= 9; digits++) {
        const line = usualLine('n'.repeat(name), action, '987654321'.slice(0, digits), wait, end);
        const at = start + ((name * 9 + digits) & 15);
        if (!isTaken(line, at)) expect.fail(`not taken at ${at}: ${line}`);
        const complaint = subject.complaint(line, at);
        if (complaint !== undefined) expect.fail(`${line}: ${complaint}`);
      }
    }
  }
});

describe.each(LINES.map(line => [titleOf(line), line] as const))('%s', (_, line) => {
  test('is an event, and taken', () => {
    expect(oracle(line).kind).toBe(Kind.event);
    expect(isTaken(line)).toBe(true);
  });

  test('with one byte changed is what the oracle says', () => {
    expect(complaintOf(changed(line))).toBeUndefined();
  });

  test('with one byte more is what the oracle says', () => {
    expect(complaintOf(inserted(line))).toBeUndefined();
  });

  test('with bytes missing, or there twice, is what the oracle says', () => {
    expect(complaintOf(cutOrRepeated(line))).toBeUndefined();
  });

  test('with one byte changed outside of name, amount and white space is not taken', () => {
    const nameAt = line.indexOf('alice');
    const amountAt = line.indexOf('120');
    const isFree = (at: number) => (at >= nameAt && at < nameAt + 5) || (at >= amountAt && at < amountAt + 3);
    for (let at = 0; at < line.length; at++) {
      if (isFree(at)) continue;
      for (let byte = 0; byte < 256; byte++) {
        const other = replaced(line, at, 1, Buffer.of(byte));
        if (byte !== line[at] && byte !== NEWLINE && isTaken(other)) expect.fail(`byte ${at} may be ${byte}`);
      }
    }
  });

  test('with a line end inside is not taken for more than what is before it', () => {
    for (let at = 0; at <= line.length; at++) {
      for (const count of [0, 1]) {
        const broken = replaced(line, at, count, Buffer.of(NEWLINE));
        subject.place(broken);
        const before = broken.subarray(0, at);
        const isWhole = before.equals(line) || (line.at(-1) === 0x0d && before.equals(line.subarray(0, -1)));
        // `usual` fails when the next line would be anywhere else.
        expect(subject.usual(at) !== undefined, `a line end at ${at}`).toBe(isWhole);
      }
    }
  });

  const ODD_FLOATS: Record<string, string> = {
    '0.0': '0000000000000000',
    '-0.0': '0000000000000080',
    'the smallest number': '0100000000000000',
    Infinity: '000000000000f07f',
    '-Infinity': '000000000000f0ff',
    'a quiet NaN': '000000000000f87f',
    'a negative NaN': '000000000000f8ff',
    'a signalling NaN': '010000000000f07f',
    'a NaN of all bits': 'ffffffffffffffff',
  };
  test.each(Object.entries(ODD_FLOATS))('with the bytes of %s anywhere is not taken', (_, hex) => {
    const float = Buffer.from(hex, 'hex');
    const both = [float, Buffer.from(float).reverse()];
    for (const odd of both) {
      for (let at = 0; at <= line.length; at++) {
        for (let count = 0; count <= 8; count++) {
          const other = replaced(line, at, Math.min(count, line.length - at), odd);
          expect(isTaken(other), `at ${at} for ${count} bytes`).toBe(false);
          expect(subject.complaint(other)).toBeUndefined();
        }
      }
    }
  });

  test('with a NaN whose bits are those of the line otherwise is not taken', () => {
    // The two highest bytes make any eight bytes a NaN.
    for (let at = 0; at + 8 <= line.length; at++) {
      for (const high of [0x7f, 0xff]) {
        const other = replaced(line, at + 6, 2, Buffer.of(line[at + 6]! | 0xf0, high));
        if (isTaken(other)) expect.fail(`at ${at}`);
      }
    }
  });
});

test('amounts of ten digits and more are left to the general way', () => {
  for (const { action, wait, end } of FORMS) {
    for (let digits = 10; digits <= 25; digits++) {
      for (const digit of '19') {
        const line = usualLine('alice', action, digit.repeat(digits), wait, end);
        expect(isTaken(line), titleOf(line)).toBe(false);
        expect(subject.complaint(line)).toBeUndefined();
      }
    }
  }
});

test('eight zero bytes are no text, also where zeros were on the desk before', () => {
  for (const line of LINES) {
    for (let at = 0; at < line.length; at++) {
      bytes.fill(0);
      const cut = Buffer.concat([line.subarray(0, at), Buffer.alloc(line.length - at)]);
      expect(isTaken(cut), `${at} bytes of ${titleOf(line)}`).toBe(false);
    }
  }
});

test('names of other lengths with one byte changed or more are what the oracle says', () => {
  for (const name of ['n', 'four', 'names of 19 bytes..', 'n'.repeat(127), 'n'.repeat(128)]) {
    const line = usualLine(name, 'sell', '7', ',"wait":true', '\r');
    const nameAt = line.indexOf(name);
    const near = function* () {
      for (let at = nameAt - 1; at <= nameAt + name.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          yield replaced(line, at, 1, Buffer.of(byte));
          yield replaced(line, at, 0, Buffer.of(byte));
        }
      }
    };
    expect(complaintOf(near()), name).toBeUndefined();
  }
});
