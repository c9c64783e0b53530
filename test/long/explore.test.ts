/** Every scenario of the explorer, to its end; the small ones once more with every schedule run; and every mutant. */
import { afterAll, expect, test } from 'vitest';
import type { Measure } from '../../bench/bench.ts';
import { GROUP_NAMES, scenariosOf } from '../../steps/explore/scenarios.ts';
import { Stage } from '../../steps/explore/stage.ts';
import { type Walk, type WalkOptions, walk } from '../../steps/explore/walk.ts';
import { findMutant } from '../explore/finding.ts';
import { MUTANTS } from '../explore/mutants.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';

const COMPILED = new URL('../../dist/steps/explore/', import.meta.url);
const TEST_MS_MAX = 3_600_000;
/** For a scenario that would take too long. It says so then. */
const RUNS_MAX = Number(process.env.TALLY_TEST_RUNS ?? 60_000);
/** Those that have more than that. */
const ENDS_EARLY = [
  'parking-2',
  'parking-ask-2',
  'parking-room',
  'worker-death',
  'worker-death-parked',
  'worker-death-meanwhile',
];
/** Schedules that are few enough to run each of them. */
const EVERY_RUN_MAX = 30_000n;

const startedAt = new Date();
const measures: Measure[] = [];
let schedules = 0n;
let runs = 0;
let mutantsFound = 0;
const found = new Map<string, Walk>();
const scenarios = (await Promise.all(GROUP_NAMES.map(scenariosOf))).flat();

async function walked(name: string, options: WalkOptions): Promise<Walk> {
  const stage = await Stage.open(name, COMPILED);
  try {
    return walk(stage, options);
  } finally {
    await stage.close();
  }
}

test.each(scenarios)(
  'every schedule of $name ends as it should, or as many as there is time for',
  async ({ name, isWrongOnPurpose = false }) => {
    const one = await walked(name, { runsMax: RUNS_MAX });
    console.log(
      `${name}: ${one.summary.schedules} schedules, ${one.runs} runs, ${one.isComplete ? 'all' : 'ended early'}`,
    );
    expect(one.summary.hasWrong).toBe(isWrongOnPurpose);
    if (!one.isComplete && RUNS_MAX >= 60_000) expect(ENDS_EARLY).toContain(name);
    found.set(name, one);
    schedules += one.summary.schedules;
    runs += one.runs;
    measures.push(
      figure(name, 'schedules', 'higher', Number(one.summary.schedules)),
      figure(name, 'schedules that go wrong', 'lower', Number(one.summary.wrong)),
      figure(name, 'runs', 'higher', one.runs),
      figure(name, 'walked to its end (1) or not (0)', 'higher', one.isComplete ? 1 : 0),
    );
  },
  TEST_MS_MAX,
);

test.each(scenarios)(
  '$name has the same outcomes when every schedule is run, if they are not too many',
  async ({ name }) => {
    const saving = found.get(name);
    if (saving === undefined || !saving.isComplete || saving.summary.schedules > EVERY_RUN_MAX) return;
    const all = await walked(name, { everyRun: true });
    expect(BigInt(all.runs)).toBe(saving.summary.schedules);
    expect(Object.fromEntries(all.summary.outcomes)).toEqual(Object.fromEntries(saving.summary.outcomes));
    console.log(`${name}: all ${all.runs} schedules run`);
    runs += all.runs;
    measures.push(figure(name, 'schedules that were all run', 'higher', all.runs));
  },
  TEST_MS_MAX,
);

test.each(MUTANTS)(
  'a planted mistake is found: $what ($scenario)',
  async mutant => {
    runs += await findMutant(mutant);
    mutantsFound += 1;
  },
  TEST_MS_MAX,
);

afterAll(() => {
  console.log(`${schedules} schedules, ${runs} runs, ${mutantsFound} of ${MUTANTS.length} mutants found`);
  if (found.size < scenarios.length || mutantsFound < MUTANTS.length) return;
  const setting = process.env.TALLY_TEST_RUNS === undefined ? '' : `TALLY_TEST_RUNS=${RUNS_MAX} `;
  keep('explore', `${setting}npm run long -- test/long/explore.test.ts`, startedAt, [
    figure('all', 'schedules', 'higher', Number(schedules)),
    figure('all', 'runs', 'higher', runs),
    figure('mutants', 'planted', 'higher', MUTANTS.length),
    figure('mutants', 'found', 'higher', mutantsFound),
    ...measures,
  ]);
});
