/**
 * Lines to judge, none of them with a line end inside: ordinary ones, legal oddities, near misses, rubbish, and
 * what becomes of all these when a few bytes go wrong. One generator makes them, from a source of choices: a seeded
 * one, fast enough for millions of lines, or one that fast-check feeds, which shrinks what it finds.
 *
 * Lines are composed as strings with one character a byte ('latin1'), so that no byte is out of reach.
 */
import fc from 'fast-check';

export const LINE_BYTES_MAX = 16_384;

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

const KEYS = ['user', 'action', 'amount', 'wait', 'type', 'detail', 'id', 'min', 'from', 'to'];
const OTHER_KEYS = ['', 'do', 'x', 'User', 'use', 'usera', 'types', '__proto__', 'constructor', utf8('usér')];
const ODD_KEYS = ['\\u0061'.repeat(20), 'user\\u0000', '\\ud800', '\\"user', 'typ\\u0065', `${utf8('ü')}ser`];
const TYPES = ['balance', 'metrics', 'health', 'debug', 'transfer'];
const STRINGS = ['buy', 'sell', 'Buy', 'buys', 'sel', '', 'true', '1', 'toString', '__proto__', ...TYPES];
const LITERALS = ['true', 'false', 'null'];
const BAD_LITERALS = ['tru', 'True', 'nul', 'NaN', 'Infinity', 'undefined', 'truefalse', '', "'a'", '/**/1'];
// biome-ignore format: a table
const NUMBERS = [
  '1', '9', '10', '100', '1e2', '1E2', '1E+2', '100.0', '1e0', '0.1e1', '10e-1', '1000e-3', '12.5', '1.5e1', '-0', '0', '-1',
  '0.0', '-100', '0e5', '1e-1', '1e15', '1e16', '9e15', '1e400', '-1e400', '1e-400', '1e00002', '0.00001e5',
  '123456789', '999999999', '1000000000', '1234567890', '999999999999999', '1000000000000000', '9007199254740990',
  '9007199254740991', '9007199254740992', '9007199254740993', '9007199254740991.0', '9007199254740991.4',
  '9007199254740991.5', '900719925474099.1e1', '9007199254740991e0', '90071992547409910e-1', '1.0000000000000001',
  '0.99999999999999999', '4503599627370496.5', '123456789012345678', '99999999999999999999', `1${'0'.repeat(30)}e-30`,
];
const BAD_NUMBERS = [
  '01',
  '00',
  '-',
  '-01',
  '1.',
  '.5',
  '1e',
  '1e+',
  '+1',
  '0x10',
  '1_0',
  '1e1.5',
  '--1',
  '1 2',
];
// biome-ignore format: a table
const NAME_PIECES = [
  'a', 'alice', 'bob', ' ', '\x7f', '/', ':', ',', '{', '}', '0', "'",
  ...['é', '€', '😀', '\u0080', '\u07ff', '\u0800', '\u2028', '\ufeff', '\uffff', '\u{10ffff}', '\ud7ff'].map(utf8),
  '\\u0061', '\\u00e9', '\\u20AC', '\\ud83d\\ude00', '\\uD83D\\uDE00', '\\udbff\\udfff', '\\u0000', '\\uffff',
  '\\n', '\\"', '\\\\', '\\/', '\\b', '\\f', '\\r', '\\t', '\\\\u0061', '\\u007f', '\\u0080', '\\u07ff',
];
// biome-ignore format: a table
const SURROGATES = [
  '\\ud800', '\\udc00', '\\uD800\\u0041', '\\ud83d\\ud83d\\ude00', '\\ude00\\ud83d', '\\ud800\\n', '\\ud83d\\\\ude00',
];
// biome-ignore format: a table
const BAD_PIECES = [
  '\xff', '\x80', '\xc0\xaf', '\xc1\xbf', '\xe0\x80\xaf', '\xed\xa0\x80', '\xed\xbf\xbf', '\xf4\x90\x80\x80', '\xe2\x82',
  '\xf0\x9f\x98', '\xf5\x80\x80\x80', '\t', '\x00', '\x1f', '\r', '\\x', '\\u12g4', '\\u', '\\', '"',
];
/** What a name is filled with, and how many bytes of the name each makes. */
// biome-ignore format: a table
const FILLERS: readonly (readonly [string, number])[] = [
  ['a', 1], ['\\u0061', 1], ['\\n', 1], [utf8('é'), 2], ['\\u00e9', 2], [utf8('€'), 3], ['\\u20ac', 3], [utf8('😀'), 4],
  ['\\ud83d\\ude00', 4],
];
const NAME_LENGTHS = [0, 1, 2, 3, 4, 5, 8, 16, 17, 125, 126, 127, 128, 129, 130, 132, 200];
const SPACES = [' ', '\t', '\r', '  ', ' \t\r '];
const BAD_SPACES = ['\v', '\f', '\x00', utf8('\u00a0'), utf8('\u2028'), utf8('\ufeff')];
// biome-ignore format: a table
const WHOLE_LINES = [
  '', '\r', ' ', '{', '}', '{}', '[]', '{}{}', '[{}]', '"', '""', '"user"', 'null', '1', '-', '\x00', '{,}', '{"a"}',
  '{"a":1,}', '[1,]', '[,]', '{"a":}', '{"a" 1}', '{a:1}', '{"a":1 "b":2}', '[1 2]', '[}', '{]', '{"a":[}]', '\xef\xbb',
];

