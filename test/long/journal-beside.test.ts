/** `tally backup` and `tally journal verify` beside a server under load, many times: the suite does it two or three times. */
import { test } from 'vitest';
import { backUpBeside, verifyBeside } from '../journal/cli/beside.ts';

const ROUNDS = Number(process.env.TALLY_TEST_CYCLES ?? 40);
const LIMIT_MS = 60_000 + ROUNDS * 30_000;

test.each([
  ['1', 'none'],
  ['3', 'none'],
  ['3', 'all'],
])(
  'a backup of a server under load, with %s workers, that keeps %s',
  (workers, keep) => backUpBeside(workers, keep, ROUNDS),
  LIMIT_MS,
);

test.each(['all', 'none'])(
  'beside a server under load that keeps %s, nothing looks damaged',
  keep => verifyBeside(keep, ROUNDS),
  LIMIT_MS,
);
