/** How bytes are shown, and where the mark stands, for what no server of these tests says. */
import { expect, test } from 'vitest';
import { hintOf } from '../../steps/kit/check/hint.ts';
import { printedSince } from '../../steps/kit/check/play.ts';
import { readable, transcriptOf } from '../../steps/kit/check/transcript.ts';

const bytes = (text: string) => Buffer.from(text).toString('latin1');
const compared = (expected: string, received: string, at: number) =>
  transcriptOf({ problem: 'p', sent: [], expected, received, at }, 'h').slice(1, 4);

test('what is no printable ASCII is escaped', () => {
  expect(readable(bytes('a\tb\r\n\0é'))).toBe('a\\tb\\r\\n\\x00\\xc3\\xa9');
});

test('the mark counts escapes by their columns', () => {
  const rows = compared(bytes('é\tx\n'), bytes('é\ty\n'), 3);
  expect(rows).toEqual([
    'expected  \\xc3\\xa9\\tx\\n',
    'received  \\xc3\\xa9\\ty\\n',
    "                    ^ byte 4: expected 'x', got 'y'",
  ]);
});

test('long replies are cut around the difference, both at the same byte', () => {
  const [expected, received, mark] = compared(`${'a'.repeat(500)}b\n`, `${'a'.repeat(500)}c\n`, 500);
  expect(expected).toBe(`expected  …${'a'.repeat(48)}b\\n`);
  expect(received).toBe(`received  …${'a'.repeat(48)}c\\n`);
  expect(mark).toBe(`${' '.repeat(10 + 1 + 48)}^ byte 501: expected 'b', got 'c'`);
});

test('packets that are the same are counted, the last six are shown', () => {
  const sent = ['1', '2', '3', '4', '5', 'x', 'x', 'x', '6', '7', ''];
  const rows = transcriptOf({ problem: 'p', sent, expectedWords: 'e', receivedWords: 'r' }, 'h');
  expect(rows.slice(1, 8).map(row => row.slice(10))).toEqual([
    '… 3 packets before these',
    '4',
    '5',
    'x, 3 times',
    '6',
    '7',
    '(and ended its side)',
  ]);
});

test('of what a server printed, the part since a moment is found, though only ends are kept', () => {
  expect(printedSince('', 'a\nb')).toBe('a\nb');
  expect(printedSince('a\nb', 'a\nb')).toBe('');
  expect(printedSince('a\nb', 'a\nb\n  c')).toBe('\n  c');
  expect(printedSince('first\nsecond', 'ond\n  third')).toBe('\n  third');
  expect(printedSince('first\nsecond', 'another')).toBe('another');
});

test.each([
  ['{"status":"ok","balance":12}', '{"status": "ok", "balance": 12}', 'no spaces'],
  ['{"status":"ok","balance":12}', '{"balance":12,"status":"ok"}', 'have an order'],
  // Neither is what these say: their mistakes are others.
  ['{"status":"ok","balance":12}', '{"status":"ok","balance":21}', 'of the case'],
  ['{"received":2,"processed":1,"dropped":1}', '{"received":1,"processed":2,"dropped":1}', 'of the case'],
  ['an echo of three words', 'anechoofthreewords', 'of the case'],
])('a hint fits the mistake: %s, and %s came', (expected, received, hint) => {
  const failure = { problem: 'p', sent: [], expected: `${expected}\n`, received: `${received}\n`, at: 2 };
  expect(hintOf(failure, 'of the case')).toContain(hint);
});