function filledName(filler: readonly [string, number], bytes: number): string {
  const [text, each] = filler;
  return text.repeat(Math.floor(bytes / each)) + 'z'.repeat(bytes % each);
}

/** Some of a word's characters written as escapes: those whose bit is set. */
function escaped(word: string, bits: number): string {
  let text = '';
  for (let at = 0; at < word.length; at++) {
    const hex = word.charCodeAt(at).toString(16).padStart(4, '0');
    text += (bits >> at) & 1 ? `\\u${(bits >> (at + 8)) & 1 ? hex.toUpperCase() : hex}` : word[at];
  }
  return text;
}

/** A line from its text: line ends become spaces, and it is no longer than a line may be. */
function lineOf(text: string): Buffer {
  const line = Buffer.from(text.slice(0, LINE_BYTES_MAX), 'latin1');
  for (let at = line.indexOf(0x0a); at !== -1; at = line.indexOf(0x0a, at)) line[at] = 0x20;
  return line;
}

/** Where a generator takes its choices from. The first choice is the plainest. */
export class Choices {
  readonly #next: () => number;

  /** `next` gives numbers from 0 to below 1. */
  constructor(next: () => number) {
    this.#next = next;
  }

  /** The same seed gives the same choices, for ever (sfc32: a long run does not come round to where it was). */
  static seeded(seed: number): Choices {
    let [one, two, three, count] = [0, seed | 0, 0, 1];
    const next = () => {
      const sum = (((one + two) | 0) + count) | 0;
      count = (count + 1) | 0;
      one = two ^ (two >>> 9);
      two = (three + (three << 3)) | 0;
      three = (((three << 21) | (three >>> 11)) + sum) | 0;
      return (sum >>> 0) / 2 ** 32;
    };
    // Until seeds that are alike give choices that are not.
    for (let mixed = 0; mixed < 12; mixed++) next();
    return new Choices(next);
  }

