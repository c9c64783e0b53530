/**
 * From data to a picture: a chart in our words becomes a specification for Vega, and what Vega draws becomes a file of
 * SVG that stands alone. Pure: the same chart gives the same bytes on every machine, since nothing is placed by
 * measuring text.
 *
 * The documents show a picture as an image. There it inherits nothing from the page: no font, no colour, no theme of
 * the page's own. So it brings its background, and follows what the reader's system prefers, light or dark.
 */
import { parse, type Spec, View } from 'vega';

export interface Axis {
  /** With the unit. */
  label: string;
  scale: 'linear' | 'log';
  from: number;
  to: number;
  ticks: { at: number; label: string }[];
}

export interface Series {
  /** In the order in which a line connects them. */
  points: { x: number; y: number }[];
  /** A point with a dot, and the lines of text above it that name the series. */
  label: { x: number; y: number; lines: string[] };
}

export interface LineChart {
  title: string;
  /** Up to two lines: what was run. */
  subtitle: string[];
  /** Up to two lines: by which command, when, on which machine. */
  footer: string[];
  /** All that the picture says, for those who cannot see it. */
  description: string;
  x: Axis;
  y: Axis;
  series: Series[];
}

/** Of the whole picture. It is never shown wider than the column of a document. */
const WIDTH_PX = 800;
const HEIGHT_PX = 540;
/** Around the plot: room for the title and the axes. */
const MARGIN = { top: 132, right: 46, bottom: 112, left: 92 };
const EDGE_PX = 20;
const PLOT_WIDTH_PX = WIDTH_PX - MARGIN.left - MARGIN.right;
const PLOT_HEIGHT_PX = HEIGHT_PX - MARGIN.top - MARGIN.bottom;

const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const TEXT_PX = 14;
const LINE_PX = 18;
/** A curve that rises must not reach the text above its dot. */
const LABEL_DISTANCE_PX = 24;
const STROKE_PX = 2.5;

interface Theme {
  background: string;
  text: string;
  /** Subtitle, axes, footer. */
  quiet: string;
  grid: string;
  series: string[];
}

/** Vermillion and blue, after Okabe and Ito: a pair that most colour-blind readers can tell apart. */
const LIGHT: Theme = {
  background: '#ffffff',
  text: '#1f2328',
  quiet: '#59636e',
  grid: '#e1e4e8',
  series: ['#c44601', '#0067a8'],
};
const DARK: Theme = {
  background: '#0d1117',
  text: '#f0f6fc',
  quiet: '#9da7b1',
  grid: '#2b323b',
  series: ['#ff9a5c', '#6cb8f5'],
};
export const SERIES_MAX = LIGHT.series.length;

export async function drawLines(chart: LineChart): Promise<string> {
  if (chart.series.length > SERIES_MAX)
    throw new RangeError(`${chart.series.length} series; there are colours for ${SERIES_MAX}`);
  const view = new View(parse(specOf(chart)), { renderer: 'none' });
  try {
    return standAlone(await view.toSVG(), chart);
  } finally {
    view.finalize();
  }
}

