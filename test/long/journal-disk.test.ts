/**
 * The journal on a disk that lies, at length: 100,000 starts, every byte and every length of a journal of a thousand
 * events, and every mistake that is planted.
 */
import { afterAll, expect, test } from 'vitest';
import { recover } from '../../src/journal/recovery.ts';
import { balancesOn, changed, cut, journalOf, PLAN, without } from '../journal/harm.ts';
import { live, type Seen } from '../journal/life.ts';
import { MUTANTS } from '../journal/mutants.ts';
import { DIR } from '../journal/plan.ts';
import { complaintOf } from '../journal/planting.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

/** More than 100,000 of its ends are none that the server chose. */
const LIVES_KEPT = 36_000;
const LIVES = Number(process.env.TALLY_TEST_CYCLES ?? LIVES_KEPT);
const STARTS = 4;
/** A mistake is found in fewer, mostly in the first. */
const MUTANT_LIVES = 3_000;
const EVENTS_MIN = 1_000;
const startedAt = new Date();
const measures: ReturnType<typeof figure>[] = [];

test(`lives of ${STARTS} starts: nothing that was acknowledged is lost, and nothing comes from nowhere`, () => {
  const seen: Seen = { deaths: 0, crashes: 0, closed: 0, snapshots: 0, refusals: 0 };
  const onLife = sayTenths('lives', LIVES);
  for (let seed = 1; seed <= LIVES; seed++) {
    let life: Seen;
    try {
      life = live(seed, STARTS);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    for (const key of Object.keys(seen) as (keyof Seen)[]) seen[key] += life[key];
    onLife(seed);
  }
  measures.push(
    figure('lives', 'seeds, from 1', 'higher', LIVES),
    figure('lives', 'starts', 'higher', LIVES * STARTS),
    figure('lives', 'ends without a stop', 'higher', LIVES * STARTS - seen.closed),
    figure('lives', 'of them at a call of the disk', 'higher', seen.crashes),
    figure('lives', 'stops', 'higher', seen.closed),
    figure('lives', 'deaths of workers', 'higher', seen.deaths),
    figure('lives', 'snapshots behind the first', 'higher', seen.snapshots),
    figure('lives', 'events refused for want of room', 'higher', seen.refusals),
    figure('lives', 'starts with a wrong balance', 'lower', 0),
  );
}, 14_400_000);

test('every byte of a journal changed, and every file cut at every length', () => {
  const plan = { ...PLAN, segmentBytes: 16_384 };
  const disk = journalOf(1, true, { steps: 400, plan });
  const { events } = recover(disk, DIR);
  expect(events).toBeGreaterThan(EVENTS_MIN);
  const whole = balancesOn(disk);
  const counts = { bytes: 0, lengths: 0, refused: 0 };
  const look = (what: string, after: { balances: string } | { damage: string }) => {
    if ('damage' in after) counts.refused += 1;
    else if (after.balances !== whole) throw new Error(`${what}: other balances came back`);
  };
  const onFile = sayTenths('files', disk.paths.length);
  disk.paths.forEach((path, file) => {
    for (const andBehind of [false, true]) look(`without ${path}`, without(disk, path, andBehind));
    for (const { at, after } of changed(disk, path, 1)) {
      counts.bytes += 1;
      look(`${path}, byte ${at}`, after);
    }
    for (const { at, after } of cut(disk, path, 1)) {
      counts.lengths += 1;
      look(`${path}, cut at ${at}`, after);
    }
    onFile(file + 1);
  });
  measures.push(
    figure('damage', 'events in the journal', 'higher', events),
    figure('damage', 'bytes changed', 'higher', counts.bytes),
    figure('damage', 'lengths cut', 'higher', counts.lengths),
    figure('damage', 'refused', 'higher', counts.refused),
    figure('damage', 'wrong balances', 'lower', 0),
  );
}, 14_400_000);

test.each(['lives', 'damage', 'full'] as const)(
  'without a mistake, %s find nothing',
  { timeout: 600_000 },
  async check => {
    const nothing = { what: 'nothing', file: 'journal/format', changes: [], check, first: 1 };
    expect(await complaintOf(nothing, MUTANT_LIVES)).toBe(undefined);
  },
);

let found = 0;
test.each(MUTANTS)('a planted mistake is found: $what', { timeout: 600_000 }, async mutant => {
  const complaint = await complaintOf(mutant, MUTANT_LIVES);
  process.stderr.write(`${mutant.what}: ${complaint ?? 'not found'}\n`);
  expect(complaint).toBeDefined();
  found += 1;
});

afterAll(() => {
  if (LIVES < LIVES_KEPT || measures.length === 0 || found < MUTANTS.length) return;
  measures.push(
    figure('mistakes', 'planted', 'higher', MUTANTS.length),
    figure('mistakes', 'found', 'higher', found),
  );
  keep('journal-disk', 'npm run long -- test/long/journal-disk.test.ts', startedAt, measures);
});
