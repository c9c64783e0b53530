/** Planted mistakes of a node: each is still one, and some are found here; all of them in test/long. */
import { expect, test } from 'vitest';
import { PLANTED } from './planted.ts';
import { complaintAbout, withMistake } from './planting.ts';

/** Of lives, which take some tens of milliseconds. */
const LIVES = 40;
const HERE = 3;

test('each has its text once, and a name of its own', () => {
  expect(new Set(PLANTED.map(({ what }) => what)).size).toBe(PLANTED.length);
  for (const planted of PLANTED) expect(() => withMistake(planted), planted.what).not.toThrow();
});

test('some are found by lives in memory', async () => {
  for (const planted of PLANTED.slice(0, HERE))
    expect(await complaintAbout(planted, LIVES), planted.what).toBeDefined();
}, 60_000);