/** Vega names the class of a mark after the mark; `style` colours by these names. */
function specOf({ title, subtitle, footer, x, y, series }: LineChart): Spec {
  const text = { fontSize: { value: TEXT_PX } };
  return {
    // The plot's own size; the title, the axes and the footer lie around it, at fixed places.
    autosize: 'none',
    width: PLOT_WIDTH_PX,
    height: PLOT_HEIGHT_PX,
    padding: MARGIN,
    config: { text: { font: FONT }, axis: axisFonts() },
    scales: [scaleOf('x', x, 'width'), scaleOf('y', y, 'height')],
    axes: [
      { ...axisOf('x', x), orient: 'bottom', titlePadding: 14 },
      {
        ...axisOf('y', y),
        orient: 'left',
        // Above the axis, from left to right, where it is read without turning the head.
        titleAngle: 0,
        titleAnchor: 'end',
        titleAlign: 'left',
        titleX: EDGE_PX - MARGIN.left,
        titleY: -16,
      },
    ],
    data: series.flatMap(({ points, label }, index) => [
      // Copies: Vega adds an identity of its own to what it is given.
      { name: `points-${index}`, values: points.map(({ x, y }) => ({ x, y })) },
      { name: `named-${index}`, values: [{ x: label.x, y: label.y }] },
    ]),
    marks: [
      textAt('heading', [title], EDGE_PX - MARGIN.left, 36 - MARGIN.top, { fontSize: { value: 20 } }),
      textAt('subtitle', subtitle, EDGE_PX - MARGIN.left, 60 - MARGIN.top, text),
      textAt('footer', footer, EDGE_PX - MARGIN.left, PLOT_HEIGHT_PX + MARGIN.bottom - 32, {
        fontSize: { value: 11 },
        lineHeight: { value: 16 },
      }),
      ...series.flatMap(({ label }, index) => [
        {
          type: 'line' as const,
          name: `line-${index}`,
          from: { data: `points-${index}` },
          encode: { update: { ...placed(), strokeWidth: { value: strokePx(series.length, index) } } },
        },
        {
          type: 'symbol' as const,
          name: `dot-${index}`,
          from: { data: `named-${index}` },
          encode: { update: { ...placed(), size: { value: 70 } } },
        },
        {
          type: 'text' as const,
          name: `label-${index}`,
          from: { data: `named-${index}` },
          encode: {
            update: {
              ...placed(),
              ...text,
              text: { value: label.lines },
              lineHeight: { value: LINE_PX },
              align: { value: 'center' },
              dy: { value: -LABEL_DISTANCE_PX - (label.lines.length - 1) * LINE_PX },
            },
          },
        },
      ]),
    ],
  } as Spec;
}

/** Where lines coincide, the lower one shows on both sides of the upper one. */
function strokePx(lines: number, index: number): number {
  return STROKE_PX + 1.5 * (lines - 1 - index);
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
    // All of them: Vega would guess their width, and leave out what might touch.
    labelOverlap: false,
    encode: { labels: { update: { text: { signal: `${JSON.stringify(labels)}[datum.value]` } } } },
  };
}

function placed() {
  return { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };
}

/** At a distance from the plot's upper left corner, in pixels. */
function textAt(name: string, lines: string[], x: number, y: number, encoding: object) {
  const fixed = { text: { value: lines }, lineHeight: { value: 20 } };
  return {
    type: 'text' as const,
    name,
    encode: { update: { x: { value: x }, y: { value: y }, ...fixed, ...encoding } },
  };
}

/** With what an image needs that no page helps: a name, a description, a background and colours. */
function standAlone(svg: string, { title, description }: LineChart): string {
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    // What each part is, for a reader that walks through them. In an image none does: the description says it all.
    .replace(/ (?:role|aria-[a-z]+|pointer-events)="[^"]*"/g, '')
    // Digits that no screen shows.
    .replace(/translate\(([^)]*)\)/g, (_, at: string) => `translate(${at.split(',').map(thousandths)})`)
    // A line for each element, so that a change can be read. White space within a text would show.
    .replace(/>(?=<(?!tspan|\/text))/g, '>\n');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH_PX}" height="${HEIGHT_PX}"`,
    ` viewBox="0 0 ${WIDTH_PX} ${HEIGHT_PX}" role="img" aria-labelledby="title description">\n`,
    `<title id="title">${escapeText(title)}</title>\n`,
    `<desc id="description">${escapeText(description)}</desc>\n`,
    `<style>\n${rules(LIGHT)}@media (prefers-color-scheme: dark) {\n${rules(DARK)}}\n</style>\n`,
    `<rect class="page" width="${WIDTH_PX}" height="${HEIGHT_PX}" rx="8"/>\n`,
    `${body}\n`,
  ].join('');
}

/** In full for each theme, without variables: not every program that shows SVG knows those. */
function rules({ background, text, quiet, grid, series }: Theme): string {
  return [
    `.page { fill: ${background}; }`,
    `text { fill: ${quiet}; }`,
    `.heading text { fill: ${text}; font-weight: 600; }`,
    `.role-axis-grid line { stroke: ${grid}; }`,
    `.role-axis-tick line, .role-axis-domain line { stroke: ${quiet}; }`,
    ...series.flatMap((colour, index) => [
      `.line-${index} path { stroke: ${colour}; }`,
      `.dot-${index} path, .label-${index} text { fill: ${colour}; }`,
      // Grid lines end a little before the letters.
      `.label-${index} text { stroke: ${background}; stroke-width: 5px; paint-order: stroke; }`,
    ]),
  ]
    .map(rule => `${rule}\n`)
    .join('');
}

function thousandths(number: string): number {
  return Math.round(Number(number) * 1_000) / 1_000;
}

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
