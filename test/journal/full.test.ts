/**
 * What was accepted always has room in the journal, whatever it is and however it is cut into blocks; what has none is
 * refused before.
 */
import { expect, test } from 'vitest';
import { fillUp, KINDS } from './filling.ts';

test.each(KINDS)('%s on a disk that fills up', (_, kind) => {
  const { accepted, isFull, whenFull, afterwards, isFullAfterwards } = fillUp(kind, 3);
  expect(accepted).toBeGreaterThan(500);
  expect(isFull).toBe(true);
  expect(whenFull).toBe(0);
  // There is room again, and no longer a reason to refuse.
  expect(afterwards).toBeGreaterThan(5_000);
  expect(isFullAfterwards).toBe(false);
});
