import { describe, expect, test } from 'vitest';
import { readCondition } from '../../src/tools/load/conditions.ts';
import { atRate, findMax, type Probe } from '../../src/tools/load/find-max.ts';
import { DEFAULT_PLAN } from '../../src/tools/load/plan.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { latency, resultWith } from './results.ts';

const CONDITION = readCondition('p99<10ms');
const PROBES_MAX = 100;

/** Searches with a server that is made up; more probes than anybody would wait for are a failure. */
async function search(run: (ratePerS: number) => Partial<LoadResult>, stopAfter = Number.POSITIVE_INFINITY) {
  const said: Probe[] = [];
  let runs = 0;
  const found = await findMax(
    CONDITION,
    async ratePerS => {
      if (++runs > PROBES_MAX) throw new Error(`no end after ${PROBES_MAX} probes`);
      return resultWith({ mode: 'open', ratePerS, ...run(ratePerS) });
    },
    probe => said.push(probe),
    () => runs >= stopAfter,
  );
  return { ...found, said };
}

const p99 = (value: number): Partial<LoadResult> => ({
  latencyMs: { corrected: latency(value), uncorrected: latency(1) },
});

/** Quick up to the knee, hopeless above it. */
const knee = (at: number) => (ratePerS: number) => p99(ratePerS <= at ? 1 : 500);

describe('the search for the highest rate', () => {
  test.each([10, 15.3, 17, 62, 333, 999, 1_000, 1_001, 7_777, 123_456, 1_000_000])(
    'finds a knee at %d within 3 percent and from below',
    async at => {
      const { ratePerS, result, probes, said } = await search(knee(at));
      expect(ratePerS).toBeLessThanOrEqual(at);
      // Below fifty a second, whole numbers are coarser than that.
      expect(ratePerS).toBeGreaterThan(Math.min(at * 0.96, at - 1.5));
      expect(result!.latencyMs.corrected.p99).toBe(1);
      expect(said).toEqual(probes);
      expect(probes.length).toBeLessThan(40);
      expect(Math.max(...probes.filter(probe => probe.holds).map(probe => probe.ratePerS))).toBe(ratePerS);
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'finds it through 10 percent of noise (seed %i), and again within 10 percent',
    async seed => {
      const random = randomFrom(seed);
      const noisy = (ratePerS: number) => p99(10 * (ratePerS / 40_000) ** 4 * (0.9 + 0.2 * random()));
      const first = (await search(noisy)).ratePerS;
      const second = (await search(noisy)).ratePerS;
      expect(Math.abs(first / 40_000 - 1)).toBeLessThan(0.06);
      expect(Math.abs(second / first - 1)).toBeLessThan(0.1);
    },
  );

  test('is not ended by one bad moment', async () => {
    let probes = 0;
    const { ratePerS } = await search(rate => (++probes === 3 ? p99(900) : knee(50_000)(rate)));
    expect(ratePerS).toBeGreaterThan(48_000);
  });

  test('takes a rate that was not reached for one that fails', async () => {
    const { ratePerS, probes } = await search(rate => {
      const due = 3 * rate;
      const sent = Math.min(due, 3 * 20_000);
      return { ...p99(1), sent, answered: sent, unsent: due - sent };
    });
    expect(ratePerS).toBeGreaterThan(19_000);
    expect(ratePerS).toBeLessThanOrEqual(20_000 * 1.011);
    expect(probes.some(probe => !probe.holds && probe.value === Number.POSITIVE_INFINITY)).toBe(true);
  });

  test('takes a rate at which one line in a hundred is refused for one that fails, however quick', async () => {
    const { ratePerS } = await search(rate => ({ ...p99(1), busy: Math.max(0, 3 * (rate - 5_000)) }));
    expect(ratePerS).toBeGreaterThan(4_800);
    expect(ratePerS).toBeLessThan(5_300);
  });

  test('says 0 where none holds, and has tried low ones', async () => {
    const { ratePerS, result, probes } = await search(() => p99(500));
    expect({ ratePerS, result }).toEqual({ ratePerS: 0, result: undefined });
    expect(Math.min(...probes.map(probe => probe.ratePerS))).toBeLessThanOrEqual(15);
  });

  test('says 0 where nothing is answered that the condition asks for', async () => {
    const condition = readCondition('ok.p99<10ms');
    const found = await findMax(
      condition,
      async () => resultWith(p99(1)),
      () => {},
      () => false,
    );
    expect(found.ratePerS).toBe(0);
    expect(found.probes.every(({ value, holds }) => value === undefined && !holds)).toBe(true);
  });

  test('ends at a problem, and hands it over', async () => {
    const problems = ['the server closed a connection'];
    const { result, probes } = await search(rate => (rate >= 4_000 ? { ...p99(1), problems } : p99(1)));
    expect(result!.problems).toEqual(problems);
    expect(probes.map(probe => probe.ratePerS)).toEqual([1_000, 2_000, 4_000]);
  });

  test('ends at a problem of the very first run', async () => {
    const { result, probes } = await search(() => ({ ...p99(900), problems: ['no'] }));
    expect(result!.problems).toEqual(['no']);
    expect(probes).toHaveLength(1);
  });

  test('ends when it is told to, with what it knows', async () => {
    const { ratePerS, probes } = await search(knee(1_000_000), 4);
    // The fourth was cut short.
    expect(probes).toHaveLength(3);
    expect(ratePerS).toBe(4_000);
  });

  test('ends where there is no knee', async () => {
    expect((await search(() => p99(1))).ratePerS).toBeGreaterThan(10_000_000);
  });
});

test('a probe is the plan, with its rate for its time', () => {
  const plan = { ...DEFAULT_PLAN, port: 1, events: 500, connections: 7 };
  expect(atRate(plan, 1_234, 3_000)).toEqual({
    ...plan,
    stages: [{ durationMs: 3_000, fromPerS: 1_234, toPerS: 1_234 }],
    durationMs: 3_000,
    events: undefined,
  });
});
