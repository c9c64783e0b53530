/** The deaths of workers under load, a hundred of each kind. */
import { test } from 'vitest';
import { dieUnderLoad } from '../support/death-cycles.ts';

const DEATHS = Number(process.env.TALLY_TEST_CYCLES ?? 100);

test.each(['kill', 'crash'] as const)(
  `workers that die under load (%s, ${DEATHS} times) leave every answer given and every balance exact`,
  how => dieUnderLoad(how, DEATHS).then(() => {}),
  30_000 + DEATHS * 6_000,
);
