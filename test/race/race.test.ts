import { describe, expect, test } from 'vitest';
import type { Paint } from '../../src/cli/terminal/colours.ts';
import { columnsOf } from '../../src/cli/terminal/drawing.ts';
import type { Subject } from '../../steps/kit/manifest.ts';
import { type LaneResult, type Lap, laneResult, type RaceResult } from '../../steps/race/figures.ts';
import { LiveLane, liveLines } from '../../steps/race/live.ts';
import { matchupOf, RACERS } from '../../steps/race/matchup.ts';
import { readOptions } from '../../steps/race/options.ts';
import { raceTable } from '../../steps/race/table.ts';
import { verdictOf } from '../../steps/race/verdict.ts';
import { runCli } from '../support/server.ts';

const WIDTHS = [60, 80, 200];
const STYLE_ON = '\u001b[1m';
/** As colours do: characters that take no column. */
const coloured: Paint = (_, text) => `${STYLE_ON}${text}\u001b[0m`;

const lap = (over: Partial<Lap> = {}): Lap => ({
  sent: 1_234_567,
  taken: 1_234_567,
  busy: 0,
  other: 0,
  unknown: 0,
  elapsedMs: 1_000,
  p99Ms: { accepted: 0.321 },
  healthMs: [0.5, 0.6],
  eventLoopDelayMs: { p99: 1, max: 2 },
  problems: [],
  ...over,
});
const money = (lostAmount: number) => ({
  acceptedEvents: 100,
  acceptedAmount: 5_000,
  balances: 5_000 - lostAmount,
  lostEvents: lostAmount / 50,
  lostAmount,
  surplusAmount: 0,
});

function raceOf(one: LaneResult, other: LaneResult): RaceResult {
  const subjects: RaceResult['subjects'] = [one.subject, other.subject];
  const matchup = matchupOf(...subjects);
  const { text } = verdictOf(matchup, [one, other]);
  const why = `Why: ${matchup.why}`;
  const { load, pain } = matchup;
  return { schema: 1, subjects, pain, load, lanes: [one, other], verdict: text, why };
}

test('the race of 6 and 7 finds the money that 6 loses, and none that 7 does', {
  timeout: 60_000,
}, async () => {
  const args = ['race', '6', '7', '--json', '--laps', '1', '--duration', '400ms', '--rate', '400'];
  const { exitCode, stdout, stderr } = await runCli(args);
  expect(exitCode, stderr).toBe(0);
  const { lanes, verdict, load } = JSON.parse(stdout) as RaceResult;
  expect(load).toMatchObject({ ratePerS: 400, users: 1, laps: 1 });
  expect(lanes.map(({ subject }) => subject)).toEqual([6, 7]);
  expect(lanes[0].money!.lostEvents).toBeGreaterThan(0);
  expect(lanes[0].money!.balances).toBe(lanes[0].money!.acceptedAmount - lanes[0].money!.lostAmount);
  expect(lanes[1].money).toMatchObject({ lostEvents: 0, lostAmount: 0, surplusAmount: 0 });
  expect(verdict).toMatch(/^Step 7 lost nothing; step 6 lost \d+ of the \d+ events it had taken/);
  for (const lane of lanes) {
    expect(lane.health!.count).toBeGreaterThan(0);
    expect(lane.eventLoopDelayMs!.max).toBeGreaterThan(0);
    expect(lane.donePerS).toBeGreaterThan(0);
    expect(lane.sent).toBeGreaterThan(0);
    expect(lane.taken).toBe(lane.sent);
  }
});

