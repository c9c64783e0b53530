/**
 * Servers that lie before everything that examines servers: each witness, and the checks of step 5. Each ends by itself
 * within the time that it states, keeps little, and says how it went: a verdict, or why it can't be told. Times and
 * memory are kept in bench/results.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { Measure } from '../../bench/bench.ts';
import { WITNESS_MS_MAX } from '../../steps/kit/witnesses/witness.ts';
import { WITNESSES } from '../../steps/kit/witnesses/witnesses.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';
import { LIES, outcome } from '../steps/liars.ts';
import { keep } from '../support/keep.ts';

/** For the starts of the command and of its servers. */
const STARTS_MS = 40_000;
const RESIDENT_MIB_MAX = 400;
/** At a time: most of them wait. */
const AT_A_TIME = 4;
const OUTCOMES = new Set([0, 1, 3]);

const startedAt = new Date();
const ALONE = LESSONS.filter(({ engines }) => engines.length === 0);
const examiners = [
  // Of lessons, those that need nothing but a server: where an engine is missing, nothing would be examined.
  ...[...WITNESSES.map(({ pain }) => pain), ...ALONE.map(({ number }) => number)].map(pain => ({
    name: `pain ${pain}`,
    args: ['pain', String(pain), '--json'],
  })),
  { name: 'check 5', args: ['check', '5', '--quick', '--json'] },
];
const measures: Measure[] = [];

describe.each(LIES)('before a server that %s', lie => {
  test('every examiner comes to its end', { timeout: 3_600_000 }, async () => {
    const wrong: string[] = [];
    const waiting = examiners.values();
    const one = async () => {
      for (const { name, args } of waiting) {
        const ran = await outcome(args, lie, WITNESS_MS_MAX + STARTS_MS);
        const measure = { subject: lie, condition: name, better: 'lower' as const };
        measures.push({ ...measure, unit: 's', samples: [Math.round(ran.elapsedMs / 100) / 10] });
        if (ran.residentMiB !== undefined)
          measures.push({ ...measure, unit: 'MiB', samples: [ran.residentMiB] });
        const said = ran.stderr === '' ? ran.stdout.slice(0, 300).trim() : ran.stderr;
        console.log(
          `${lie}, ${name}: ${Math.round(ran.elapsedMs / 100) / 10} s, ${ran.residentMiB} MiB: ${said}`,
        );
        if (!OUTCOMES.has(ran.exitCode!)) wrong.push(`${name} ended with ${ran.exitCode}: ${said}`);
        if ((ran.residentMiB ?? 0) > RESIDENT_MIB_MAX) wrong.push(`${name} took ${ran.residentMiB} MiB`);
        if (/NaN|undefined/.test(ran.stdout + ran.stderr)) wrong.push(`${name} says ${said}`);
        // Nothing that a terminal would obey.
        if (/(?!\n)\p{Cc}/u.test(ran.stdout + ran.stderr)) wrong.push(`${name} passes bytes on: ${said}`);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, one));
    expect(wrong).toEqual([]);
  });
});

afterAll(() => keep('liars', 'npm run long -- test/long/liars.test.ts', startedAt, measures));
