import { expect, test } from 'vitest';
import { openLoop } from '../../steps/kit/witnesses/open-loop.ts';

test('no question leaves before it is due, though timers fire early', async () => {
  const aheadMs = await openLoop(150, 1_000, async (_, dueMs) => dueMs - performance.now());
  expect(aheadMs.length).toBe(150);
  expect(Math.max(...aheadMs)).toBeLessThanOrEqual(0);
});
