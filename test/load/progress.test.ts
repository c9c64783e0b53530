import { describe, expect, test } from 'vitest';
import { MovingLine } from '../../src/cli/terminal/moving-line.ts';
import { progressLine } from '../../src/tools/load/progress.ts';
import { interval } from './results.ts';

const progress = {
  elapsedMs: 5_000,
  durationMs: 10_000,
  answered: 250_000,
  busy: 1_234,
  errors: 0,
  last: interval(4, 50_000, 0.5, 4.2),
};

describe('the line that moves', () => {
  test('shows how far it is, and the last second', () => {
    expect(progressLine(progress)).toBe(
      '[##########··········] 5 of 10 s  50,000/s  p50 0.500  p99 4.20 ms  busy 1,234  errors 0',
    );
  });

  test('has no bar where no time is set, and counts replies before the first second is over', () => {
    expect(progressLine({ ...progress, durationMs: undefined, last: undefined })).toBe(
      '5  250,000 replies  busy 1,234  errors 0',
    );
  });

  test('is full when the time is over, and says so when it has not begun', () => {
    expect(progressLine({ ...progress, elapsedMs: 10_400 })).toMatch(/^\[#{20}\] 10 of 10 s/);
    expect(progressLine({ ...progress, elapsedMs: -300 })).toBe('warming up …');
  });

  test.each([
    [40, 39],
    [0, 79],
    [undefined, 79],
  ])('fits into one line of a terminal of %s columns', (columns, widthMax) => {
    const written: string[] = [];
    const stream = { columns, isTTY: true, write: (text: string) => written.push(text) };
    const line = new MovingLine(stream as unknown as NodeJS.WriteStream, { TERM: 'xterm', LANG: 'C.UTF-8' });
    line.show('x'.repeat(200));
    line.clear();
    expect(written).toEqual([`\r\u001b[K${'x'.repeat(widthMax - 1)}…`, '\r\u001b[K']);
  });
});
