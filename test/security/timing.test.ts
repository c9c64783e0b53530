/** The time in which a wrong token is refused does not tell how much of it is right; where it does, that is seen. */
import { expect, test } from 'vitest';
import { timesByShared, toldBy } from '../../bench/micro/prefixes.ts';
import { bookWith, loopThatStops } from '../../bench/micro/token-ways.ts';
import { newToken } from '../../src/security/token.ts';

const ROUNDS = 200;

test('the look-up tells nothing by its time', () => {
  const right = newToken();
  expect(toldBy(timesByShared(bookWith(right, 100), right, ROUNDS))).toEqual([]);
});

test('a loop that stops at the first wrong character tells how many are right', () => {
  const right = newToken();
  expect(toldBy(timesByShared(loopThatStops(right), right, ROUNDS))).toEqual([16, 32, 40]);
});

test('what is no look-up at all has no time', () => {
  const right = newToken();
  expect(() => timesByShared(() => false, right, 1)).toThrow('the right token is refused');
  expect(() => timesByShared(() => true, right, 1)).toThrow('a wrong token is taken for the right one');
});
