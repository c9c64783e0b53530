/**
 * Line charts: makes a specification for Vega from our description of a chart. Each line is labelled at its right
 * end, in its colour, so that no legend is needed; labels that would overlap are moved apart.
 */
import type { Spec } from 'vega';
import { type Axis, placeOn } from './axis.ts';
import { drawIn, EDGE_PX, FONT, type Frame, fits, LINE_PX, type Room, SERIES_MAX, TEXT_PX } from './frame.ts';

export interface Point {
  x: number;
  y: number;
}

export interface Series {
  /** In the order in which a line connects them. */
  points: Point[];
  /** The lines of text that name it. */
  label: string[];
  /** The points that get a dot: those measured, or those that the text mentions. */
  dots: Point[];
}

export interface LineChart extends Frame {
  x: Axis;
  y: Axis;
  series: Series[];
  /** Events at an x: vertical lines with labels. */
  moments?: { x: number; label: string }[];
}

const ROOM: Room = {
  widthPx: 800,
  heightPx: 500,
  margin: { top: 150, right: 212, bottom: 112, left: 82 },
};
const PLOT_WIDTH_PX = ROOM.widthPx - ROOM.margin.left - ROOM.margin.right;
const PLOT_HEIGHT_PX = ROOM.heightPx - ROOM.margin.top - ROOM.margin.bottom;

/** From the plot to the names at its right. */
const LABEL_PX = 22;
const LABEL_WIDTH_PX = ROOM.margin.right - LABEL_PX - EDGE_PX / 2;
const LABEL_GAP_PX = 10;
const STROKE_PX = 2;
const STROKE_STEP_PX = 1;
const DOT_AREA_PX = 34;

export async function drawLines(chart: LineChart): Promise<string> {
  if (chart.series.length > SERIES_MAX)
    throw new RangeError(`${chart.series.length} series; there are colours for ${SERIES_MAX}`);
  for (const line of chart.series.flatMap(({ label }) => label))
    if (!fits(line, TEXT_PX, LABEL_WIDTH_PX)) throw new RangeError(`too long for its place: ${line}`);
  return drawIn(chart, ROOM, specOf(chart));
}

function specOf({ x, y, series, moments = [] }: LineChart): Spec {
  const middles = spread(
    series.map(({ points }) => PLOT_HEIGHT_PX * (1 - placeOn(y, points.at(-1)!.y))),
    series.map(({ label }) => label.length * LINE_PX + LABEL_GAP_PX),
    PLOT_HEIGHT_PX,
  );
  return {
    config: { text: { font: FONT }, axis: axisFonts() },
    scales: [scaleOf('x', x, 'width'), scaleOf('y', y, 'height')],
    axes: [
      { ...axisOf('x', x), orient: 'bottom', titlePadding: 12 },
      {
        ...axisOf('y', y),
        orient: 'left',
        // Above the axis, horizontally, so that it is easy to read.
        titleAngle: 0,
        titleAnchor: 'end',
        titleAlign: 'left',
        titleX: EDGE_PX - ROOM.margin.left,
        titleY: -28,
      },
    ],
    // Copies, because Vega adds an identifier to its input.
    data: series.flatMap(({ points, dots }, index) => [
      { name: `points-${index}`, values: points.map(({ x, y }) => ({ x, y })) },
      { name: `dots-${index}`, values: dots.map(({ x, y }) => ({ x, y })) },
    ]),
    marks: [
      ...moments.flatMap(momentMarks),
      ...series.flatMap((each, index) => seriesMarks(each, index, series.length, middles[index]!, x, y)),
    ],
  } as Spec;
}

function seriesMarks(
  { points, label }: Series,
  index: number,
  lines: number,
  middle: number,
  x: Axis,
  y: Axis,
) {
  const end = {
    x: PLOT_WIDTH_PX * placeOn(x, points.at(-1)!.x),
    y: PLOT_HEIGHT_PX * (1 - placeOn(y, points.at(-1)!.y)),
  };
  return [
    {
      type: 'rule' as const,
      name: `leader-${index}`,
      encode: {
        update: {
          x: { value: end.x },
          y: { value: end.y },
          x2: { value: PLOT_WIDTH_PX + LABEL_PX - 6 },
          y2: { value: middle },
          strokeOpacity: { value: 0.45 },
          strokeDash: { value: [2, 3] },
        },
      },
    },
    {
      type: 'line' as const,
      name: `line-${index}`,
      from: { data: `points-${index}` },
      // Where lines coincide, the lower one shows on both sides of the upper one.
      encode: {
        update: { ...placed(), strokeWidth: { value: STROKE_PX + STROKE_STEP_PX * (lines - 1 - index) } },
      },
    },
    {
      type: 'symbol' as const,
      name: `dot-${index}`,
      from: { data: `dots-${index}` },
      encode: { update: { ...placed(), size: { value: DOT_AREA_PX + 14 * (lines - 1 - index) } } },
    },
    {
      type: 'text' as const,
      name: `label-${index}`,
      encode: {
        update: {
          x: { value: PLOT_WIDTH_PX + LABEL_PX },
          // The first line's base, so that all of them are around the middle.
          y: { value: middle - ((label.length - 1) * LINE_PX) / 2 + TEXT_PX * 0.35 },
          text: { value: label },
          fontSize: { value: TEXT_PX },
          lineHeight: { value: LINE_PX },
        },
      },
    },
  ];
}

function momentMarks({ x, label }: { x: number; label: string }, index: number) {
  return [
    {
      type: 'rule' as const,
      name: 'moment',
      encode: {
        update: {
          x: { scale: 'x', value: x },
          y: { value: 0 },
          y2: { value: PLOT_HEIGHT_PX },
          strokeDash: { value: [5, 4] },
        },
      },
    },
    {
      type: 'text' as const,
      name: `moment-label-${index}`,
      encode: {
        update: {
          x: { scale: 'x', value: x },
          y: { value: -8 },
          text: { value: label },
          align: { value: 'center' },
          fontSize: { value: TEXT_PX },
        },
      },
    },
  ];
}

/**
 * Positions the middles of items with these heights as near as possible to the wanted places, in the same order from
 * the top, without overlap, between 0 and `end`.
 */
export function spread(wanted: number[], heights: number[], end: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]! || a - b);
  const middles = [...wanted];
  let free = 0;
  for (const index of order) {
    const half = heights[index]! / 2;
    middles[index] = Math.max(wanted[index]!, free + half);
    free = middles[index]! + half;
  }
  let limit = end;
  for (const index of order.reverse()) {
    const half = heights[index]! / 2;
    middles[index] = Math.min(middles[index]!, limit - half);
    limit = middles[index]! - half;
  }
  return middles;
}

function axisFonts() {
  return { labelFont: FONT, labelFontSize: TEXT_PX, titleFont: FONT, titleFontSize: TEXT_PX };
}

function scaleOf(name: string, { scale, from, to }: Axis, range: 'width' | 'height') {
  return { name, type: scale, domain: [from, to], range, zero: false, nice: false };
}

function axisOf(scale: string, { label, ticks }: Axis) {
  const labels = Object.fromEntries(ticks.map(tick => [tick.at, tick.label]));
  return {
    scale,
    title: label,
    titleFontWeight: 'normal',
    values: ticks.map(tick => tick.at),
    grid: true,
    tickSize: 4,
    labelPadding: 6,
    // Show all labels: Vega would estimate their width, and leave out those that might overlap.
    labelOverlap: false,
    encode: { labels: { update: { text: { signal: `${JSON.stringify(labels)}[datum.value]` } } } },
  };
}

function placed() {
  return { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };
}
