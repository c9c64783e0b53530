/**
 * The rings, drawn as rings: a circle of slots, filled from the head (next to read) to the tail (next to write). The
 * filled part is exact. The speed of rotation is not: a ring may go round a hundred times a second, so the drawn
 * speed follows the events only up to a limit.
 */
import { percent, put, rate, svg, whole } from './format.js';

const TURN_MAX = 0.05;
const SEGMENTS_MAX = 64;
/** The smallest filled part that is visible. */
const LEVEL_MIN = 0.004;
const FULL = 0.95;

const CENTRE = 120;
const RADIUS = 92;
const CIRCLE = { cx: CENTRE, cy: CENTRE, r: RADIUS, transform: `rotate(-90 ${CENTRE} ${CENTRE})` };
const calm = matchMedia('(prefers-reduced-motion: reduce)');

class Ring {
  #turned = 0;
  #head;

  constructor(worker, slots) {
    const segments = Math.min(slots, SEGMENTS_MAX);
    this.used = svg('circle', { ...CIRCLE, class: 'used', pathLength: 1 });
    const cuts = { ...CIRCLE, class: 'cuts', pathLength: segments, 'stroke-dasharray': '0.09 0.91' };
    this.tail = svg('g', { class: 'at-tail' }, [svg('path', { class: 'tail', d: 'M113 1h14l-7 12z' })]);
    const head = svg('path', { class: 'head', d: 'M114 52h12l-6 -10z' });
    this.turning = svg('g', { class: 'turning' }, [this.used, svg('circle', cuts), this.tail, head]);
    this.depth = svg('text', { class: 'depth', x: CENTRE, y: CENTRE + 4 });
    this.of = svg('text', { class: 'of', x: CENTRE, y: CENTRE + 26 });
    this.of.textContent = `of ${whole(slots)} slots`;
    this.share = svg('text', { class: 'of', x: CENTRE, y: CENTRE + 45 });
    const ground = svg('circle', { ...CIRCLE, class: 'slots' });
    this.picture = svg('svg', { viewBox: '0 0 240 240', role: 'img' }, [
      ground,
      this.turning,
      this.depth,
      this.of,
      this.share,
    ]);
    const caption = document.createElement('figcaption');
    const word = document.createElement('span');
    word.textContent = 'worker ';
    this.rate = document.createElement('span');
    this.rate.className = 'rate';
    caption.append(word, `${worker} `, this.rate);
    this.element = document.createElement('figure');
    this.element.className = 'ring';
    this.element.dataset.worker = worker;
    this.element.append(this.picture, caption);
    this.worker = worker;
    this.slots = slots;
  }

  show({ head, tail, ready }, appliedRate) {
    const depth = (tail - head) >>> 0;
    const level = depth / this.slots;
    if (!calm.matches && this.#head !== undefined)
      this.#turned += Math.min(((head - this.#head) >>> 0) / this.slots, TURN_MAX);
    this.#head = head;
    const shown = depth === 0 ? 0 : Math.max(level, LEVEL_MIN);
    this.used.style.strokeDasharray = `${shown} 1`;
    this.used.style.visibility = depth === 0 ? 'hidden' : 'visible';
    this.turning.style.transform = `rotate(${calm.matches ? 0 : this.#turned}turn)`;
    this.tail.style.transform = `rotate(${level}turn)`;
    this.element.classList.toggle('is-full', level >= FULL);
    this.element.dataset.depth = depth;
    this.depth.textContent = whole(depth);
    this.share.textContent = ready ? percent(level) : 'no worker';
    this.share.classList.toggle('missing', !ready);
    this.rate.textContent = `${rate(appliedRate)} events/s`;
    const label = `Ring of worker ${this.worker}: ${whole(depth)} of ${whole(this.slots)} slots in use, ${percent(level)}`;
    this.picture.setAttribute('aria-label', ready ? label : `${label}; its worker is missing`);
  }
}

function sizeFor(rings) {
  if (rings === 1) return 'one';
  if (rings <= 4) return 'few';
  return rings <= 12 ? 'many' : 'most';
}

export class Rings {
  #rings = [];
  #place = document.getElementById('rings');

  /** `rates`: events per second that each worker applies. */
  show(rings, slots, rates) {
    if (this.#rings.length !== rings.length || this.#rings[0]?.slots !== slots) {
      this.#rings = rings.map((_, worker) => new Ring(worker, slots));
      this.#place.replaceChildren(...this.#rings.map(ring => ring.element));
      this.#place.dataset.size = sizeFor(rings.length);
      put('ring-slots', whole(slots), slots);
    }
    rings.forEach((ring, worker) => {
      this.#rings[worker].show(ring, rates[worker] ?? 0);
    });
  }
}
