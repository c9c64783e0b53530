/**
 * A race as it is read: two columns, a figure a row, bars where there is room for them. Pure: what was found and how
 * wide the terminal is in, lines out. The live screen and the table at the end are the same rows.
 */

import type { Paint } from '../../src/cli/terminal/colours.ts';
import { bar, columnsOf, fitted, padded, wrapped } from '../../src/cli/terminal/drawing.ts';
import { count, duration } from '../../src/cli/terminal/numbers.ts';
import { lessonOf } from '../lesson-kit/lessons.ts';
import type { RaceResult } from './figures.ts';
import type { RaceLoad } from './load.ts';
import type { Matchup } from './matchup.ts';
import { labelOf, nameOf, takes } from './racer.ts';
import { type Cell, figureRows, type Row } from './rows.ts';

export interface View {
  columns: number;
  paint: Paint;
  /** Whether there are bars, for who looks at a terminal. */
  hasBars: boolean;
}

const INDENT = '  ';
const LABEL_COLUMNS = 20;
const VALUE_COLUMNS = 13;
const LANE_COLUMNS_MAX = 64;
const GAP = 2;
/** A shorter bar says nothing. */
const BAR_COLUMNS_MIN = 4;
const PROSE_COLUMNS_MAX = 140;

export function raceTable(result: RaceResult, matchup: Matchup, view: View): string {
  const { columns, paint } = view;
  const prose = Math.min(columns, PROSE_COLUMNS_MAX);
  const lines = [
    ...headLines(result.subjects, result.load, view),
    '',
    ...rowLines(result.subjects, figureRows(result.lanes, matchup), view),
    '',
    ...wrapped(result.verdict, prose, INDENT).map(line => paint('bold', line)),
    ...(result.why === undefined ? [] : wrapped(result.why, prose, INDENT)),
    '',
    ...wrapped(readOn(matchup.pain), prose, INDENT).map(line => paint('dim', line)),
  ];
  return `${lines.join('\n')}\n`;
}

function readOn(pain: number): string {
  if (lessonOf(pain) !== undefined) return `What mends it: npx tally diff ${pain}`;
  return pain === 10
    ? 'How src does it: docs/architecture.md'
    : `What mends it: npx tally diff ${pain} ${pain + 1}`;
}

/** Who races, and under which load. */
export function headLines(
  subjects: RaceResult['subjects'],
  load: RaceLoad,
  { columns, paint }: View,
): string[] {
  const prose = Math.min(columns, PROSE_COLUMNS_MAX);
  const [one, other] = subjects.map(nameOf);
  return [
    ...wrapped(`${one}, and ${other}`, prose).map(line => paint('bold', line)),
    ...wrapped(`the load: ${describeLoad(load, subjects)}`, prose).map(line => paint('dim', line)),
    ...wrapped(describeLaps(load), prose).map(line => paint('dim', line)),
  ];
}

function describeLoad(load: RaceLoad, subjects: RaceResult['subjects']): string {
  const parts = [
    load.ratePerS === undefined
      ? 'as fast as it gets (closed loop)'
      : `${count(load.ratePerS)} events a second (open loop)`,
    `${count(load.connections)} connections × ${count(load.pipeline)}`,
    load.users === 1 ? 'all for one user' : `${count(load.users)} users`,
    ...(load.waits ? ['answered when applied'] : []),
    ...(load.workUs > 0 ? [`an event costs ${cost(load.workUs)}`] : []),
    ...(load.windowUs > 0 ? [`a window of ${cost(load.windowUs)}`] : []),
    `${describeThreads(load, subjects)}`,
    ...(subjects.some(subject => takes(subject, 'queue')) ? [`queue ${count(load.queue)}`] : []),
    `seed ${load.seed}`,
  ];
  return parts.filter(part => part !== '').join(', ');
}

function describeThreads({ workers }: RaceLoad, subjects: RaceResult['subjects']): string {
  if (!subjects.some(subject => takes(subject, 'workers'))) return '';
  const alone = subjects.filter(subject => !takes(subject, 'workers')).map(labelOf);
  return `${workers} workers${alone.length > 0 ? ` (${alone.join(', ')}: one thread)` : ''}`;
}

function cost(us: number): string {
  return us >= 1_000 ? `${us / 1_000} ms` : `${us} µs`;
}

function describeLaps({ laps, durationMs }: RaceLoad): string {
  if (laps === 1) return `one lap of ${duration(durationMs)}, one after the other`;
  return `${laps} laps of ${duration(durationMs / laps)} each, by turns`;
}

/** A line with both names, then the rows. */
export function rowLines(subjects: RaceResult['subjects'], rows: readonly Row[], view: View): string[] {
  const { columns, paint } = view;
  const lane = Math.min(LANE_COLUMNS_MAX, Math.floor((columns - INDENT.length - LABEL_COLUMNS - GAP) / 2));
  const line = (label: string, cells: readonly string[]) =>
    fitted(
      `${INDENT}${padded(label, LABEL_COLUMNS)}${padded(cells[0]!, lane + GAP)}${cells[1]}`.trimEnd(),
      columns,
    );
  const heads = subjects.map(subject => {
    const full = subject === 'src' ? 'src' : nameOf(subject);
    return paint('bold', fitted(columnsOf(full) <= lane ? full : labelOf(subject), lane));
  });
  return [
    line('', heads),
    ...rows.map(({ label, cells, isLens }) =>
      line(
        isLens ? paint('bold', label) : paint('dim', label),
        cells.map(cell => cellText(cell, lane, view, isLens === true)),
      ),
    ),
  ];
}

function cellText(cell: Cell, lane: number, { paint, hasBars }: View, isLens: boolean): string {
  const text = isLens ? paint('bold', cell.text) : cell.text;
  const room = lane - VALUE_COLUMNS;
  const picture =
    !hasBars || room < BAR_COLUMNS_MIN
      ? ''
      : (cell.picture?.(room) ?? (cell.share === undefined ? '' : bar(cell.share, room)));
  if (picture === '') return fitted(text, lane);
  return `${padded(fitted(text, VALUE_COLUMNS - 1), VALUE_COLUMNS)}${paint(cell.style ?? 'cyan', picture)}`;
}
