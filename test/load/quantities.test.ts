import { describe, expect, test } from 'vitest';
import { count, decimal, duration, ms, readCount, readDurationMs } from '../../src/cli/terminal/numbers.ts';

describe('times are read', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['3', 3_000],
    ['0.25', 250],
    [' 1s ', 1_000],
    ['0s', 0],
  ])('%s', (text, value) => expect(readDurationMs(text)).toBe(value));

  test.each(['', 's', '-1s', '+1s', '1 s', '1S', '1d', '.5s', '1.s', '1e3ms', '1s2', 'Infinity', '1,5s'])(
    '"%s" is none',
    text => expect(readDurationMs(text)).toBeUndefined(),
  );
});

describe('counts are read', () => {
  test.each([
    ['0', 0],
    ['50000', 50_000],
    ['50_000', 50_000],
    ['50k', 50_000],
    ['1.5M', 1_500_000],
    ['0.5', 0.5],
    [' 7 ', 7],
  ])('%s', (text, value) => expect(readCount(text)).toBe(value));

  test.each(['', 'k', '-1', '1K', '1m', '1G', '1e3', '0x10', '_1', '1 000', '1,000', 'NaN'])(
    '"%s" is none',
    text => expect(readCount(text)).toBeUndefined(),
  );
});

describe('figures are printed', () => {
  test('counts with commas', () => {
    expect([0, 999, 1_234, 1_234_567.4, -50_000].map(count)).toEqual([
      '0',
      '999',
      '1,234',
      '1,234,567',
      '-50,000',
    ]);
  });

  test('as Intl does, at less cost', () => {
    const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
    const hundredths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
    const values = [0, 0.4, 0.5, 1, 2.5, 99.994, 999.5, 999.999, 1_000, 12_345.678, 2 ** 53 - 1, -1_234.6];
    expect(values.map(count)).toEqual(values.map(value => whole.format(value)));
    expect(values.map(decimal)).toEqual(values.map(value => hundredths.format(value)));
    expect([Infinity, Number.NaN].map(count)).toEqual(['∞', 'NaN']);
  });

  test('milliseconds with three digits or more', () => {
    expect([0, 0.081, 1.234, 12.06, 123.4, 1_013, 12_345.6].map(ms)).toEqual([
      '0.000',
      '0.081',
      '1.23',
      '12.1',
      '123',
      '1,013',
      '12,346',
    ]);
  });

  test('times as people say them', () => {
    expect([0, 950, 1_000, 1_500, 10_000, 60_000, 90_000, 3_600_000].map(duration)).toEqual([
      '0 ms',
      '950 ms',
      '1 s',
      '1.5 s',
      '10 s',
      '1 m',
      '1 m 30 s',
      '60 m',
    ]);
  });

  test('a time just below a minute is no 0 m 60 s, and one just below two is no 1 m 60 s', () => {
    expect(duration(59_990)).toBe('1 m');
    expect(duration(119_700)).toBe('2 m');
  });
});
