/**
 * The required shapes of curves. Every new run is checked against them, and so are the data in the documents: the
 * figures may differ between machines, the shapes may not.
 */
import { plain } from './axis.ts';
import type { Point } from './draw.ts';

export interface Shape {
  /** In words: `has a knee at 500`. */
  says: string;
  /** The complaint if a curve does not have the shape; otherwise undefined. */
  complaint(points: readonly Point[]): string | undefined;
}

/** The greatest value is at most `ratioMax` times the least. */
export function isFlat(ratioMax: number): Shape {
  return {
    says: `is flat, within a factor of ${ratioMax}`,
    complaint: points => {
      const [least, most] = endsOf(points.map(({ y }) => y));
      return most <= least * ratioMax ? undefined : `goes from ${plain(least)} to ${plain(most)}`;
    },
  };
}

export function staysBelow(limit: number): Shape {
  return {
    says: `stays below ${plain(limit)}`,
    complaint: points => {
      const high = points.find(({ y }) => !(y < limit));
      return high && `is ${plain(high.y)} at ${plain(high.x)}`;
    },
  };
}

export function staysAbove(limit: number): Shape {
  return {
    says: `stays above ${plain(limit)}`,
    complaint: points => {
      const low = points.find(({ y }) => !(y > limit));
      return low && `is ${plain(low.y)} at ${plain(low.x)}`;
    },
  };
}

export function peaksAbove(value: number): Shape {
  return {
    says: `peaks above ${plain(value)}`,
    complaint: points => {
      const most = Math.max(...points.map(({ y }) => y));
      return most > value ? undefined : `is ${plain(most)} at most`;
    },
  };
}

/** Compares the first and the last value; between them it may fluctuate. */
export function rises(times: number): Shape {
  return {
    says: `rises, to ${times} times as much or more`,
    complaint: points => {
      const [first, last] = [points[0]!.y, points.at(-1)!.y];
      return last >= first * times && last > first
        ? undefined
        : `goes from ${plain(first)} to ${plain(last)}`;
    },
  };
}

export function falls(times: number): Shape {
  return {
    says: `falls, to a part in ${times} or less`,
    complaint: points => {
      const [first, last] = [points[0]!.y, points.at(-1)!.y];
      return last * times <= first && last < first
        ? undefined
        : `goes from ${plain(first)} to ${plain(last)}`;
    },
  };
}

/** The quotient of y and x changes by no more than a factor. From and to: which part of it. */
export function risesInProportion(ratioMax: number, { from = 0, to = Number.POSITIVE_INFINITY } = {}): Shape {
  return {
    says: `rises in proportion${partOf(from, to)}, within a factor of ${ratioMax}`,
    complaint: points => {
      const part = within(points, from, to);
      if (part.length < 2) return `has ${part.length} points${partOf(from, to)}`;
      const [least, most] = endsOf(part.map(({ x, y }) => y / x));
      return most <= least * ratioMax ? undefined : `is ${plain(least)} to ${plain(most)} times its x`;
    },
  };
}

/** A straight line of a given slope, within a tolerance. */
export function isStraight(
  slope: number,
  tolerance: number,
  { from = 0, to = Number.POSITIVE_INFINITY } = {},
): Shape {
  return {
    says: `${slope < 0 ? 'falls' : 'rises'} by ${plain(Math.abs(slope))} for each 1${partOf(from, to)}`,
    complaint: points => {
      const part = within(points, from, to);
      if (part.length < 3) return `has ${part.length} points${partOf(from, to)}`;
      const start = part[0]!;
      const off = part.find(({ x, y }) => !(Math.abs(y - start.y - slope * (x - start.x)) <= tolerance));
      return off && `is ${plain(off.y)} at ${plain(off.x)}, after ${plain(start.y)} at ${plain(start.x)}`;
    },
  };
}

/** Every value is near the straight line from the first point to the last: within a share of the greatest value. */
export function isOnALine(share: number): Shape {
  return {
    says: `is a straight line, within ${plain(share * 100)} % of its height`,
    complaint: points => {
      const [first, last] = [points[0]!, points.at(-1)!];
      const slope = (last.y - first.y) / (last.x - first.x);
      const onLine = ({ x }: Point) => first.y + slope * (x - first.x);
      const [, most] = endsOf(points.map(({ y }) => y));
      const off = points.find(point => !(Math.abs(point.y - onLine(point)) <= share * most));
      return off && `is ${plain(off.y)} at ${plain(off.x)}, where the line is at ${plain(onLine(off))}`;
    },
  };
}

