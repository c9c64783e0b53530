/** The server under abuse: each abuser alone, then all of them together for a minute. */
import { afterAll, expect, test } from 'vitest';
import { type AbuseOptions, type AbuseReport, abuse } from '../support/abuse.ts';
import { ABUSERS, type AbuserName } from '../support/abusers.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { pickSeed } from '../support/load.ts';
import { sayTenths } from '../support/progress.ts';

const GROWN_MIB_MAX = 150;
/** Of the well-behaved, with all abusers at their work. */
const P99_MS_MAX = 5;
/** With one alone, whose rate nothing but the server limits, and of which ten seconds are mostly the beginning. */
const ALONE_P99_MS_MAX = 10;
/**
 * Of each abuser that sends as much as it can, when all do it together: here they share two cores with the server. What
 * one alone can do is not limited.
 */
const TOGETHER_MB_PER_S = Number(process.env.TALLY_ABUSE_MB_PER_S ?? 50);
const ALONE_S = 10;
const TOGETHER_S = 60;
const ALL = 'all together';
/** Short ones, so that ten seconds show what comes of who is hung up on. Together, these defaults hold. */
const ALONE_LIMITS = ['--partial-ms-max', '3000', '--blocked-ms-max', '3000'];
/** So that the crowd is complete now and then: a server that is busy accepts some hundred connections a second. */
const TOGETHER_LIMITS = ['--connections-max', '2000'];

const names = Object.keys(ABUSERS) as AbuserName[];
const startedAt = new Date();
const found = new Map<string, AbuseReport>();

async function withstand(
  who: string,
  p99MsMax: number,
  options: Omit<AbuseOptions, 'seed'>,
): Promise<AbuseReport> {
  const seed = pickSeed();
  const report = await abuse({
    ...options,
    seed,
    // The short ones say enough when they are over.
    ...(options.seconds > ALONE_S && { onSecond: sayTenths(`seconds of ${who}`, options.seconds) }),
  });
  const what = `TALLY_TEST_SEED=${seed}`;
  console.log(who, report, what);
  // Kept also if it is too slow: then the figures say how much.
  found.set(who, report);
  expect(report.wrong, what).toEqual([]);
  expect(report, what).toMatchObject({ exitCode: 0, lost: 0 });
  expect(report.cuts, what).toBeGreaterThan(10);
  expect(report.descriptorsKept ?? 0, what).toBe(0);
  expect(report.grownMiB ?? 0, what).toBeLessThanOrEqual(GROWN_MIB_MAX);
  expect(report.healthP99Ms, what).toBeLessThanOrEqual(p99MsMax);
  expect(report.moneyP99Ms, what).toBeLessThanOrEqual(p99MsMax);
  return report;
}

test.each(names)('%s alone costs the well-behaved neither time nor money', async name => {
  const options = { abusers: [name], seconds: ALONE_S, flags: ALONE_LIMITS };
  const { deeds } = await withstand(name, ALONE_P99_MS_MAX, options);
  expect(deeds[name]!.connects).toBeGreaterThan(0);
  if (['deaf', 'endless', 'loris', 'crowd'].includes(name)) expect(deeds[name]!.hungUpOn).toBeGreaterThan(0);
});

test('all abusers together cost the well-behaved neither time nor money', async () => {
  const { deeds } = await withstand(ALL, P99_MS_MAX, {
    abusers: names,
    seconds: TOGETHER_S,
    mbPerS: TOGETHER_MB_PER_S,
    flags: TOGETHER_LIMITS,
  });
  for (const name of ['deaf', 'endless', 'flood', 'tangle'] as const)
    expect(deeds[name]!.sentBytes, name).toBeGreaterThan(10_000_000);
  for (const name of ['deaf', 'endless', 'loris', 'crowd'] as const)
    expect(deeds[name]!.hungUpOn, name).toBeGreaterThan(0);
  expect(deeds.resets!.connects).toBeGreaterThanOrEqual(10_000);
});

afterAll(() => {
  if (found.size < names.length + 1) return;
  const measures = [...found].flatMap(([who, report]) => [
    figure(who, 'ms p99, health', 'lower', report.healthP99Ms),
    figure(who, 'ms at most, health', 'lower', report.healthMaxMs),
    figure(who, 'ms p99, events and balances', 'lower', report.moneyP99Ms),
    figure(who, 'ms at most, events and balances', 'lower', report.moneyMaxMs),
    figure(
      who,
      'MiB over the start, at most',
      'lower',
      ...(report.grownMiB === undefined ? [] : [report.grownMiB]),
    ),
    figure(
      who,
      'descriptors kept',
      'lower',
      ...(report.descriptorsKept === undefined ? [] : [report.descriptorsKept]),
    ),
    figure(who, 'events lost', 'lower', report.lost),
    figure(who, 'wrong replies and balances', 'lower', report.wrong.length),
    figure(who, 'answers to the well-behaved', 'higher', report.answers),
    figure(who, 'cuts of the well-behaved', 'higher', report.cuts),
  ]);
  keep(
    'abuse',
    'npm run long -- test/long/abuse.test.ts',
    startedAt,
    measures.filter(({ samples }) => samples.length > 0),
  );
});
