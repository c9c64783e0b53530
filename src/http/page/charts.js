/**
 * The recent past, as curves over one time axis. A point is one sample; where the page has no samples (it was paused,
 * or the server did not answer) the curve has a gap.
 */
import { makeKeyed, svg } from './format.js';

const LEFT = 58;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 6;
const AXIS = 20;
const GAP_S = 3;
const TICK = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** A round number, at least this one, so that the axis rarely changes. */
function roundUp(number, least) {
  if (number <= least) return least;
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= number);
}

class Chart {
  #lines;

  constructor({ title, unit, height, least, most, format, curves, hasAxis }) {
    Object.assign(this, { unit, height, least, most, format, curves, hasAxis });
    this.element = document.createElement('div');
    this.element.className = 'chart';
    const names = document.createElement('div');
    names.className = 'names';
    const heading = document.createElement('strong');
    heading.textContent = title;
    this.values = curves.map(() => document.createElement('b'));
    names.append(heading, ...curves.map(({ name }, index) => this.#nameOf(name, index)));
    this.picture = svg('svg', { height: height + (hasAxis ? AXIS : 0), role: 'img' });
    this.element.append(names, this.picture);
    this.title = title;
  }

  #nameOf(name, index) {
    const element = document.createElement('span');
    if (index > 0) element.className = 'second';
    element.append(
      document.createElement('i'),
      name === '' ? '' : `${name} `,
      this.values[index],
      ` ${this.unit}`,
    );
    return element;
  }

  /** `points` from old to new; `at` is the point under the cursor, if any. */
  draw(points, windowS, nowS, at) {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const { height } = this;
    const bottom = height - BOTTOM;
    const highest = Math.max(0, ...points.flatMap(point => this.curves.map(({ of }) => of(point))));
    const top = this.most ?? roundUp(highest, this.least);
    const x = time => width - RIGHT - ((nowS - time) / windowS) * (width - LEFT - RIGHT);
    const y = value => bottom - (Math.min(value, top) / top) * (bottom - TOP);
    this.#lines = [];
    for (const value of [0, top / 2, top]) this.#grid(value, y(value), width);
    if (this.hasAxis) this.#times(windowS, nowS, x, bottom + AXIS);
    this.curves.forEach(({ of }, index) => {
      for (const run of runsOf(points)) {
        const path = run.map(point => `${x(point.time).toFixed(1)} ${y(of(point)).toFixed(1)}`).join('L');
        const ends = [run.at(-1), run[0]].map(point => `${x(point.time).toFixed(1)} ${bottom}`).join('L');
        if (index === 0) this.#lines.push(svg('path', { class: 'area', d: `M${path}L${ends}Z` }));
        this.#lines.push(svg('path', { class: index === 0 ? 'first' : 'second', d: `M${path}` }));
      }
    });
    const shown = at ?? points.at(-1);
    if (at !== undefined)
      this.#lines.push(svg('line', { class: 'cursor', x1: x(at.time), x2: x(at.time), y1: TOP, y2: bottom }));
    this.values.forEach((element, index) => {
      element.textContent = shown === undefined ? '–' : this.format(this.curves[index].of(shown));
    });
    this.picture.replaceChildren(...this.#lines);
    const said = this.values.map(
      (value, index) => `${this.curves[index].name} ${value.textContent} ${this.unit}`,
    );
    this.picture.setAttribute('aria-label', `${this.title}: ${said.join(', ')}`);
  }

  #grid(value, y, width) {
    const label = svg('text', { x: LEFT - 8, y: y + 4, 'text-anchor': 'end' });
    label.textContent = this.most === undefined ? TICK.format(value) : this.format(value);
    this.#lines.push(svg('line', { x1: LEFT, x2: width - RIGHT, y1: y, y2: y }), label);
  }

  #times(windowS, nowS, x, y) {
    for (const share of [1, 0.5, 0]) {
      const anchor = share === 1 ? 'start' : share === 0 ? 'end' : 'middle';
      const label = svg('text', { x: x(nowS - share * windowS), y: y - 6, 'text-anchor': anchor });
      label.textContent = share === 0 ? 'now' : `${ago(windowS * share)} ago`;
      this.#lines.push(label);
    }
  }

  /** The point nearest to an x coordinate on the screen. */
  pointAt(clientX, points, windowS, nowS) {
    const { left, width } = this.picture.getBoundingClientRect();
    const time = nowS - ((left + width - RIGHT - clientX) / (width - LEFT - RIGHT)) * windowS;
    return points.reduce(
      (next, point) =>
        next === undefined || Math.abs(point.time - time) < Math.abs(next.time - time) ? point : next,
      undefined,
    );
  }
}

function ago(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 6) / 10} min`;
}

/** The points between two gaps. */
function runsOf(points) {
  const runs = [];
  let last;
  for (const point of points) {
    if (last === undefined || point.time - last > GAP_S) runs.push([]);
    runs.at(-1).push(point);
    last = point.time;
  }
  return runs;
}

export class Charts {
  #place = document.getElementById('charts');
  #note = document.getElementById('cursor-note');
  #said = document.getElementById('charts-said');
  #help = this.#note.textContent;
  #charts;
  #points = [];
  #windowS = 60;
  #nowS = 0;
  #cursor;

  constructor(charts) {
    this.#charts = charts.map(
      (chart, index) => new Chart({ ...chart, hasAxis: index === charts.length - 1 }),
    );
    makeKeyed(this.#place, 'Curves; the arrow keys move along them', 'cursor-note');
    this.#place.append(...this.#charts.map(chart => chart.element));
    new ResizeObserver(() => this.#draw()).observe(this.#place);
    this.#place.addEventListener('pointermove', event => {
      this.#point(this.#charts[0].pointAt(event.clientX, this.#points, this.#windowS, this.#nowS));
    });
    this.#place.addEventListener('pointerleave', () => this.#point(undefined));
    this.#place.addEventListener('keydown', event => this.#key(event));
  }

  show(points, windowS, nowS) {
    this.#points = points.filter(point => point.time >= nowS - windowS);
    this.#windowS = windowS;
    this.#nowS = nowS;
    if (!this.#points.includes(this.#cursor)) this.#cursor = undefined;
    this.#draw();
  }

  #key(event) {
    const last = this.#points.length - 1;
    const at = this.#cursor === undefined ? last + 1 : this.#points.indexOf(this.#cursor);
    const targets = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: -1 };
    const target = targets[event.key];
    // With Alt and other modifiers, arrow keys belong to the browser.
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#point(event.key === 'Escape' ? undefined : this.#points[Math.min(Math.max(target, 0), last)]);
    // Announced when the reader moves, not whenever the curves do.
    const said = this.#charts.map(({ picture }) => picture.getAttribute('aria-label'));
    this.#said.textContent =
      this.#cursor === undefined ? '' : `${ago(this.#nowS - this.#cursor.time)} ago: ${said.join('; ')}`;
  }

  #point(point) {
    this.#cursor = point;
    this.#draw();
  }

  #draw() {
    for (const chart of this.#charts) chart.draw(this.#points, this.#windowS, this.#nowS, this.#cursor);
    const note =
      this.#cursor === undefined ? this.#help : `As it was ${ago(this.#nowS - this.#cursor.time)} ago.`;
    if (this.#note.textContent !== note) this.#note.textContent = note;
  }
}
