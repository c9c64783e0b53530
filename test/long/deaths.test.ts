/** The deaths of workers under load, a hundred of each kind. */
import { afterAll, expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { type Death, type DeathFigures, dieUnderLoad } from '../support/death-cycles.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const DEATHS_KEPT = 100;
const DEATHS = Number(process.env.TALLY_TEST_CYCLES ?? DEATHS_KEPT);
const HOW: Death[] = ['kill', 'crash'];
const startedAt = new Date();
const found = new Map<Death, DeathFigures>();

test.each(HOW)(
  `workers that die under load (%s, ${DEATHS} times) leave every answer given and every balance exact`,
  async how => {
    const figures = await dieUnderLoad(how, DEATHS, sayTenths(`deaths by ${how}`, DEATHS));
    expect(figures).toMatchObject({ deaths: DEATHS, lost: 0, wrongReplies: 0 });
    found.set(how, figures);
  },
  30_000 + DEATHS * 6_000,
);

afterAll(() => {
  if (found.size < HOW.length || DEATHS < DEATHS_KEPT) return;
  const measures = [...found].flatMap(([how, { recoveryMs, exitMs, ...figures }]) => [
    figure(how, 'deaths', 'higher', figures.deaths),
    figure(how, 'events accepted', 'higher', figures.accepted),
    figure(how, 'events lost', 'lower', figures.lost),
    figure(how, 'wrong replies', 'lower', figures.wrongReplies),
    figure(how, 'ms until it was well again, at the median', 'lower', quantileOf(recoveryMs, 0.5)),
    figure(how, 'ms until it was well again, at most', 'lower', quantileOf(recoveryMs, 1)),
    figure(how, 'servers stopped', 'higher', exitMs.length),
    figure(how, 'wrong exit codes', 'lower', 0),
    figure(how, 'ms to the exit, at most', 'lower', quantileOf(exitMs, 1)),
  ]);
  keep('deaths', 'npm run long -- test/long/deaths.test.ts', startedAt, measures);
});
