/**
 * The explorer: what it counts is all there is, what it finds can be run again, and the scenarios that are small enough
 * for the suite. The others are for `npm run long`.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Choice } from '../../steps/explore/operations.ts';
import { expanded, replay } from '../../steps/explore/replay.ts';
import { GROUP_NAMES, scenariosOf } from '../../steps/explore/scenarios.ts';
import { idOf, readId } from '../../steps/explore/schedule.ts';
import { Stage } from '../../steps/explore/stage.ts';
import { type Walk, type WalkOptions, walk } from '../../steps/explore/walk.ts';

/** The threads run the compiled modules: those that are shipped, and quicker to load. */
const COMPILED = new URL('../../dist/steps/explore/', import.meta.url);

async function onStage<Found>(name: string, use: (stage: Stage) => Found): Promise<Found> {
  const stage = await Stage.open(name, COMPILED);
  try {
    return use(stage);
  } finally {
    await stage.close();
  }
}

const walked = (name: string, options?: WalkOptions) => onStage(name, stage => walk(stage, options));
const outcomesOf = ({ summary }: Walk) => Object.fromEntries(summary.outcomes);

describe('the lost update', () => {
  test.each([
    ['lost-update', 6n, 4n],
    ['lost-update-3', 90n, 84n],
    ['lost-update-never', 2n, 0n],
  ])('%s has %i schedules, of which %i lose', async (name, schedules, wrong) => {
    const { summary, isComplete } = await walked(name);
    expect({ isComplete, schedules: summary.schedules, wrong: summary.wrong }).toEqual({
      isComplete: true,
      schedules,
      wrong,
    });
  });

  test('the shortest schedule that loses is one of four steps, and loses again when it is run by its id', () =>
    onStage('lost-update', stage => {
      const found = walk(stage).summary;
      const id = idOf('lost-update', expanded(stage, found.shortestWrong!));
      expect(id).toMatch(/^lost-update:(abba|abab|baab|baba)$/);
      const again = replay(stage, readId(id)!.choices);
      expect(again.steps).toHaveLength(4);
      expect(again.verdict.isWrong).toBe(true);
      expect(replay(stage, readId('lost-update:aabb')!.choices).verdict.isWrong).toBe(false);
      expect(() => replay(stage, readId('lost-update:aaab')!.choices)).toThrow('does not fit: worker 0');
      expect(() => replay(stage, readId('lost-update:aabbb')!.choices)).toThrow('ends after 4 steps');
    }));
});

describe('states that were met before', () => {
  const small = ['lost-update-3', 'lock', 'counters-padded-read', 'ring-short', 'worker-death-run'];
  test.each(small)('are not run again and still counted: %s', name =>
    onStage(name, stage => {
      const saving = walk(stage);
      const all = walk(stage, { everyRun: true });
      expect(outcomesOf(all)).toEqual(outcomesOf(saving));
      expect(BigInt(all.runs)).toBe(all.summary.schedules);
      expect(saving.runs).toBeLessThanOrEqual(all.runs);
    }),
  );

  test('a walk that is ended early says so, and counts what it has seen', async () => {
    const { isComplete, runs, summary } = await walked('lock', { runsMax: 10, everyRun: true });
    expect({ isComplete, runs, schedules: summary.schedules }).toEqual({
      isComplete: false,
      runs: 10,
      schedules: 10n,
    });
  });
});

describe('every schedule ends as it should:', () => {
  const small = [
    'lock',
    'lock-read-write',
    'ring-wrap',
    'parking',
    'parking-awake',
    'parking-stop-parked',
    'counters-shared-read',
    'counters-padded-read',
    'counters-lock-read',
    'worker-death-run',
    'worker-death-overflow',
    'worker-death-twice',
    'transfer',
    'journal',
    'journal-overflow',
  ];
  test.each(small)('%s', async name => {
    const found = await walked(name);
    expect(found.isComplete).toBe(true);
    expect(Object.values(outcomesOf(found)).filter(({ isWrong }) => isWrong)).toEqual([]);
    expect(found.summary.schedules).toBeGreaterThan(1n);
  });
});

test('every scenario is named after its group, and no two are named alike', async () => {
  const groups = await Promise.all(GROUP_NAMES.map(scenariosOf));
  const names = groups.flat().map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const [at, group] of GROUP_NAMES.entries()) {
    expect(groups[at]!.map(scenario => scenario.group)).toEqual(groups[at]!.map(() => group));
    expect(groups[at]!.some(({ name }) => name === group)).toBe(true);
  }
});

test('the id of a schedule is read back as it was', () => {
  const choice = fc.record<Choice>({
    thread: fc.nat({ max: 3 }),
    variant: fc.constantFrom('run', 'run', 'timeOut', 'wakeForNothing', 'die'),
  });
  fc.assert(
    fc.property(fc.array(choice, { maxLength: 60 }), choices => {
      expect(readId(idOf('ring-4', choices))).toEqual({ scenario: 'ring-4', choices });
    }),
  );
  for (const text of ['ring', 'ring:e', 'ring:aX', 'ring:a99999', ':ab', 'ring:a b', 'ring:9'])
    expect(readId(text)).toBeUndefined();
});
