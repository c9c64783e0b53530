/**
 * The table of a bench: measures in, text out. Measures of one condition and unit form a group, and are compared with
 * the first subject of the group.
 */

import { median } from '../src/tools/harness/samples.ts';
import type { Measure } from './bench.ts';

/** The first cell is aligned left, the others right. */
type Row = string[];

const COLUMNS = ['median', 'min', 'max', 'spread', 'to the first'];

export function tableOf(measures: readonly Measure[]): string {
  const groups = grouped(measures).map(group => [
    [titleOf(group[0]!), ...COLUMNS],
    ...group.map(measure => rowOf(measure, group[0]!)),
  ]);
  const rows = groups.flat();
  const widths = ['', ...COLUMNS].map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return groups.map(group => group.map(row => `${lineOf(row, widths)}\n`).join('')).join('\n');
}

/** A readable figure: three significant digits, or whole, with commas. */
export function figureOf(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US');
  if (size >= 9.995) return value.toFixed(1);
  return size >= 0.9995 || size === 0 ? value.toFixed(2) : value.toFixed(3);
}

function grouped(measures: readonly Measure[]): Measure[][] {
  const groups = new Map<string, Measure[]>();
  for (const measure of measures) {
    const key = JSON.stringify([measure.condition, measure.unit]);
    groups.set(key, [...(groups.get(key) ?? []), measure]);
  }
  return [...groups.values()];
}

function titleOf({ condition, unit, better }: Measure): string {
  return `${condition === '' ? '' : `${condition}: `}${unit}, ${better} is better`;
}

function rowOf({ subject, samples }: Measure, first: Measure): Row {
  const middle = median(samples);
  const [min, max] = [Math.min(...samples), Math.max(...samples)];
  return [
    `  ${subject}`,
    figureOf(middle),
    figureOf(min),
    figureOf(max),
    spreadOf(min, middle, max),
    ratioOf(middle, median(first.samples)),
  ];
}

/** Half the range from the least to the greatest, as a share of the median. */
function spreadOf(min: number, middle: number, max: number): string {
  return middle === 0
    ? ''
    : `±${Math.round(((max - min) / 2 / Math.abs(middle)) * 100).toLocaleString('en-US')}%`;
}

function ratioOf(middle: number, first: number): string {
  return first === 0 ? '' : `${figureOf(middle / first)}×`;
}

function lineOf(row: Row, widths: number[]): string {
  return row
    .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
    .join('  ')
    .trimEnd();
}