  /** Numbers below 2^32, and then always the plainest choice. */
  static given(numbers: readonly number[]): Choices {
    let at = 0;
    return new Choices(() => (numbers[at++] ?? 0) / 2 ** 32);
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** Rarely true: once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === count - 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** Bytes that mean something in a line, for edits. */
const TELLING_BYTES = '"\\{}[],:.-+eE0129tu \t\r\x00\x1f\x7f\x80\xbf\xc3\xef\xff';

/** Makes lines, for as long as there is a choice. */
export class LineMaker {
  readonly random: Choices;

  constructor(choices: Choices) {
    this.random = choices;
  }

  next(): Buffer {
    const { random } = this;
    let line = lineOf(this.#text());
    if (random.oneIn(3)) {
      for (let edits = 1 + random.below(random.oneIn(4) ? 6 : 1); edits > 0; edits--)
        line = this.#edited(line);
    }
    return line;
  }

  /** The line with one thing gone wrong. */
  #edited(line: Buffer): Buffer {
    const { random } = this;
    const text = line.toString('latin1');
    const at = random.below(text.length + 1);
    const to = at + random.below(random.oneIn(2) ? 8 : text.length + 1 - at);
    const [before, behind] = [text.slice(0, at), text.slice(at)];
    const byte = random.oneIn(3)
      ? String.fromCharCode(random.below(256))
      : TELLING_BYTES[random.below(TELLING_BYTES.length)]!;
    switch (random.below(8)) {
      case 0:
        return lineOf(before + byte + behind);
      case 1:
        return lineOf(before + byte + behind.slice(1));
      case 2:
        return lineOf(
          before + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << random.below(8))) + behind.slice(1),
        );
      case 3:
        return lineOf(before + text.slice(to));
      case 4:
        return lineOf(text.slice(0, to) + behind);
      case 5:
        return lineOf(before + behind.charAt(1) + behind.charAt(0) + behind.slice(2));
      case 6:
        return lineOf(before);
      default:
        return lineOf(before + this.#text().slice(random.below(60)));
    }
  }

  #text(): string {
    const { random } = this;
    const draw = random.below(100);
    if (draw < 30) return this.#usual();
    if (draw < 60) {
      // biome-ignore format: three fields
      const event = [['user', this.#user()], ['action', this.#action()], ['amount', this.#number()]];
      return this.#object(this.#shuffled([...event, ...this.#extras(random.below(3))]));
    }
    if (draw < 75) {
      const fields = [['type', this.#type()], ...this.#extras(random.below(3))];
      if (random.oneIn(2)) fields.push(['user', this.#user()]);
      if (random.oneIn(3)) fields.push(['detail', random.pick(LITERALS)]);
      return this.#object(this.#shuffled(fields));
    }
    if (draw < 90) return this.#object(this.#extras(random.below(8)));
    if (draw < 94) return this.#value(0);
    if (draw < 97) return random.pick(WHOLE_LINES);
    if (draw < 98) return utf8('\ufeff') + this.#usual();
    if (random.oneIn(20)) return this.#deep(random.below(LINE_BYTES_MAX / 2));
    return Array.from({ length: random.below(40) }, () => String.fromCharCode(random.below(256))).join('');
  }

  #usual(): string {
    const { random } = this;
    const name = random.oneIn(3) ? 'n'.repeat(random.pick(NAME_LENGTHS)) : `user-${random.below(1000)}`;
    const amount = random.oneIn(3) ? random.pick(NUMBERS) : String(1 + random.below(10 ** random.below(12)));
    const wait = random.oneIn(4) ? `,"wait":${random.pick(LITERALS)}` : '';
    const end = random.oneIn(8) ? '\r' : '';
    return `{"user":"${name}","action":"${random.pick(['buy', 'sell'])}","amount":${amount}${wait}}${end}`;
  }

  #object(fields: string[][]): string {
    const text = fields.map(
      ([key, value]) =>
        `${this.#space()}"${this.#word(key!)}"${this.#space()}:${this.#space()}${value}${this.#space()}`,
    );
    return `${this.#space()}{${text.join(',')}}${this.#space()}`;
  }

  #extras(count: number): string[][] {
    return Array.from({ length: count }, () => {
      const key = this.random.pick(
        this.random.oneIn(4) ? OTHER_KEYS : this.random.oneIn(12) ? ODD_KEYS : KEYS,
      );
      if (this.random.oneIn(2)) return [key, this.#value(0)];
      if (key === 'user') return [key, this.#user()];
      if (key === 'action') return [key, this.#action()];
      if (key === 'type') return [key, this.#type()];
      return [key, key === 'amount' ? this.#number() : this.random.pick(LITERALS)];
    });
  }

  #shuffled(fields: string[][]): string[][] {
    for (let left = fields.length; left > 1; left--) {
      const other = this.random.below(left);
      [fields[left - 1], fields[other]] = [fields[other]!, fields[left - 1]!];
    }
    return fields;
  }

  #user(): string {
    const { random } = this;
    if (random.oneIn(4)) return `"${filledName(random.pick(FILLERS), random.pick(NAME_LENGTHS))}"`;
    const pieces = Array.from({ length: random.below(6) }, () => random.pick(NAME_PIECES));
    if (random.oneIn(8)) pieces.push(random.pick(random.oneIn(2) ? SURROGATES : BAD_PIECES));
    if (random.oneIn(4)) pieces.push(random.pick(NAME_PIECES).repeat(random.below(130)));
    return `"${pieces.join('')}"`;
  }

  #action(): string {
    return `"${this.#word(this.random.oneIn(10) ? this.random.pick(STRINGS) : this.random.pick(['buy', 'sell']))}"`;
  }

  #type(): string {
    return `"${this.#word(this.random.pick(this.random.oneIn(6) ? STRINGS : TYPES))}"`;
  }

  /** A word, sometimes with escapes. Words that have some already, or bytes beyond ASCII, stay as they are. */
  #word(word: string): string {
    return this.random.oneIn(5) && /^\w*$/.test(word) ? escaped(word, this.random.below(2 ** 30)) : word;
  }

  #number(): string {
    const { random } = this;
    if (random.oneIn(30)) return random.pick(BAD_NUMBERS);
    if (random.oneIn(2)) return random.pick(NUMBERS);
    const digits = () => Array.from({ length: 1 + random.below(17) }, () => random.below(10)).join('');
    let text = `${1 + random.below(9)}${random.oneIn(3) ? digits() : ''}`;
    if (random.oneIn(4)) text += `.${random.oneIn(2) ? '0' : digits()}`;
    if (random.oneIn(4))
      text += `${random.pick(['e', 'E'])}${random.pick(['', '+', '-'])}${random.below(20)}`;
    return random.oneIn(12) ? `-${text}` : text;
  }

  #value(depth: number): string {
    const { random } = this;
    switch (random.below(depth > 5 ? 5 : 8)) {
      case 0:
        return this.#number();
      case 1:
        return random.pick(LITERALS);
      case 2:
        return `"${random.pick(STRINGS)}"`;
      case 3:
        return this.#user();
      case 4:
        return random.oneIn(20) ? random.pick(BAD_LITERALS) : random.pick(['[]', '{}', '""', '0', '[[]]']);
      case 5:
        return `[${Array.from({ length: random.below(4) }, () => this.#space() + this.#value(depth + 1)).join(',')}]`;
      case 6:
        return this.#deep(random.below(60));
      default:
        return `{${Array.from({ length: random.below(4) }, () => `${this.#space()}"${random.pick(KEYS)}":${this.#value(depth + 1)}`).join(',')}}`;
    }
  }

  #deep(depth: number): string {
    const isArray = this.random.oneIn(2);
    return (
      (isArray ? '[' : '{"user":').repeat(depth) + (isArray ? '' : '1') + (isArray ? ']' : '}').repeat(depth)
    );
  }

  #space(): string {
    return this.random.oneIn(8) ? this.random.pick(this.random.oneIn(25) ? BAD_SPACES : SPACES) : '';
  }
}

/** Any line. A shorter list of choices makes a plainer line, so what fast-check shrinks to can be read. */
export const anyLine: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.nat(0xffffffff),
      fc.integer({ min: 0, max: 0xffff }).map(high => high * 0x10000),
    ),
    {
      maxLength: 300,
      size: 'max',
    },
  )
  .map(numbers => new LineMaker(Choices.given(numbers)).next());
