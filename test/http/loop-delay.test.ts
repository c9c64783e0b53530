import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LoopDelay } from '../../src/http/loop-delay.ts';
import { until } from '../../src/tools/harness/waiting.ts';

/**
 * Then the timer of the delay has run if it was due. After a sleep alone it may not have: Node runs all the timers of
 * JavaScript that are due when the first of them is, and its own only then.
 */
async function wholeTurn(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

test('a loop that was kept busy is seen to be late, by the next who look too', async () => {
  // Short windows, but longer than a run of the timer: a reset forgets the run before it.
  const delay = new LoopDelay(60);
  expect(delay.look()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0, sumMs: 0, samples: 0 });
  delay.start();
  try {
    // The timer runs once before the loop is held up, and once after it.
    await sleep(50);
    await wholeTurn();
    for (const end = performance.now() + 100; performance.now() < end; );
    await wholeTurn();
    const first = delay.look();
    expect(first.samples).toBeGreaterThan(0);
    expect(first.maxMs).toBeGreaterThan(50);
    expect(first.sumMs).toBeGreaterThanOrEqual(first.maxMs * 0.99);
    const second = delay.look();
    // The first look did not take it away. (On busy cores there may be a worse one by now.)
    expect(second.maxMs).toBeGreaterThanOrEqual(first.maxMs);
    await until(() => delay.look().samples > first.samples, 'samples of another window');
    expect(delay.look().sumMs).toBeGreaterThanOrEqual(first.sumMs);
  } finally {
    delay.stop();
  }
});
