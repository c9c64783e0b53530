/** Whatever becomes of its output, the server serves, and ends in time. */
import { expect, test } from 'vitest';
import { LIMIT_MS, stopWithOutput } from '../support/output-cycles.ts';
import { OUTPUTS, type OutputKind } from '../support/outputs.ts';

/** What a busy machine adds to what the server takes. */
const BUSY_MS = 10_000;

test.concurrent.each(Object.keys(OUTPUTS) as OutputKind[])('it stops cleanly with %s', async kind => {
  const { exitMs, wrongExits, ledgersRead } = await stopWithOutput(kind, 1);
  expect(wrongExits).toBe(0);
  expect(exitMs[0]).toBeLessThan(LIMIT_MS + BUSY_MS);
  expect(ledgersRead).toBe(kind.endsWith('slowly') ? 1 : 0);
});

test.concurrent('a second signal does not wait for a pipe that is held', async () => {
  const { exitMs, wrongExits } = await stopWithOutput('a pipe that is held', 1, { isTwice: true });
  expect(wrongExits).toBe(0);
  expect(exitMs[0]).toBeLessThan(BUSY_MS);
});
