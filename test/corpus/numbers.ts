/** Numbers at the edges: which amounts are integers from 1 to 2^53−1, which are numbers all the same, and which not. */
import { all, type Draft, event, eventLine, type Group, invalidEvent, invalidJson } from './entry.ts';

const MAX = Number.MAX_SAFE_INTEGER;

// biome-ignore format: a table
const AMOUNTS: [text: string, value: number, why: string][] = [
  ['1', 1, 'the least'], ['9', 9, 'one digit'], ['10', 10, 'two digits'], ['123456789', 123456789, 'nine digits'],
  ['1234567890', 1234567890, 'ten digits'], ['2147483647', 2147483647, '2^31−1'], ['2147483648', 2147483648, '2^31: no 32-bit integer'],
  ['4294967295', 4294967295, '2^32−1'], ['4294967296', 4294967296, '2^32'], ['999999999999999', 999999999999999, '15 digits'],
  ['1000000000000000', 1e15, '16 digits'], ['9007199254740990', MAX - 1, '2^53−2'], ['9007199254740991', MAX, '2^53−1, the largest'],
  ['9007199254740991.0', MAX, 'the largest with a fraction of 0'], ['9007199254740991e0', MAX, 'the largest with an exponent of 0'],
  ['90071992547409910e-1', MAX, 'the largest, divided'], ['900719925474099.1e1', MAX, 'the largest, multiplied'],
  ['9007199254740991.4', MAX, 'its double is 2^53−1'], ['1e2', 100, 'an exponent'], ['1E2', 100, 'a capital E'],
  ['1e+2', 100, 'a plus in the exponent'], ['1E+2', 100, 'capital and plus'], ['1e02', 100, 'a zero before the exponent'],
  ['1e0000002', 100, 'zeros before the exponent'], ['100.0', 100, 'a fraction of 0'], ['100.000000000000000000000', 100, 'a long fraction of 0'],
  ['1.0e2', 100, 'fraction and exponent'], ['0.1e1', 1, 'less than 1 before its exponent'], ['0.01e2', 1, 'the same, two places'],
  ['10e-1', 1, 'an exponent below 0'], ['1000e-3', 1, 'the same, three places'], ['12.5e1', 125, 'the exponent takes the fraction away'],
  ['0.00001e5', 1, 'five places'], ['1e15', 1e15, 'a large exponent'], ['9e15', 9e15, 'just below the largest'],
  ['1.0000000000000000001', 1, 'its double is 1'], ['0.99999999999999999', 1, 'its double is 1, from below'],
  ['1e0', 1, 'an exponent of 0'], ['1e-0', 1, 'an exponent of minus 0'], ['5.0E-0', 5, 'all at once'],
];

// biome-ignore format: a table
const NO_AMOUNTS: [text: string, why: string][] = [
  ['0', 'below the least'], ['-0', 'zero with a sign'], ['0.0', 'zero with a fraction'], ['0e5', 'zero with an exponent'], ['0e999999999', 'zero with a huge exponent'],
  ['-1', 'below 0'], ['-100', 'below 0'], ['-1e2', 'below 0, with an exponent'], ['-9007199254740991', 'minus the largest'],
  ['1.5', 'no integer'], ['0.5', 'no integer'], ['12.5', 'no integer'], ['0.99999', 'no integer, near 1'], ['1e-1', 'no integer, by its exponent'], ['15e-1', 'no integer, by its exponent'],
  ['4503599627370495.5', 'no integer, and a double'], ['9007199254740992', '2^53'], ['9007199254740993', '2^53+1, whose double is 2^53'], ['9007199254740991.5', 'its double is 2^53'],
  ['9007199254740992.0', '2^53, with a fraction'], ['9.007199254740992e15', '2^53, with an exponent'], ['1e16', 'too large'], ['18446744073709551615', '2^64−1'], ['18446744073709551617', '2^64+1: 1 where integers wrap'],
  ['4294967297000000000000', 'too large'], ['99999999999999999999', '20 digits'], ['1e308', 'nearly the largest double'], ['1e309', 'infinite as a double'], ['1e400', 'infinite as a double'], ['-1e400', 'minus infinite'],
  ['1e-400', '0 as a double'], ['1e999999999999', 'an exponent that is no 32-bit integer'], ['1e-999999999999', 'the same, below 0'], ['1e2147483648', 'an exponent of 2^31'],
];

