/**
 * Decodes the escapes of a JSON string, byte by byte, into UTF-8.
 */
const BACKSLASH = 0x5c;

/** The result of `decodeString` for a string that is too long, or has a lone surrogate, which UTF-8 can't express. */
export const UNDECODABLE = -1;

/**
 * Decodes the contents of a JSON string, known to be well formed, from `from` up to `to`, into the same buffer at
 * `target`. Returns the number of bytes, at most `bytesMax`, or `UNDECODABLE`.
 */
export function decodeString(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: number,
  bytesMax: number,
): number {
  let out = target;
  const outMax = target + bytesMax;
  for (let next = from; next < to; ) {
    const byte = bytes[next]!;
    if (byte !== BACKSLASH) {
      if (out === outMax) return UNDECODABLE;
      bytes[out++] = byte;
      next += 1;
      continue;
    }
    let point = simpleEscape(bytes[next + 1]!);
    next += 2;
    if (point === UNICODE) {
      point = hexAt(bytes, next);
      next += 4;
      if (point >= 0xdc00 && point <= 0xdfff) return UNDECODABLE;
      if (point >= 0xd800 && point <= 0xdbff) {
        const low =
          bytes[next] === BACKSLASH && bytes[next + 1] === 0x75 && next + 6 <= to
            ? hexAt(bytes, next + 2)
            : 0;
        if (low < 0xdc00 || low > 0xdfff) return UNDECODABLE;
        next += 6;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      }
    }
    if (out + utf8Bytes(point) > outMax) return UNDECODABLE;
    out = writeUtf8(bytes, out, point);
  }
  return out - target;
}

/** Stands for \u, which is followed by a code point. */
const UNICODE = -1;

function simpleEscape(byte: number): number {
  switch (byte) {
    case 0x62:
      return 0x08; // \b
    case 0x66:
      return 0x0c; // \f
    case 0x6e:
      return 0x0a; // \n
    case 0x72:
      return 0x0d; // \r
    case 0x74:
      return 0x09; // \t
    case 0x75:
      return UNICODE;
    default:
      return byte; // \" \\ \/
  }
}

function hexAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let digit = 0; digit < 4; digit++) {
    const byte = bytes[at + digit]!;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

function utf8Bytes(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

function writeUtf8(bytes: Uint8Array, at: number, point: number): number {
  const length = utf8Bytes(point);
  if (length === 1) {
    bytes[at] = point;
    return at + 1;
  }
  for (let rest = length - 1, left = point; rest > 0; rest--, left >>= 6)
    bytes[at + rest] = 0x80 | (left & 0x3f);
  bytes[at] = ((0xf00 >> length) & 0xff) | (point >> (6 * (length - 1)));
  return at + length;
}
