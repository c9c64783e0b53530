import { expect, test, vi } from 'vitest';
import { Pace } from '../../src/admin/pace.ts';

test('a hundred acts may come at once, then a hundred a second, and nobody saves up more', async () => {
  vi.useFakeTimers();
  try {
    const pace = new Pace();
    const startMs = performance.now() + 60_000;
    const waits = Array.from({ length: 150 }, () => pace.wait(startMs));
    expect(waits.map(wait => wait === undefined)).toEqual([
      ...Array<boolean>(100).fill(true),
      ...Array<boolean>(50).fill(false),
    ]);
    const begun: number[] = [];
    for (const [at, wait] of waits.entries()) void wait?.then(() => begun.push(at));
    await vi.advanceTimersByTimeAsync(105);
    expect(begun).toEqual(Array.from({ length: 10 }, (_, at) => 100 + at));
    await vi.advanceTimersByTimeAsync(400);
    expect(begun.length).toBe(50);
    // An hour later there is no more than at the start.
    const later = Array.from({ length: 101 }, () => pace.wait(startMs + 3_600_000));
    expect(later.filter(wait => wait !== undefined).length).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
