/** Stock that many want at once; a thousand times in the long run. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder } from '../support/folders.ts';
import { sellOut } from '../support/stock-cycles.ts';

const TIMES = 10;

test('of 500 units 500 are sold, whoever asks', async () => {
  const journal = ['--data', join(newFolder(), 'data'), '--segment-bytes', '65536', '--ring', '4096'];
  const sold = await Promise.all([sellOut(TIMES, ['--workers', '2']), sellOut(TIMES, journal)]);
  expect(sold).toEqual([TIMES * 500, TIMES * 500]);
});
