/** Times as people write them. */
import { expect, test } from 'vitest';
import { readTime, timeText } from '../../../src/journal/cli/times.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');

test.each([
  ['2026-11-29T12:00:00Z', '2026-11-29T12:00:00.000Z'],
  ['2026-11-29T12:00:00.123Z', '2026-11-29T12:00:00.123Z'],
  ['2026-11-29T12:00:00+02:00', '2026-11-29T10:00:00.000Z'],
  ['2026-11-29 12:00', '2026-11-29T12:00:00.000Z'],
  ['2026-11-29', '2026-11-29T00:00:00.000Z'],
  ['10m', '2026-11-29T11:50:00.000Z'],
  ['1.5h', '2026-11-29T10:30:00.000Z'],
  ['3d', '2026-11-26T12:00:00.000Z'],
  ['250ms', '2026-11-29T11:59:59.750Z'],
])('%s is %s', (text, time) => {
  expect(timeText(readTime(text, '--at', NOW))).toBe(time);
});

test.each([
  '',
  '10',
  'm',
  '2026-02-30',
  '2026-13-01',
  '2026-11-29T25:00Z',
  '2026-11-29T12',
  'now',
  '-1h',
  '1w',
  `${'9'.repeat(20)}d`,
  '999999999999d',
])('%j is no time', text => {
  expect(() => readTime(text, '--at', NOW)).toThrow(/^--at .* is no time, such as /);
});