/** All values beyond a point are at least `times` times those before it. */
export function hasKnee(at: number, times: number): Shape {
  return {
    says: `has a knee at ${plain(at)}`,
    complaint: points => {
      const before = within(points, 0, at).map(({ y }) => y);
      const beyond = within(points, at, Number.POSITIVE_INFINITY).map(({ y }) => y);
      if (before.length < 2 || beyond.length < 2) return `has too few points around ${plain(at)}`;
      const [most, least] = [Math.max(...before), Math.min(...beyond)];
      return least >= most * times
        ? undefined
        : `is up to ${plain(most)} before, from ${plain(least)} beyond`;
    },
  };
}

/** Rises in proportion up to a point, and is flat beyond it. */
export function levelsOff(at: number, ratioMax: number): Shape {
  const [before, beyond] = [risesInProportion(ratioMax, { to: at }), isFlat(ratioMax)];
  return {
    says: `rises in proportion, and levels off at ${plain(at)}`,
    complaint: points =>
      before.complaint(points) ?? beyond.complaint(within(points, at, Number.POSITIVE_INFINITY)),
  };
}

/** Nothing up to a point; then it rises. */
export function beginsAt(at: number): Shape {
  return {
    says: `is 0 up to ${plain(at)}, and rises from there`,
    complaint: points => {
      const early = within(points, 0, at).find(({ y }) => y !== 0);
      const late = within(points, at, Number.POSITIVE_INFINITY);
      const fallen = late.findIndex(({ y }, index) => !(y > (late[index - 1]?.y ?? 0)));
      return early !== undefined || late.length < 2 || fallen >= 0
        ? `is ${plain((early ?? late[fallen])?.y ?? 0)} at ${plain((early ?? late[fallen])?.x ?? at)}`
        : undefined;
    },
  };
}

export function startsAt(value: number): Shape {
  return {
    says: `starts at ${plain(value)}`,
    complaint: points => (points[0]!.y === value ? undefined : `starts at ${plain(points[0]!.y)}`),
  };
}

export function startsBelow(value: number): Shape {
  return {
    says: `starts below ${plain(value)}`,
    complaint: points => (points[0]!.y < value ? undefined : `starts at ${plain(points[0]!.y)}`),
  };
}

export function neverFalls(): Shape {
  return {
    says: 'never falls',
    complaint: points => {
      const fallen = points.findIndex(({ y }, index) => y < (points[index - 1]?.y ?? 0));
      return fallen < 0 ? undefined : `falls to ${plain(points[fallen]!.y)} at ${plain(points[fallen]!.x)}`;
    },
  };
}

/** Its last point is not further right. */
export function isOverBy(x: number): Shape {
  return {
    says: `is over by ${plain(x)}`,
    complaint: points => (points.at(-1)!.x <= x ? undefined : `goes on to ${plain(points.at(-1)!.x)}`),
  };
}

/** Applies a shape to the part of a curve up to a limit of x. */
export function upTo(limit: number, { says, complaint }: Shape): Shape {
  return { says: `${says} up to ${plain(limit)}`, complaint: points => complaint(within(points, 0, limit)) };
}

export function endsAbove(value: number): Shape {
  return {
    says: `ends above ${plain(value)}`,
    complaint: points => (points.at(-1)!.y > value ? undefined : `ends at ${plain(points.at(-1)!.y)}`),
  };
}

export function endsAt(value: number): Shape {
  return {
    says: `ends at ${plain(value)}`,
    complaint: points =>
      points.at(-1)!.y === value ? undefined : `ends at ${plain(points.at(-1)!.y)}, not ${plain(value)}`,
  };
}

/** The distance of two curves: from an x on, one is at least a multiple of the nearest value of the other. */
export interface Distance {
  upper: string;
  lower: string;
  from: number;
  times: number;
}

export function complaintOf(
  { upper, lower, from, times }: Distance,
  series: Readonly<Record<string, readonly Point[]>>,
): string | undefined {
  const high = within(series[upper]!, from, Number.POSITIVE_INFINITY);
  if (high.length === 0) return `${upper} has no point from ${plain(from)} on`;
  for (const { x, y } of high) {
    const low = nearestTo(x, series[lower]!);
    if (!(y >= low.y * times))
      return `at ${plain(x)}, ${upper} is ${plain(y)}: not ${times} times the ${plain(low.y)} of ${lower}`;
  }
  return undefined;
}

function nearestTo(x: number, points: readonly Point[]): Point {
  return points.reduce((best, each) => (Math.abs(each.x - x) < Math.abs(best.x - x) ? each : best));
}

function within(points: readonly Point[], from: number, to: number): Point[] {
  return points.filter(({ x }) => x >= from && x <= to);
}

function partOf(from: number, to: number): string {
  if (to !== Number.POSITIVE_INFINITY)
    return from > 0 ? ` from ${plain(from)} to ${plain(to)}` : ` up to ${plain(to)}`;
  return from > 0 ? ` from ${plain(from)} on` : '';
}

function endsOf(values: number[]): [least: number, most: number] {
  return [Math.min(...values), Math.max(...values)];
}
