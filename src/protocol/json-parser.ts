/**
 * Judges any line: is it JSON, and if so, which event or request is it.
 *
 * One pass over the bytes, no recursion and nothing built: JSON's grammar (RFC 8259) is checked as `JSON.parse`
 * would, and the values of the fields that matter are noted on the way. `JSON.parse` itself would be slower,
 * hides a field that appears twice, and wants the bytes as a string first. That both agree on every line is
 * what the fuzzer (`npm run fuzz`) is for.
 *
 * While a line is judged, the byte behind it is a NUL, which ends every loop here: JSON has no place for it.
 */
import { isUtf8 } from 'node:buffer';
import { USER_BYTES_MAX } from '../engine/user-table.ts';
import { decodeString } from './json-strings.ts';
import { DECODED_AT, type Desk, hashName, type Judgement, Kind } from './request.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What a scan answers where the bytes are no JSON. */
const NO_JSON = -1;

const Field = { user: 0, action: 1, amount: 2, wait: 3, type: 4, detail: 5, unknown: 6 } as const;
type Field = (typeof Field)[keyof typeof Field];
const FIELD_NAMES = ['user', 'action', 'amount', 'wait', 'type', 'detail'].map(name => Buffer.from(name));
const ACTIONS = ['buy', 'sell'].map(name => Buffer.from(name));
const TYPES = ['balance', 'metrics', 'health', 'debug'].map(name => Buffer.from(name));
const TYPE_KINDS = [Kind.balance, Kind.metrics, Kind.health, Kind.debug];

/** No value, or one that can't be. */
const INVALID = -1;
/** Integers of so many digits are exact however they are added up. */
const PLAIN_DIGITS_MAX = 15;

export class JsonJudge {
  readonly #desk: Desk;
  readonly #bytes: Buffer;
  /** The brackets open around the value being skipped, outermost first. */
  readonly #open: Uint8Array;

  // Of the string scanned last.
  #hasEscape = false;
  // Of the whole line.
  #hasHighByte = false;