describe('wrong usage', () => {
  test.each([
    ['', 'two servers are needed, as in tally race 4 5; 4, 5, 6, 7, 8, 9, 10 and src can race'],
    ['4 5 6', 'two servers are needed, as in tally race 4 5; 4, 5, 6, 7, 8, 9, 10 and src can race'],
    ['3 4', 'step 3 keeps no balances, so no money can be counted; steps 4 to 10 and src can race'],
    ['4 eleven', 'there is no step eleven; steps 4 to 10 and src can race'],
    ['src src', 'src beside itself: two different ones are needed'],
    ['4 5 --rate 0', '--rate 0 is not a whole number from 1 to 1,000,000'],
    ['4 5 --queue 1000', '--queue 1000 is not a power of two; the next is 1024'],
    ['4 5 --duration soon', '--duration soon is not a time from 100ms to 10m, such as 4s'],
    ['4 5 --duration 1s --laps 20', '20 laps in 1000 ms are too short: a lap takes 100 ms at least'],
    [
      '5 6 --window-us 5',
      'step 5 knows no window, as one thread applies its events; --work-us is what an event costs there',
    ],
    ['4 5 --workers 8', 'step 4 and step 5 have one thread that applies events, whatever --workers says'],
    ['4 5 --speed 3', 'unknown flag --speed (--seed?); tally race --help lists the flags'],
  ])('tally race %s', (args, message) => {
    expect(() => readOptions(args.split(' ').filter(Boolean))).toThrow(message);
  });

  test('exits with 2 and one line', async () => {
    expect(await runCli(['race', '2', '4'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'tally race: step 2 keeps no balances, so no money can be counted; steps 4 to 10 and src can race\n',
    });
  });
});

test('every pair has a load, in any order the one of the earlier step', () => {
  for (const one of RACERS)
    for (const other of RACERS.filter(each => each !== one)) {
      const { matchup, load } = readOptions([String(one), String(other)]);
      expect(matchup).toBe(matchupOf(other, one));
      expect(load).toEqual(matchup.load);
      expect(matchup.pain).toBe(Math.min(...[one, other].map(each => (each === 'src' ? 11 : each))));
    }
  expect(readOptions(['4', '5', '--rate', 'max']).load.ratePerS).toBeUndefined();
});

describe('the verdict', () => {
  const laneOf = (subject: Subject, over: Partial<Lap>, lost = 0) =>
    laneResult(subject, [lap(over)], money(lost));
  const said = (one: LaneResult, other: LaneResult) =>
    verdictOf(matchupOf(one.subject, other.subject), [one, other]);

  test('of 4 and 5 is about those who waited, and who was refused', () => {
    const slow = laneOf(4, { sent: 100, taken: 100, healthMs: [800, 812] });
    const full = laneOf(5, { sent: 100, taken: 59, busy: 41, healthMs: [0.6] });
    const text =
      'Step 5 refused 41 % and answered health in 0.600 ms; step 4 took all and made health wait 812 ms.';
    expect(said(slow, full)).toEqual({ text, shows: true });
    expect(said(full, slow)).toEqual({ text, shows: true });
  });

  test('says so when there is nothing to be seen', () => {
    const { text, shows } = said(laneOf(4, {}), laneOf(5, {}));
    expect(shows).toBe(false);
    expect(text).toContain(
      'took all and answered health in 0.600 ms. At this load what sets the two apart does not show.',
    );
  });

  test('of what went the other way round says that, and no more', () => {
    const { text, shows } = said(laneOf(7, { taken: 300 }), laneOf(8, { taken: 100 }));
    expect(shows).toBe(false);
    expect(text).toBe(
      'Step 7 got 300 events a second done, 3.0 times as many as step 8 with 100. At this load what sets the two apart does not show.',
    );
  });

  test('of servers that did not answer says that', () => {
    const { text, shows } = said(
      laneOf(4, { healthMs: [], sent: 100, taken: 50 }),
      laneOf(5, { healthMs: [] }),
    );
    expect(shows).toBe(false);
    expect(text).toContain('step 4 refused none and did not answer health');
  });

  test('tells how many times as fast, and who lost money beside that', () => {
    const { text } = said(laneOf(7, { taken: 200 }), laneOf(8, { taken: 1_500 }, 100));
    expect(text).toBe(
      'Step 8 got 1,500 events a second done, 7.5 times as many as step 7 with 200. Beside that, step 8 lost 2 of the 100 events it had taken (100 of 5,000).',
    );
  });

  test('of 9 and 10 is what Ctrl+C has cost', () => {
    const nine = laneResult(9, [lap()], money(0), {
      isPresent: true,
      evidence: { accepted: 300, lost: 280 },
    });
    const ten = laneResult(10, [lap()], money(0), { isPresent: false, evidence: { accepted: 300, lost: 0 } });
    expect(said(nine, ten)).toEqual({
      text: 'Step 10 applied all 300 accepted events after Ctrl+C; step 9 lost 280 of 300 accepted events at Ctrl+C.',
      shows: true,
    });
  });
});

test('laps are summed up: the median of their p99, the worst of their delays, all of their probes', () => {
  const laps = [1, 5, 100].map(p99 =>
    lap({
      sent: 10,
      taken: 8,
      busy: 2,
      p99Ms: { ok: p99 },
      healthMs: [p99],
      eventLoopDelayMs: { p99, max: p99 },
    }),
  );
  expect(laneResult(8, laps)).toMatchObject({
    sent: 30,
    taken: 24,
    refused: 6,
    refusedPercent: 20,
    donePerS: 8,
    p99Ms: { ok: 5 },
    health: { count: 3, p50Ms: 5, maxMs: 100 },
    eventLoopDelayMs: { p99: 5, max: 100 },
  });
});

describe('no line is longer than the terminal', () => {
  const pairs: [Subject, Subject][] = [
    [4, 5],
    [7, 8],
    [9, 10],
    [10, 'src'],
  ];
  const cases = WIDTHS.flatMap(columns => pairs.map(pair => [columns, ...pair] as const));

  test.each(cases)('at %i columns: %s and %s', (columns, one, other) => {
    const matchup = matchupOf(one, other);
    const result = raceOf(
      laneResult(one, [lap({ busy: 9_876_543, sent: 19_876_543 })], money(50)),
      laneResult(other, [lap()], money(0)),
    );
    const table = raceTable(result, matchup, { columns, paint: coloured, hasBars: true }).split('\n');
    const lanes = [new LiveLane(), new LiveLane()] as const;
    for (let look = 1; look < 300; look += 1) {
      const told = { elapsedMs: look * 4, durationMs: 1_200, answered: look * 40_000, busy: 0, errors: 0 };
      lanes[0].onProgress({ ...told, last: undefined });
      lanes[0].onHealth(look % 9 === 0 ? undefined : look);
    }
    lanes[1].endLap(lap());
    const race = {
      subjects: result.subjects,
      matchup,
      load: matchup.load,
      lanes,
      now: 'lap 1 of 3: step 7 runs',
    };
    for (const rows of [8, 24, 60]) {
      const live = liveLines(race, rows, { columns, paint: coloured, hasBars: true });
      expect(live.length).toBeLessThanOrEqual(rows);
      expect(live.at(-1)).toContain('lap 1 of 3');
      table.push(...live);
    }
    expect(table.filter(line => columnsOf(line) > columns)).toEqual([]);
    // As wide as it may be, and no wider: a terminal of 80 columns is used.
    expect(Math.max(...table.map(columnsOf))).toBeGreaterThan(Math.min(columns, 100) - 15);
    expect(table.join('\n')).toContain('done a second');
  });

  test('and there is no bar and no colour where nobody asked for them', () => {
    const result = raceOf(laneResult(4, [lap()], money(0)), laneResult(5, [lap()], money(0)));
    const table = raceTable(result, matchupOf(4, 5), {
      columns: 80,
      paint: (_, text) => text,
      hasBars: false,
    });
    expect(table).not.toMatch(/[█▏░]/);
    expect(table).not.toContain('\u001b');
  });
});