// biome-ignore format: a table
const NO_JSON: [text: string, why: string][] = [
  ['01', 'a zero before the digits'], ['00', 'two zeros'], ['-01', 'a zero behind the sign'], ['00.5', 'two zeros before the point'], ['-', 'only a sign'], ['+1', 'a plus'], ['--1', 'two signs'], ['- 1', 'a space behind the sign'],
  ['1.', 'no fraction'], ['.5', 'nothing before the point'], ['.', 'only a point'], ['-.5', 'a sign and a point'], ['1..2', 'two points'], ['1.2.3', 'two fractions'], ['1e', 'no exponent'], ['1E', 'no exponent'], ['1e+', 'a sign and no exponent'], ['1e-', 'a sign and no exponent'],
  ['1e+-2', 'two signs'], ['e1', 'only an exponent'], ['1e1.5', 'a fraction in the exponent'], ['1.e2', 'no fraction before the exponent'], ['1ee2', 'two exponents'], ['1e1e1', 'two exponents'], ['0x10', 'hexadecimal'], ['0b1', 'binary'], ['0o7', 'octal'],
  ['1_000', 'an underscore'], ['1,000', 'a comma'], ['1 000', 'a space'], ['1n', 'a BigInt'], ['1f', 'a suffix'], ['NaN', 'not a number'], ['Infinity', 'infinite'], ['-Infinity', 'minus infinite'], ['1/2', 'a fraction bar'], ['1e2 3', 'two numbers'], ['\u00b2', 'a byte that is no UTF-8, and no digit'],
];

// biome-ignore format: a table
export const NUMBERS: Group[] = [
  {
    group: 'numbers that are amounts',
    // Each of a user of its own: together they would be more than a balance can be.
    drafts: AMOUNTS.map(
      ([text, value, why], index): Draft => ({ name: `amount ${text}`, why, line: eventLine(`n${index}`, text), verdict: event(`n${index}`, value) }),
    ),
  },
  {
    group: 'numbers that are no amounts',
    drafts: [
      ...all(
        invalidEvent,
        NO_AMOUNTS.map(([text, why]) => [`amount ${text}`, why, eventLine('n', text)]),
      ),
      ...all(invalidEvent, [
        ['500 digits', 'infinite as a double, and long', ['{"user":"n","action":"buy","amount":', ['9', 500], '}']],
        ['500 places', '0 as a double, and long', ['{"user":"n","action":"buy","amount":0.', ['0', 500], '1}']],
      ]),
    ],
  },
  {
    group: 'numbers that are long',
    drafts: [
      ...all(event('n', 1), [
        ['1 and 300 zeros, divided', 'each part is far out of range, the value is 1', ['{"user":"n","action":"buy","amount":1', ['0', 300], 'e-300}']],
        ['1 behind 300 places', 'the same the other way round', ['{"user":"n","action":"buy","amount":0.', ['0', 299], '1e300}']],
        ['1 with 2,000 places', 'a fraction of 0 that is long', ['{"user":"n","action":"buy","amount":1.', ['0', 2000], '}']],
        ['an exponent of 1,000 zeros', 'zeros before an exponent do not count', ['{"user":"n","action":"buy","amount":1e', ['0', 1000], '}']],
      ]),
    ],
  },
  {
    group: 'numbers that are no JSON',
    drafts: [
      ...all(
        invalidJson,
        NO_JSON.map(([text, why]) => [`amount ${text}`, why, eventLine('n', text)]),
      ),
      ...all(invalidJson, [
        ['a bad number in an unknown field', 'a field that is ignored must still be JSON', eventLine('n', '1', ',"x":01')],
        ['a bad number deep inside', 'the same, in an array in an object', eventLine('n', '1', ',"x":{"y":[1,2,3.]}')],
        ['a bad number that ends the line', 'nothing follows it', '1.'],
        ['a sign that ends the line', 'nothing follows it', '-'],
      ]),
      ...all(event('n', 1), [
        ['a huge number in an unknown field', 'infinite as a double, ignored, and JSON', eventLine('n', '1', ',"x":1e999')],
        ['minus zero in an unknown field', 'JSON', eventLine('n', '1', ',"x":-0.0e-0')],
      ]),
    ],
  },
];