  // Of the line's fields: how often each came, and its value.
  readonly #seen = new Uint8Array(FIELD_NAMES.length);
  #nameAt = 0;
  #nameBytes = INVALID;
  #action = INVALID;
  #amount = INVALID;
  #wait = INVALID;
  #type = INVALID;
  #isTypeString = false;
  #isDetailed = false;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#bytes = desk.bytes;
    this.#open = new Uint8Array(desk.capacity);
  }

  /** Judges the line from `start` up to `stop`, where its line end is (or would be). */
  judge(start: number, stop: number, judgement: Judgement): Kind {
    const ended = this.#bytes[stop]!;
    this.#bytes[stop] = 0;
    this.#seen.fill(0);
    this.#hasHighByte = false;
    const isObject = this.#bytes[this.#space(start)] === OPEN_BRACE;
    const end = isObject ? this.#object(this.#space(start)) : this.#value(this.#space(start));
    const isJson = end !== NO_JSON && this.#space(end) === stop;
    this.#bytes[stop] = ended;
    // JSON has bytes beyond ASCII in strings only, and those were all looked at.
    if (!isJson || (this.#hasHighByte && !isUtf8(this.#bytes.subarray(start, stop)))) return Kind.invalidJson;
    return isObject ? this.#kind(judgement) : Kind.invalidEvent;
  }

  /** What the fields noted make of the line. */
  #kind(judgement: Judgement): Kind {
    const seen = this.#seen;
    if (seen[Field.type]! > 0) {
      if (seen[Field.type]! > 1 || !this.#isTypeString) return Kind.invalidEvent;
      if (this.#type === INVALID) return Kind.unknownType;
      const kind = TYPE_KINDS[this.#type]!;
      if (kind === Kind.metrics) {
        if (seen[Field.detail]! > 1) return Kind.invalidEvent;
        return seen[Field.detail] === 1 && this.#isDetailed ? Kind.metricsDetail : Kind.metrics;
      }
      if (kind === Kind.balance && !this.#noteUser(judgement)) return Kind.invalidEvent;
      return kind;
    }
    if (seen[Field.action] !== 1 || this.#action === INVALID) return Kind.invalidEvent;
    if (seen[Field.amount] !== 1 || this.#amount === INVALID) return Kind.invalidEvent;
    if (seen[Field.wait]! > 1 || (seen[Field.wait] === 1 && this.#wait === INVALID)) return Kind.invalidEvent;
    if (!this.#noteUser(judgement)) return Kind.invalidEvent;
    judgement.amount = this.#action === 0 ? this.#amount : -this.#amount;
    judgement.isWaiting = seen[Field.wait] === 1 && this.#wait === 1;
    return Kind.event;
  }

  #noteUser(judgement: Judgement): boolean {
    if (this.#seen[Field.user] !== 1 || this.#nameBytes === INVALID) return false;
    judgement.nameAt = this.#nameAt;
    judgement.nameBytes = this.#nameBytes;
    judgement.hash = hashName(this.#desk.view, this.#nameAt, this.#nameBytes);
    return true;
  }

  /** Scans the object that opens at `at`, noting the known fields. */
  #object(at: number): number {
    const bytes = this.#bytes;
    let next = this.#space(at + 1);
    if (bytes[next] === CLOSE_BRACE) return next + 1;
    for (;;) {
      const key = next;
      next = this.#string(key);
      if (next === NO_JSON) return NO_JSON;
      const field = this.#choice(FIELD_NAMES, key, next) as Field | typeof INVALID;
      next = this.#space(next);
      if (bytes[next] !== COLON) return NO_JSON;
      const value = this.#space(next + 1);
      next = this.#value(value);
      if (next === NO_JSON) return NO_JSON;
      if (field !== INVALID) this.#note(field, value, next);
      next = this.#space(next);
      if (bytes[next] === CLOSE_BRACE) return next + 1;
      if (bytes[next] !== COMMA) return NO_JSON;
      next = this.#space(next + 1);
    }
  }

  /** Notes the value of a known field, which lies from `at` up to `end` and is JSON. */
  #note(field: Field, at: number, end: number): void {
    const first = this.#bytes[at]!;
    const isString = first === QUOTE;
    if (this.#seen[field]! < 2) this.#seen[field]! += 1;
    switch (field) {
      case Field.user:
        // A second one makes the line invalid, or is unknown to the request: the first need not be kept.
        this.#nameBytes = isString ? this.#nameOf(at, end) : INVALID;
        return;
      case Field.action:
        this.#action = isString ? this.#choice(ACTIONS, at, end) : INVALID;
        return;
      case Field.amount:
        this.#amount =
          first === MINUS || (first >= ZERO && first <= NINE) ? this.#amountOf(at, end) : INVALID;
        return;
      case Field.wait:
        this.#wait = first === 0x74 ? 1 : first === 0x66 ? 0 : INVALID;
        return;
      case Field.type:
        this.#isTypeString = isString;
        this.#type = isString ? this.#choice(TYPES, at, end) : INVALID;
        return;
      case Field.detail:
        this.#isDetailed = first === 0x74;
        return;
    }
  }

  /** The length in bytes of the name in the string from `at` up to `end`, or INVALID. */
  #nameOf(at: number, end: number): number {
    this.#nameAt = at + 1;
    let bytes = end - at - 2;
    if (this.#hasEscape) {
      this.#nameAt = DECODED_AT;
      bytes = decodeString(this.#bytes, at + 1, end - 1, DECODED_AT, USER_BYTES_MAX);
    }
    return bytes >= 1 && bytes <= USER_BYTES_MAX ? bytes : INVALID;
  }

  /** Which of the choices the string from `at` up to `end` is, or INVALID. */
  #choice(choices: readonly Buffer[], at: number, end: number): number {
    let from = at + 1;
    let to = end - 1;
    if (this.#hasEscape) {
      // Behind the name, so that a name that was decoded stays.
      const decoded = decodeString(this.#bytes, from, to, DECODED_AT + USER_BYTES_MAX, 16);
      from = DECODED_AT + USER_BYTES_MAX;
      to = from + decoded;
    }
    for (let choice = 0; choice < choices.length; choice++) {
      const name = choices[choice]!;
      if (name.length !== to - from) continue;
      let same = 0;
      while (same < name.length && name[same] === this.#bytes[from + same]) same += 1;
      if (same === name.length) return choice;
    }
    return INVALID;
  }

  /** The value of the number from `at` up to `end` if it can be an amount, else INVALID. */
  #amountOf(at: number, end: number): number {
    let value = 0;
    let next = at;
    for (; next < end; next++) {
      const digit = this.#bytes[next]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (next < end || end - at > PLAIN_DIGITS_MAX) value = Number(this.#bytes.toString('latin1', at, end));
    return Number.isSafeInteger(value) && value >= 1 ? value : INVALID;
  }

  /** Skips the value at `at`, however deep; returns where it ends. */
  #value(at: number): number {
    const bytes = this.#bytes;
    let next = at;
    let depth = 0;
    for (;;) {
      const first = bytes[next]!;
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        const close = first + 2; // both closing brackets lie two behind their opening ones
        next = this.#space(next + 1);
        if (bytes[next] === close) {
          next += 1;
        } else {
          this.#open[depth++] = close;
          if (close === CLOSE_BRACKET) continue;
          next = this.#key(next);
          if (next === NO_JSON) return NO_JSON;
          continue;
        }
      } else {
        next = first === QUOTE ? this.#string(next) : this.#literal(next);
        if (next === NO_JSON) return NO_JSON;
      }
      // A value has ended: so may the brackets around it.
      for (;;) {
        if (depth === 0) return next;
        next = this.#space(next);
        if (bytes[next] !== this.#open[depth - 1]) break;
        depth -= 1;
        next += 1;
      }
      if (bytes[next] !== COMMA) return NO_JSON;
      next = this.#space(next + 1);
      if (this.#open[depth - 1] === CLOSE_BRACE) {
        next = this.#key(next);
        if (next === NO_JSON) return NO_JSON;
      }
    }
  }

  /** Skips a key and its colon; returns where its value starts. */
  #key(at: number): number {
    const end = this.#string(at);
    if (end === NO_JSON) return NO_JSON;
    const colon = this.#space(end);
    return this.#bytes[colon] === COLON ? this.#space(colon + 1) : NO_JSON;
  }

  /** Skips the string at `at`. Its escapes are checked, not decoded. */
  #string(at: number): number {
    const bytes = this.#bytes;
    this.#hasEscape = false;
    if (bytes[at] !== QUOTE) return NO_JSON;
    for (let next = at + 1; ; next++) {
      const byte = bytes[next]!;
      if (byte === QUOTE) return next + 1;
      if (byte < 0x20) return NO_JSON;
      if (byte >= 0x80) this.#hasHighByte = true;
      if (byte !== BACKSLASH) continue;
      this.#hasEscape = true;
      next += 1;
      switch (bytes[next]) {
        case QUOTE:
        case BACKSLASH:
        case 0x2f: // /
        case 0x62: // b
        case 0x66: // f
        case 0x6e: // n
        case 0x72: // r
        case 0x74: // t
          continue;
        case 0x75: // u
          for (let digits = 4; digits > 0; digits--) if (!isHex(bytes[++next]!)) return NO_JSON;
          continue;
        default:
          return NO_JSON;
      }
    }
  }

  /** Skips a number, true, false or null. */
  #literal(at: number): number {
    switch (this.#bytes[at]) {
      case 0x74:
        return this.#word(at, 'true');
      case 0x66:
        return this.#word(at, 'false');
      case 0x6e:
        return this.#word(at, 'null');
      default:
        return this.#number(at);
    }
  }

  #word(at: number, word: string): number {
    for (let done = 0; done < word.length; done++)
      if (this.#bytes[at + done] !== word.charCodeAt(done)) return NO_JSON;
    return at + word.length;
  }

  #number(at: number): number {
    const bytes = this.#bytes;
    let next = bytes[at] === MINUS ? at + 1 : at;
    const whole = next;
    next = this.#digits(next);
    if (next === whole || (bytes[whole] === ZERO && next > whole + 1)) return NO_JSON;
    if (bytes[next] === DOT) {
      const fraction = next + 1;
      next = this.#digits(fraction);
      if (next === fraction) return NO_JSON;
    }
    if (bytes[next] === 0x65 || bytes[next] === 0x45) {
      const sign = bytes[next + 1];
      const exponent = sign === MINUS || sign === 0x2b ? next + 2 : next + 1;
      next = this.#digits(exponent);
      if (next === exponent) return NO_JSON;
    }
    return next;
  }

  #digits(at: number): number {
    let next = at;
    while (this.#bytes[next]! >= ZERO && this.#bytes[next]! <= NINE) next += 1;
    return next;
  }

  #space(at: number): number {
    for (let next = at; ; next++) {
      const byte = this.#bytes[next];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return next;
    }
  }
}

function isHex(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
