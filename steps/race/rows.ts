/** The figures of a race as rows: a label, and a cell for each of the two. Pure. */
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import { VERDICTS } from '../../src/tools/load/result.ts';
import type { LaneResult } from './figures.ts';
import type { Lens, Matchup, Tells } from './matchup.ts';
import { percent } from './verdict.ts';

export interface Cell {
  text: string;
  /** Of the longest bar; undefined: there is none. */
  share?: number;
  style?: 'red' | 'green' | 'cyan' | 'yellow';
  /** In place of a bar. */
  picture?: (columns: number) => string;
}

export interface Row {
  label: string;
  cells: readonly [Cell, Cell];
  /** What the race is about. */
  isLens?: boolean;
}

const UNKNOWN: Cell = { text: '…' };
const NOT_THERE: Cell = { text: '–' };

/** What is known so far; `…` where nothing is. */
export function figureRows(lanes: readonly [LaneResult, LaneResult], { lens, tells }: Matchup): Row[] {
  const fastestPerS = Math.max(1, ...lanes.map(lane => lane.donePerS));
  const slowestMs = Math.max(1, ...lanes.flatMap(timesMs));
  const row = (label: string, cellOf: (lane: LaneResult) => Cell, about?: Lens): Row => ({
    label,
    isLens: about === lens,
    cells: [cellOf(lanes[0]), cellOf(lanes[1])],
  });
  const afterALap = (cellOf: (lane: LaneResult) => Cell) => (lane: LaneResult) =>
    lane.sent === 0 ? UNKNOWN : cellOf(lane);
  /** All times have one scale, so that they can be compared with each other too. */
  const time = (valueMs: number | undefined, style: 'cyan' | 'yellow'): Cell =>
    valueMs === undefined ? NOT_THERE : { text: `${ms(valueMs)} ms`, share: valueMs / slowestMs, style };
  const answered = VERDICTS.filter(verdict => lanes.some(lane => lane.p99Ms[verdict] !== undefined));
  return [
    row(
      'done a second',
      afterALap(({ donePerS }) => ({
        text: count(donePerS),
        share: donePerS / fastestPerS,
        style: 'green',
      })),
      'done',
    ),
    row(
      'taken',
      afterALap(({ taken, sent }) => ({ text: `${count(taken)} of ${count(sent)}` })),
    ),
    row(
      'refused',
      afterALap(({ refused, refusedPercent }) => ({
        text: refused === 0 ? 'none' : percent(refusedPercent),
        share: refusedPercent / 100,
        style: 'red',
      })),
      'refused',
    ),
    ...answered.map(verdict =>
      row(
        `p99 ${verdict === 'busy' ? 'server_busy' : verdict}`,
        afterALap(({ p99Ms }) => time(p99Ms[verdict], 'cyan')),
      ),
    ),
    row(
      'p99 health',
      afterALap(({ health }) => time(health?.p99Ms, 'yellow')),
      'health',
    ),
    row(
      'event loop late by',
      afterALap(({ eventLoopDelayMs }) => time(eventLoopDelayMs?.max, 'yellow')),
    ),
    row('money lost', moneyCell, 'money'),
    ...(tells === undefined ? [] : [row(tells.label, lane => seenCell(lane, tells), lens)]),
  ];
}

function timesMs({ p99Ms, health, eventLoopDelayMs }: LaneResult): number[] {
  return [...Object.values(p99Ms), health?.p99Ms ?? 0, eventLoopDelayMs?.max ?? 0];
}

function moneyCell({ money }: LaneResult): Cell {
  if (money === undefined) return UNKNOWN;
  const { lostAmount, acceptedAmount, surplusAmount } = money;
  if (lostAmount > 0)
    return {
      text: `${count(lostAmount)} of ${count(acceptedAmount)}`,
      style: 'red',
    };
  return { text: surplusAmount > 0 ? `${count(surplusAmount)} too much` : 'none' };
}

function seenCell({ witness }: LaneResult, tells: Tells): Cell {
  return witness === undefined ? UNKNOWN : { text: tells.cell(witness) };
}
