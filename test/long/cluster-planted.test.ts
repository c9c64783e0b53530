/** Every planted mistake of a node is found by lives of three nodes in memory, and none where nothing is planted. */
import { expect, test } from 'vitest';
import { PLANTED } from '../cluster/planted.ts';
import { complaintAbout } from '../cluster/planting.ts';

const LIVES = 300;

test.each(PLANTED)(
  '$what',
  async planted => expect(await complaintAbout(planted, LIVES)).toBeDefined(),
  300_000,
);

test('nothing is found where nothing is wrong', async () => {
  expect(
    await complaintAbout({ what: 'nothing', file: 'machine', changes: [], first: 1 }, 60),
  ).toBeUndefined();
}, 120_000);
