import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { judgeConditions, readCondition } from '../../src/tools/load/conditions.ts';
import type { LoadResult } from '../../src/tools/load/result.ts';
import { latency, NO_MONEY_LOST, percentiles, resultWith } from './results.ts';

const result = resultWith({
  sent: 9_900,
  unsent: 100,
  answered: 9_890,
  accepted: 9_000,
  ok: 500,
  busy: 300,
  refused: 50,
  errors: 40,
  unknown: 10,
  late: 77,
  ratePerS: 989,
  latencyMs: {
    corrected: latency(40, { accepted: percentiles(50), busy: percentiles(2), refused: percentiles(1, 0) }),
    uncorrected: latency(4, { accepted: percentiles(5) }),
  },
  money: { ...NO_MONEY_LOST, balanced: false, lostEvents: 3, surplusEvents: 1 },
});

function judge(text: string, of: LoadResult = result) {
  return judgeConditions([readCondition(text)], of)[0]!;
}

test('a percentile that lies among lines without a reply is endless', () => {
  const run = resultWith({
    answered: 990,
    unsent: 5,
    unknown: 5,
    latencyMs: { corrected: latency(40), uncorrected: latency(4) },
  });
  run.latencyMs.corrected.count = 990;
  expect(judge('p90<1h', run)).toMatchObject({ met: true, value: 20 });
  expect(judge('p99<1h', run)).toMatchObject({ met: true, value: 40 });
  expect(judge('p999<1h', run)).toMatchObject({ met: false, value: Number.POSITIVE_INFINITY });
  expect(judge('max>1h', run)).toMatchObject({ met: true, value: Number.POSITIVE_INFINITY });
  expect(judge('uncorrected.max>1h', run)).toMatchObject({ met: false, value: 16 });
});

describe('a condition holds or does not', () => {
  test.each([
    // A figure of all replies, corrected.
    ['p99>39ms', true, 40],
    ['p99>40ms', false, 40],
    ['p99>=40ms', true, 40],
    ['p99<40ms', false, 40],
    ['p99<=40ms', true, 40],
    ['p99<0.04s', false, 40],
    ['p99 <= 0.04s', true, 40],
    ['  p99>1ms  ', true, 40],
    ['min<1m', true, 5],
    ['mean>13ms', true, 40 / 3],
    ['p50>9.9ms', true, 10],
    ['p90>9.9ms', true, 20],
    ['p999>79ms', true, 80],
    ['p9999>=120ms', true, 120],
    ['max>=160ms', true, 160],
    // Another kind, another verdict, both.
    ['corrected.p99>39ms', true, 40],
    ['uncorrected.p99>39ms', false, 4],
    ['accepted.p99>49ms', true, 50],
    ['corrected.busy.p99<=2ms', true, 2],
    ['uncorrected.accepted.p99<6ms', true, 5],
    // Numbers.
    ['rate<1000', true, 989],
    ['rate>=1k', false, 989],
    ['sent<9_901', true, 9_900],
    ['answered>9889', true, 9_890],
    ['accepted>=9k', true, 9_000],
    ['ok>499', true, 500],
    ['busy>300', false, 300],
    ['refused>0', true, 50],
    ['errors>0', true, 40],
    ['unknown>0', true, 10],
    ['unsent>99', true, 100],
    ['late>77', false, 77],
    ['lost>0', true, 3],
    ['surplus>1', false, 1],
    // Shares, of all lines that were due.
    ['busy>2.9%', true, 3],
    ['busy>3%', false, 3],
    ['unsent>=1%', true, 1],
    ['accepted<90%', false, 90],
  ])('%s: %s', (text, met, value) => {
    // Percentiles are of a run in which every line was answered.
    const isOfLatency = /(?:min|mean|p\d+|max)\s*[<>]/.test(text);
    const judged = judge(text, isOfLatency ? { ...result, unsent: 0, unknown: 0 } : result);
    expect(judged).toMatchObject({ condition: text, met });
    expect(judged.value).toBeCloseTo(value, 9);
  });

  test.each(['ok.p99<1h', 'echoed.p50>0ms', 'refused.max>0ms', 'uncorrected.busy.p99<1s'])(
    '%s does not: there are no such replies',
    text => expect(judge(text)).toEqual({ condition: text, met: false, value: null }),
  );

  test('shares of a run that sent nothing are 0', () => {
    expect(judge('busy>0%', resultWith({ sent: 0, unsent: 0 }))).toMatchObject({ met: false, value: 0 });
  });

  test('money that was not looked at is not lost', () => {
    expect(judge('lost>0', resultWith())).toMatchObject({ met: false, value: 0 });
  });
});

describe('what is not a condition is answered with one line that helps', () => {
  test.each([
    ['', /is not a condition, such as 'p99>5ms'/],
    ['p99', /"p99" is not a condition, such as 'p99>5ms'/],
    ['p99=5ms', /is not a condition/],
    ['p99>', /is not a condition/],
    ['p99>5ms>3', /is not a condition/],
    ['p99<>5ms', /is not a condition/],
    ['5ms<p99', /is not a condition/],
    ['p99>-5ms', /is not a condition/],
    ['p99>5', /"p99>5": a latency needs a unit, such as 5ms/],
    ['p99>5%', /a latency needs a unit/],
    ['p99>5k', /a latency needs a unit/],
    ['p99>1.2.3ms', /a latency needs a unit/],
    ['p98>5ms', /there is no p98; there are min, mean, p50, .*, rate, sent/],
    ['latency>5ms', /there is no latency/],
    ['constructor>5', /there is no constructor/],
    ['rate<5ms', /a rate is a number of replies a second/],
    ['rate<5%', /a rate is a number/],
    ['busy>5ms', /5ms is not a number/],
    ['busy>1.2.3', /1\.2\.3 is not a number/],
    ['busy>5k%', /is not a condition|5k% is not a number/],
    ['accepted.busy>5', /only latencies have parts/],
    [
      'fast.p99>5ms',
      /latencies are apart by accepted, ok, busy, refused, insufficient, error, echoed, and corrected or uncorrected/,
    ],
    ['accepted.uncorrected.p99>5ms', /latencies are apart by/],
    ['.p99>5ms', /latencies are apart by/],
  ])('%s', (text, what) => {
    expect(() => readCondition(text)).toThrow(UsageError);
    expect(() => readCondition(text)).toThrow(what);
    expect(() => readCondition(text)).toThrow(/^[^\n]+$/);
  });
});
