/**
 * Batches of lines as one client might send them in one go: events of a few users, the questions that show what became
 * of them, lines of every other kind, empty ones, lines that are too long or just not, both line ends, and often a
 * last line without an end.
 */
import { type Choices, LineMaker } from '../support/lines.ts';

const BYTES_MIN = 120;
const BYTES_MORE = 280;
/** Longer lines of the maker are left out: a batch has as many places to cut as bytes. */
const MADE_BYTES_MAX = 300;

/** Names as they may be spelled in a line. The first three of the last group are one user. */
const NAMES = [
  'a',
  'user-7',
  'n'.repeat(11),
  'é',
  '\\u00e9',
  '\\u00E9',
  '😀',
  '\\ud83d\\ude00',
  '\\u0000',
  ' ',
];
const HUGE = ['9007199254740991', '9007199254740990', '4503599627370496', '9007199254740991.0'];
const LINE_END = Buffer.from('\n');
const LINE_END_CR = Buffer.from('\r\n');
const ODD = ['', '\r', ' ', '{}', '[]', '{"type":"what"}', '"\\ud800"', '{', 'null'];

export class BatchMaker {
  readonly #random: Choices;
  readonly #lines: LineMaker;
  readonly #lineBytesMax: number;

  constructor(random: Choices, lineBytesMax: number) {
    this.#random = random;
    this.#lines = new LineMaker(random);
    this.#lineBytesMax = lineBytesMax;
  }

  next(): Buffer {
    const random = this.#random;
    const names = Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES));
    const bytesMin = BYTES_MIN + random.below(BYTES_MORE);
    const lines: Buffer[] = [];
    for (let bytes = 0; bytes < bytesMin; bytes += lines.at(-1)!.length + 1) lines.push(this.#line(names));
    if (random.oneIn(6)) lines.splice(random.below(lines.length + 1), 0, this.#longLine());
    const batch = Buffer.concat(lines.flatMap(line => [line, random.oneIn(6) ? LINE_END_CR : LINE_END]));
    if (random.oneIn(2)) return batch;
    // Without the last line end, and sometimes without more.
    return batch.subarray(0, batch.length - 1 - (random.oneIn(4) ? random.below(9) : 0));
  }

  #line(names: readonly string[]): Buffer {
    const random = this.#random;
    const draw = random.below(100);
    if (draw < 38) return Buffer.from(this.#event(random.pick(names)));
    if (draw < 52) return Buffer.from(`{"type":"balance","user":"${random.pick(names)}"}`);
    if (draw < 58) return Buffer.from(random.pick(ODD));
    if (draw < 61) return Buffer.from('{"type":"health"}');
    if (draw < 64)
      return Buffer.from(random.oneIn(3) ? '{"type":"metrics","detail":true}' : '{"type":"metrics"}');
    for (;;) {
      const line = this.#lines.next();
      if (line.length <= MADE_BYTES_MAX) return line;
    }
  }

  #event(name: string): string {
    const random = this.#random;
    const amount = random.oneIn(10) ? random.pick(HUGE) : String(1 + random.below(10 ** random.below(10)));
    const action = random.oneIn(2) ? 'sell' : 'buy';
    const wait = random.oneIn(3) ? ',"wait":true' : random.oneIn(8) ? ',"wait":false' : '';
    return `{"user":"${name}","action":"${action}","amount":${amount}${wait}}`;
  }

  /** As long as a line may be, or a little longer or shorter; an event, or nothing that anybody could read. */
  #longLine(): Buffer {
    const random = this.#random;
    const bytes = this.#lineBytesMax - 3 + random.below(random.oneIn(4) ? 60 : 8);
    const event = '{"user":"a","action":"buy","amount":3,"wait":true';
    if (random.oneIn(3))
      return Buffer.alloc(bytes, random.pick(['x', '"', '{"a":', '[', '\r', '\xff']), 'latin1');
    return Buffer.from(`${event}${' '.repeat(bytes - event.length - 1)}}`);
  }
}
