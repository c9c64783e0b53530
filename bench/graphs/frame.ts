/**
 * The frame of every graph: its size, title, footer, and the colours of both themes; and all that a standalone SVG
 * file needs.
 *
 * The documents show a graph as an image, which inherits nothing from the page: no font, no colour, no theme. So it
 * has its own background, and follows the preference of the reader's system, light or dark.
 */
import type { Spec } from 'vega';

export interface Frame {
  title: string;
  /** Up to two lines: what was run. */
  subtitle: string[];
  /** Up to two lines: by which command, when, on which machine. */
  footer: string[];
  /** The content of the graph in words, for readers who can't see it. */
  description: string;
}

/** The size of the whole, in pixels, and the margins around the plot: for the title, the axes, labels at the right. */
export interface Room {
  widthPx: number;
  heightPx: number;
  margin: { top: number; right: number; bottom: number; left: number };
}

/** From the edge of the whole to its text. */
export const EDGE_PX = 20;
export const TEXT_PX = 14;
export const LINE_PX = 18;
export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const TITLE_PX = 20;
const FOOTER_PX = 11;
/** An upper estimate of the mean width of a letter, as a share of its height. */
const LETTER_SHARE = 0.53;

interface Theme {
  background: string;
  text: string;
  /** Subtitle, axes, footer. */
  quiet: string;
  grid: string;
  series: string[];
}

/** Vermillion, blue, green and purple, after Okabe and Ito: most colour-blind readers can tell them apart. */
const LIGHT: Theme = {
  background: '#ffffff',
  text: '#1f2328',
  quiet: '#59636e',
  grid: '#e1e4e8',
  series: ['#c44601', '#0067a8', '#007a5c', '#8b45a8'],
};
const DARK: Theme = {
  background: '#0d1117',
  text: '#f0f6fc',
  quiet: '#9da7b1',
  grid: '#2b323b',
  series: ['#ff9a5c', '#6cb8f5', '#4fd0a4', '#d3a4f0'],
};
export const SERIES_MAX = LIGHT.series.length;

/**
 * Draws a specification for Vega as a standalone file. Pure: the same specification gives the same bytes on every
 * machine, since no place depends on measured text.
 */
export async function drawIn(frame: Frame, room: Room, spec: Spec): Promise<string> {
  const { widthPx, heightPx, margin } = room;
  checkFits(frame, widthPx);
  const whole = {
    // The plot's own size; the title, the axes and the footer lie around it, at fixed places.
    autosize: 'none',
    width: widthPx - margin.left - margin.right,
    height: heightPx - margin.top - margin.bottom,
    padding: margin,
    config: { text: { font: FONT } },
    ...spec,
    marks: [...headings(frame, room), ...(spec.marks ?? [])],
  } as Spec;
  // Loaded on demand: it takes a while.
  const { parse, View } = await import('vega');
  const view = new View(parse(whole), { renderer: 'none' });
  try {
    return standAlone(await view.toSVG(), frame, room);
  } finally {
    view.finalize();
  }
}

/** Throws if a line of text would not fit into the picture. */
function checkFits({ title, subtitle, footer }: Frame, widthPx: number): void {
  const lines = [
    ...[title].map(text => [text, TITLE_PX] as const),
    ...subtitle.map(text => [text, TEXT_PX] as const),
    ...footer.map(text => [text, FOOTER_PX] as const),
  ];
  for (const [text, sizePx] of lines)
    if (!fits(text, sizePx, widthPx - 2 * EDGE_PX)) throw new RangeError(`too long for its place: ${text}`);
}

export function fits(text: string, sizePx: number, widthPx: number): boolean {
  return text.length * sizePx * LETTER_SHARE <= widthPx;
}

function headings({ title, subtitle, footer }: Frame, { heightPx, margin }: Room) {
  const left = EDGE_PX - margin.left;
  const footerTop = heightPx - margin.top - 32;
  return [
    textAt('heading', [title], left, 36 - margin.top, { fontSize: { value: TITLE_PX } }),
    textAt('subtitle', subtitle, left, 60 - margin.top, { fontSize: { value: TEXT_PX } }),
    textAt('footer', footer, left, footerTop, { fontSize: { value: FOOTER_PX }, lineHeight: { value: 16 } }),
  ];
}

/** At a distance from the plot's upper left corner, in pixels. Vega names the class of a mark after the mark. */
function textAt(name: string, lines: string[], x: number, y: number, encoding: object = {}) {
  const fixed = { text: { value: lines }, lineHeight: { value: 20 }, fontSize: { value: TEXT_PX } };
  return {
    type: 'text' as const,
    name,
    encode: { update: { x: { value: x }, y: { value: y }, ...fixed, ...encoding } },
  };
}

/** Adds what a standalone image needs: a name, a description, a background and colours. */
function standAlone(svg: string, { title, description }: Frame, { widthPx, heightPx }: Room): string {
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    // Removes the roles of the parts: no screen reader looks inside an image, and the description has all.
    .replace(/ (?:role|aria-[a-z]+|pointer-events)="[^"]*"/g, '')
    // Removes digits that no screen shows.
    .replace(/translate\(([^)]*)\)/g, (_, at: string) => `translate(${at.split(',').map(thousandths)})`)
    // One line for each element, so that diffs are readable. White space within a text would be visible.
    .replace(/>(?=<(?!tspan|\/text))/g, '>\n');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}"`,
    ` viewBox="0 0 ${widthPx} ${heightPx}" role="img" aria-labelledby="title description">\n`,
    `<title id="title">${escapeText(title)}</title>\n`,
    `<desc id="description">${escapeText(description)}</desc>\n`,
    `<style>\n${rules(LIGHT)}@media (prefers-color-scheme: dark) {\n${rules(DARK)}}\n</style>\n`,
    `<rect class="page" width="${widthPx}" height="${heightPx}" rx="8"/>\n`,
    `${body}\n`,
  ].join('');
}

/** The style rules in full for each theme, without variables, which not every SVG viewer supports. */
function rules({ background, text, quiet, grid, series }: Theme): string {
  return [
    `.page { fill: ${background}; }`,
    `text { fill: ${quiet}; }`,
    `.heading text, .strong text { fill: ${text}; }`,
    `.heading text { font-weight: 600; }`,
    `.role-axis-grid line { stroke: ${grid}; }`,
    `.role-axis-tick line, .role-axis-domain line, .moment line, .empty path { stroke: ${quiet}; }`,
    ...series.flatMap((colour, index) => [
      `.line-${index} path, .leader-${index} line { stroke: ${colour}; }`,
      `.dot-${index} path, .label-${index} text { fill: ${colour}; }`,
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
