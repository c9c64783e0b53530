/**
 * The shards as a heat map, and as a table for readers who can't see it. The brightness of a cell is relative to the
 * brightest one.
 */
import { makeKeyed, percent, put, rate, svg, whole } from './format.js';

const SHARDS = 256;
const COLUMNS = 32;
const ROWS = SHARDS / COLUMNS;
const WIDTH = 14;
const HEIGHT = 18;
const GAP = 1.5;

export class Shards {
  #place = document.getElementById('heat');
  #details = document.getElementById('heat-details');
  #cells;
  #chosen;
  #at;
  #by = 'events';
  #shown;
  /** What a shard belongs to. */
  #owner = 'worker';

  constructor() {
    const placed = shard => ({
      x: (shard % COLUMNS) * WIDTH + GAP / 2,
      y: Math.floor(shard / COLUMNS) * HEIGHT + GAP / 2,
      width: WIDTH - GAP,
      height: HEIGHT - GAP,
      rx: 2,
    });
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    const grounds = shards.map(shard => svg('rect', { ...placed(shard), class: 'ground' }));
    this.#cells = shards.map(shard => svg('rect', { ...placed(shard), 'fill-opacity': 0 }));
    this.#chosen = svg('rect', { ...placed(0), class: 'chosen', visibility: 'hidden' });
    const viewBox = `0 0 ${COLUMNS * WIDTH} ${ROWS * HEIGHT}`;
    const picture = svg('svg', { viewBox, 'aria-hidden': true });
    picture.append(...grounds, ...this.#cells, this.#chosen);
    makeKeyed(this.#place, 'Heat map of the shards; the arrow keys walk over it', 'heat-readout');
    document.getElementById('heat-table').tabIndex = 0;
    this.#place.append(picture);
    picture.addEventListener('pointermove', event => {
      const { left, top, width, height } = picture.getBoundingClientRect();
      const column = Math.floor(((event.clientX - left) / width) * COLUMNS);
      const row = Math.floor(((event.clientY - top) / height) * ROWS);
      this.#choose(Math.min(SHARDS - 1, Math.max(0, row * COLUMNS + column)));
    });
    picture.addEventListener('pointerleave', () => this.#choose(undefined));
    this.#place.addEventListener('keydown', event => this.#key(event));
    this.#details.addEventListener('toggle', () => this.#table());
    for (const choice of document.querySelectorAll('input[name=heat]'))
      choice.addEventListener('change', () => {
        this.#by = choice.value;
        this.#draw();
      });
  }

  /** Of a node of a cluster: shards belong to partitions, and their events are not looked at. */
  ofNode() {
    this.#owner = 'partition';
    this.#by = 'users';
    put('owner-name', this.#owner);
  }

  /** `rates`: estimated events per second of each shard. */
  show({ rates, users, owners, sampledShare }) {
    this.#shown = { events: rates, users, owners, sampledShare };
    this.#draw();
  }

  #draw() {
    if (this.#shown === undefined) return;
    const values = this.#shown[this.#by];
    const most = Math.max(...values);
    this.#cells.forEach((cell, shard) => {
      cell.setAttribute('fill-opacity', most === 0 ? 0 : (values[shard] / most).toFixed(3));
    });
    put('heat-max', this.#by === 'users' ? `${whole(most)} users` : `${rate(most)} events/s`, most);
    this.#read();
    if (this.#details.open) this.#table();
  }

  /** Describes the shard under the pointer, or all. */
  #read() {
    const { owners, sampledShare } = this.#shown;
    const text = () => {
      if (this.#at !== undefined) return this.#describe(this.#at);
      const values = this.#shown[this.#by];
      const total = values.reduce((sum, value) => sum + value, 0);
      if (total === 0) return this.#by === 'users' ? 'No users yet.' : 'No events in the last five seconds.';
      const first = values.indexOf(Math.max(...values));
      const looked =
        this.#by === 'events' && sampledShare > 0
          ? ` ${percent(sampledShare)} of the events were looked at.`
          : '';
      return `The most: shard ${first} of ${this.#owner} ${owners[first]}, with ${percent(values[first] / total)}.${looked}`;
    };
    put('heat-readout', text());
  }

  #describe(shard) {
    const { events, users, owners } = this.#shown;
    const about = this.#owner === 'partition' ? '' : `about ${rate(events[shard])} events/s, `;
    return `Shard ${shard}, of ${this.#owner} ${owners[shard]}: ${about}${whole(users[shard])} ${users[shard] === 1 ? 'user' : 'users'}.`;
  }

  #choose(shard) {
    this.#at = shard;
    this.#chosen.setAttribute('visibility', shard === undefined ? 'hidden' : 'visible');
    if (shard !== undefined)
      for (const name of ['x', 'y']) this.#chosen.setAttribute(name, this.#cells[shard].getAttribute(name));
    if (this.#shown !== undefined) this.#read();
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };
    if (event.key === 'Escape') return this.#choose(undefined);
    const step = steps[event.key];
    // With Alt and other modifiers, arrow keys belong to the browser.
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#choose(this.#at === undefined ? 0 : (this.#at + step + SHARDS) % SHARDS);
    // Announced when the reader moves, not whenever the figures change.
    if (this.#shown !== undefined)
      document.getElementById('heat-said').textContent = this.#describe(this.#at);
  }

  #table() {
    if (!this.#details.open || this.#shown === undefined) return;
    const { events, users, owners } = this.#shown;
    const rows = document.getElementById('heat-rows');
    while (rows.children.length < SHARDS) {
      const row = document.createElement('tr');
      for (let column = 0; column < 4; column++) row.append(document.createElement('td'));
      rows.append(row);
    }
    for (let shard = 0; shard < SHARDS; shard++) {
      const texts = [
        String(shard),
        String(owners[shard]),
        this.#owner === 'partition' ? '–' : rate(events[shard]),
        whole(users[shard]),
      ];
      const { cells } = rows.children[shard];
      texts.forEach((text, column) => {
        if (cells[column].textContent !== text) cells[column].textContent = text;
      });
    }
  }
}
