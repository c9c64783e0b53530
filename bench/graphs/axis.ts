/** Axes: their ranges, their ticks, and the labels of these. */
import { count } from '../../src/cli/terminal/numbers.ts';

export interface Axis {
  /** With the unit. */
  label: string;
  scale: 'linear' | 'log';
  from: number;
  to: number;
  ticks: { at: number; label: string }[];
}

type Format = (value: number) => string;

/** Round numbers, for ticks and ends. */
const ROUND = [1, 2, 5];
const TICKS_MAX = 8;
/** An axis of more decades has a tick for each, and none between. */
const DECADES_WITH_STEPS = 2;

/** From 0 to a round number that is at least every value, with ticks at round numbers, or at those wanted. */
export function linear(label: string, values: number[], format: Format = plain, wanted?: number[]): Axis {
  // A curve of zeros still needs an axis.
  const most = Math.max(...values) || 1;
  const step = rounds(most / 1e3, most * 2).find(each => Math.ceil(most / each) < TICKS_MAX)!;
  const steps = Math.ceil(most / step);
  const to = wanted?.at(-1) ?? steps * step;
  const ticks = wanted ?? Array.from({ length: steps + 1 }, (_, index) => index * step);
  return { label, scale: 'linear', from: 0, to, ticks: ticks.map(named(format)) };
}

/** Around all of the values, with ticks at round numbers, or where they are wanted. */
export function logarithmic(
  label: string,
  values: number[],
  format: Format = plain,
  wanted?: number[],
): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!(least > 0)) throw new RangeError(`${least} has no place on a logarithmic axis`);
  const around = rounds(least / 10, most * 10);
  const from = wanted ? wanted[0]! : around.findLast(each => each <= least)!;
  const to = wanted ? wanted.at(-1)! : around.find(each => each >= most && each > from)!;
  const isLong = Math.log10(to / from) > DECADES_WITH_STEPS;
  const ticks = wanted ?? around.filter(each => each >= from && each <= to && (!isLong || isDecade(each)));
  return { label, scale: 'log', from, to, ticks: ticks.map(named(format)) };
}

/** Where a value lies: 0 at the beginning of the axis, 1 at its end. */
export function placeOn({ scale, from, to }: Axis, value: number): number {
  const of = (each: number) => (scale === 'log' ? Math.log(each) : each);
  return (of(value) - of(from)) / (of(to) - of(from));
}

/** With as few digits as possible: `0.05`, `2.5`, `12,000`. */
export function plain(value: number): string {
  return value >= 100 ? count(value) : String(Number(value.toPrecision(3)));
}

function named(format: Format) {
  return (at: number) => ({ at, label: format(at) });
}

/** 1, 2, 5, 10, 20, 50 and so on, in a range. */
function rounds(from: number, to: number): number[] {
  const decades: number[] = [];
  for (let power = Math.floor(Math.log10(from)); 10 ** power <= to; power += 1) decades.push(power);
  return decades.flatMap(power => ROUND.map(each => Number(`${each}e${power}`)));
}

function isDecade(value: number): boolean {
  return Number.isInteger(Math.round(Math.log10(value) * 1e9) / 1e9);
}
