/** A race while it is run: both lanes growing, on one screen. Pure. */

import { gauge, sparkline } from '../../src/cli/terminal/drawing.ts';
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import type { Progress } from '../../src/tools/load/run.ts';
import { type Lap, laneResult, type MoneyCount, type RaceResult, type Seen } from './figures.ts';
import type { RaceLoad } from './load.ts';
import type { Matchup } from './matchup.ts';
import { type Cell, figureRows, type Row } from './rows.ts';
import { headLines, rowLines, type View } from './table.ts';

/** So many looks at a running lap are remembered: more than any terminal has columns for. */
const LOOKS_MAX = 400;
/** The load tells how far it is so many times a second. */
const LOOKS_PER_S = 4;

/** What is known of a lane at a moment. */
export class LiveLane {
  readonly laps: Lap[] = [];
  money: MoneyCount | undefined;
  witness: Seen | undefined;
  /** Of the lap under way. */
  #now = { answered: 0, busy: 0, share: 0 };
  readonly #perLook: number[] = [];
  readonly #healthMs: (number | undefined)[] = [];

  /** As the load tells it, every 250 ms. */
  onProgress({ elapsedMs, durationMs, answered, busy }: Progress): void {
    this.#perLook.push(answered - busy - (this.#now.answered - this.#now.busy));
    this.#now = { answered, busy, share: Math.min(1, elapsedMs / (durationMs ?? elapsedMs)) };
    if (this.#perLook.length > LOOKS_MAX) this.#perLook.shift();
  }

  /** The slowest answer since the last look, or how long the one has taken that has not come. */
  onHealth(slowestMs: number | undefined): void {
    if (slowestMs === undefined && this.#healthMs.length === 0) return;
    this.#healthMs.push(slowestMs);
    if (this.#healthMs.length > LOOKS_MAX) this.#healthMs.shift();
  }

  endLap(lap: Lap): void {
    this.laps.push(lap);
    this.#now = { answered: 0, busy: 0, share: 0 };
  }

  get taken(): number {
    return this.#sum('taken') + this.#now.answered - this.#now.busy;
  }

  get refused(): number {
    return this.#sum('busy') + this.#now.busy;
  }

  get lapsDone(): number {
    return this.laps.length + this.#now.share;
  }

  get perLook(): readonly number[] {
    return this.#perLook;
  }

  get healthMs(): readonly (number | undefined)[] {
    return this.#healthMs;
  }

  #sum(key: 'taken' | 'busy'): number {
    return this.laps.reduce((sum, lap) => sum + lap[key], 0);
  }
}

export interface LiveRace {
  subjects: RaceResult['subjects'];
  matchup: Matchup;
  load: RaceLoad;
  lanes: readonly [LiveLane, LiveLane];
  /** What happens just now. */
  now: string;
}

/** At most so many lines as there are rows: what was found so far gives way to what happens now. */
export function liveLines(
  { subjects, matchup, load, lanes, now }: LiveRace,
  rowsMax: number,
  view: View,
): string[] {
  const results = lanes.map((lane, index) =>
    laneResult(subjects[index]!, lane.laps, lane.money, lane.witness),
  ) as [ReturnType<typeof laneResult>, ReturnType<typeof laneResult>];
  const mostEvents = Math.max(1, ...lanes.map(lane => Math.max(lane.taken, lane.refused)));
  const mostPerLook = Math.max(...lanes.flatMap(lane => lane.perLook));
  const slowestMs = Math.max(1, ...lanes.flatMap(lane => lane.healthMs.map(value => value ?? 0)));
  const row = (label: string, cell: (lane: LiveLane) => Cell): Row => ({
    label,
    cells: [cell(lanes[0]), cell(lanes[1])],
  });
  const rows: Row[] = [
    row('laps', lane => ({
      text: `${Math.floor(lane.lapsDone)} of ${load.laps}`,
      picture: columns => gauge(lane.lapsDone / load.laps, columns),
    })),
    row('taken', lane => ({ text: count(lane.taken), share: lane.taken / mostEvents, style: 'green' })),
    row('refused', lane => ({ text: count(lane.refused), share: lane.refused / mostEvents, style: 'red' })),
    row('speed', lane => ({
      text: lane.perLook.length === 0 ? '' : `${count(lane.perLook.at(-1)! * LOOKS_PER_S)}/s`,
      style: 'green',
      picture: columns => sparkline(lane.perLook, columns, mostPerLook),
    })),
    row('health', lane => {
      const lastMs = lane.healthMs.findLast(value => value !== undefined);
      return {
        text: lastMs === undefined ? '' : `${ms(lastMs)} ms`,
        style: 'yellow',
        picture: columns => sparkline(lane.healthMs, columns, slowestMs),
      };
    }),
  ];
  const lines = [...headLines(subjects, load, view), '', ...rowLines(subjects, rows, view)];
  // The names stand above already.
  const figures = ['', ...rowLines(subjects, figureRows(results, matchup), view).slice(1)];
  const end = ['', view.paint('dim', `  ${now}   Ctrl+C ends it`)];
  if (lines.length + figures.length + end.length <= rowsMax) lines.push(...figures);
  return [...lines.slice(0, Math.max(0, rowsMax - end.length)), ...end].slice(-rowsMax);
}
