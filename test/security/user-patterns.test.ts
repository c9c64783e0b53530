/** Patterns of users over bytes, beside the plainest way to say the same over strings. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patternMistake, UserPatterns } from '../../src/security/user-patterns.ts';

const covers = (patterns: string[], name: string) =>
  patterns.some(pattern =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );

/** As in the read buffer: with other bytes before and behind it. */
function hasIn(users: UserPatterns | undefined, name: string): boolean {
  const bytes = Buffer.from(`a${name}a`);
  return users === undefined || users.has(bytes, 1, bytes.length - 2);
}

// Few letters, so that patterns and names meet; of two, three and four bytes, with the same first ones.
const letters = fc.constantFrom('a', 'b', ':', '\0', 'é', 'è', '€', '₫', '😀', '😁', '\uffff');
const name = fc.string({ unit: letters, minLength: 1, maxLength: 5 });
const pattern = fc.oneof(
  name,
  name.map(text => `${text}*`),
  fc.constant('*'),
);

test('covers what the plainest way covers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: pattern }, { weight: 1, arbitrary: name }), {
        maxLength: 12,
      }),
      fc.array(name, { maxLength: 12 }),
      (patterns, names) => {
        const users = UserPatterns.of(patterns);
        const itself = patterns.map(one => one.replace('*', '')).filter(one => one !== '');
        for (const each of [...names, ...itself, ...itself.map(one => `${one}a`)])
          expect([each, hasIn(users, each)]).toEqual([each, covers(patterns, each)]);
      },
    ),
    { numRuns: 1_500 },
  );
});

test('many patterns are told apart', () => {
  const patterns = Array.from({ length: 3_000 }, (_, at) => (at % 3 === 0 ? `u${at}:*` : `u${at}`));
  const users = UserPatterns.of(patterns);
  for (let at = 0; at < 3_100; at += 1) {
    const isThere = at < 3_000;
    expect(hasIn(users, `u${at}`)).toBe(isThere && at % 3 !== 0);
    expect(hasIn(users, `u${at}:x`)).toBe(isThere && at % 3 === 0);
  }
});

test('every user is undefined, and no pattern is no user', () => {
  expect(UserPatterns.of(['a', '*'])).toBeUndefined();
  expect(hasIn(UserPatterns.of([]), 'a')).toBe(false);
  expect(UserPatterns.of([])!.has(Buffer.alloc(0), 0, 0)).toBe(false);
});

test.each([
  ['', 'a user has an empty name'],
  ['a*b', '"a*b" has a * that is not at its end; only there it stands for any rest'],
  ['**', '"**" has a * that is not at its end; only there it stands for any rest'],
  ['a\ud800', '"a\\ud800" is no Unicode text'],
  ['é'.repeat(65), /^"\?{65}" has 130 bytes; a user's name has 128 at most$/],
  [`${'x'.repeat(129)}*`, /has 129 bytes/],
  ['\u001b[31m*\n', /^"[\x20-\x7e]+" has a \* that is not at its end/],
])('%j is refused in words', (text, message) => {
  expect(patternMistake(text)).toMatch(message);
  expect(() => UserPatterns.of(['a', text])).toThrow(RangeError);
});

test('the longest names are taken', () => {
  const longest = 'x'.repeat(128);
  expect(hasIn(UserPatterns.of([longest]), longest)).toBe(true);
  expect(hasIn(UserPatterns.of([`${longest}*`]), longest)).toBe(true);
  expect(hasIn(UserPatterns.of([longest]), longest.slice(1))).toBe(false);
});
