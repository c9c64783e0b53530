/**
 * Checks JSON's grammar (RFC 8259) byte by byte, exactly as `JSON.parse` does: one pass, no recursion, no values built.
 *
 * Every function scans from `at`, and returns the end of what it scanned, or `NO_JSON`. While a line is scanned, the
 * byte behind it is a NUL, which ends every loop here, because JSON allows it nowhere.
 */
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

/** The result of a scan of bytes that are not JSON. */
export const NO_JSON = -1;

export class JsonScanner {
  readonly #bytes: Buffer;
  /** The brackets open around the value being skipped, outermost first. */
  readonly #open: Uint8Array;
  /** Of the last string scanned. */
  hasEscape = false;
  /** A string scanned since `begin` has a byte beyond ASCII. */
  hasHighByte = false;

  /** `lineBytesMax`: no line is longer, so nothing is nested deeper. */
  constructor(bytes: Buffer, lineBytesMax: number) {
    this.#bytes = bytes;
    this.#open = new Uint8Array(lineBytesMax);
  }

  /** Must be called before each line. */
  begin(): void {
    this.hasHighByte = false;
  }

  /** Skips the value at `at`, of any depth; returns its end. */
  value(at: number): number {
    const bytes = this.#bytes;
    let next = at;
    let depth = 0;
    for (;;) {
      const first = bytes[next]!;
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        const close = first + 2; // both closing brackets lie two behind their opening ones
        next = this.space(next + 1);
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
        next = first === QUOTE ? this.string(next) : this.#literal(next);
        if (next === NO_JSON) return NO_JSON;
      }
      // A value has ended; the brackets around it may end here too.
      for (;;) {
        if (depth === 0) return next;
        next = this.space(next);
        if (bytes[next] !== this.#open[depth - 1]) break;
        depth -= 1;
        next += 1;
      }
      if (bytes[next] !== COMMA) return NO_JSON;
      next = this.space(next + 1);
      if (this.#open[depth - 1] === CLOSE_BRACE) {
        next = this.#key(next);
        if (next === NO_JSON) return NO_JSON;
      }
    }
  }

  /** Skips a key and its colon; returns the start of its value. */
  #key(at: number): number {
    const end = this.string(at);
    if (end === NO_JSON) return NO_JSON;
    const colon = this.space(end);
    return this.#bytes[colon] === COLON ? this.space(colon + 1) : NO_JSON;
  }

  /** Skips the string at `at`. Its escapes are checked, not decoded. */
  string(at: number): number {
    const bytes = this.#bytes;
    this.hasEscape = false;
    if (bytes[at] !== QUOTE) return NO_JSON;
    for (let next = at + 1; ; next++) {
      const byte = bytes[next]!;
      if (byte === QUOTE) return next + 1;
      if (byte < 0x20) return NO_JSON;
      if (byte >= 0x80) this.hasHighByte = true;
      if (byte !== BACKSLASH) continue;
      this.hasEscape = true;
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

  space(at: number): number {
    for (let next = at; ; next++) {
      const byte = this.#bytes[next];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return next;
    }
  }
}

function isHex(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
