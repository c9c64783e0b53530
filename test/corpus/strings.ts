/** Strings: escapes, surrogates, control characters, UTF-8 that is right at the edges, and UTF-8 that is wrong. */
// biome-ignore format: a list
import { all, type Draft, event, eventLine, type Group, health, invalidEvent, invalidJson, unknownType, utf8 } from './entry.ts';

const point = (code: number) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

// biome-ignore format: a table
const ESCAPES: [text: string, name: string, why: string][] = [
  ['\\"', '"', 'a quote'], ['\\\\', '\\', 'a backslash'], ['\\/', '/', 'a slash, which need not be escaped'], ['\\b', '\b', 'backspace'], ['\\f', '\f', 'form feed'], ['\\n', '\n', 'a line end, in the name only'],
  ['\\r', '\r', 'carriage return'], ['\\t', '\t', 'tab'], ['\\u0000', '\0', 'NUL'], ['a\\u0000', 'a\0', 'NUL at the end: another user than a'], ['\\u000a', '\n', 'a line end by its number'], ['\\u001F', '\x1f', 'the last control character'],
  ['\\u0041', 'A', 'a letter by its number'], ['\\u00e9', 'é', 'two bytes, small hex'], ['\\u00E9', 'é', 'two bytes, capital hex'], ['\\u20aC', '€', 'three bytes, mixed hex'], ['\\\\u0041', '\\u0041', 'a backslash and then five letters'],
  ['\\\\\\u0041', '\\A', 'a backslash and then a letter by its number'], ['\\\\\\\\', '\\\\', 'two backslashes'], ['\\\\\\"', '\\"', 'a backslash and a quote'], ['/', '/', 'a slash as it is'], ["'", "'", 'an apostrophe'], ['\x7f', '\x7f', 'DEL is no control character to JSON'],
];

// biome-ignore format: a table
const BAD_ESCAPES: [text: string, why: string][] = [
  ['\\x41', 'no such escape'], ['\\a', 'no such escape'], ['\\v', 'no such escape'], ['\\0', 'no such escape'], ["\\'", 'an apostrophe must not be escaped'], ['\\U0041', 'a capital U'], ['\\u{41}', 'braces'], ['\\u', 'no digits'], ['\\u0', 'one digit'], ['\\u00', 'two digits'],
  ['\\u004', 'three digits'], ['\\u004g', 'no hex digit'], ['\\u 041', 'a space'], ['\\u+041', 'a sign'], ['\\u-041', 'a sign'], ['\\u0x41', 'a prefix'], ['\\ ', 'a space'], ['\\\t', 'a control character'], [`\\${utf8('é')}`, 'beyond ASCII'], ['\\u00\\u0041', 'an escape inside an escape'], ['\\N', 'a capital N'],
  [utf8('\\u004\uff11'), 'a digit, but not ASCII'], ['\\\x00', 'NUL behind the backslash'], ['\\\r', 'carriage return behind the backslash'],
];

// biome-ignore format: a table
const LONE: [text: string, why: string][] = [
  ['\\ud800', 'the first high one'], ['\\udbff', 'the last high one'], ['\\udc00', 'the first low one'], ['\\udfff', 'the last low one'], ['\\uD83D', 'high, capital'], ['\\ude00\\ud83d', 'low before high'], ['\\ud83d\\ud83d', 'high, high'], ['\\ud83d\\ud83d\\ude00', 'high, then a pair'],
  ['\\ud83d\\ude00\\ude00', 'a pair, then low'], ['\\ud83dx', 'high, then a letter'], ['x\\ude00', 'a letter, then low'], ['\\ud83d\\u0041', 'high, then a letter by its number'], ['\\ud83d\\n', 'high, then another escape'], ['\\ud83d\\\\ude00', 'high, then a backslash and letters'], ['\\ud83d \\ude00', 'a space between'],
  ['\\ud800\\ue000', 'high, then just behind the low ones'], ['\\ud83d\\udbff', 'high, then the last high one'], [utf8('\\ud83d€'), 'high, then raw bytes'], ['\\ud7ff\\udc00', 'just before the high ones, then low'],
];

// biome-ignore format: a table
const CODES = [
  0x20, 0x7e, 0x80, 0x9f, 0xa0, 0xe9, 0x7ff, 0x800, 0xfff, 0x1000, 0x2028, 0x2029, 0x3000, 0xd7ff, 0xe000, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff,
  0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10fffe, 0x10ffff,
];

// biome-ignore format: a table
const BAD_BYTES: [bytes: string, why: string][] = [
  ['\x80', 'a continuation alone'], ['\xbf', 'the last continuation alone'], ['a\x80', 'a continuation behind ASCII'], ['\xc3', 'the first of two'], ['\xc3\x28', 'the first of two, then ASCII'], ['\xc3\xc3\xa9', 'the first of two twice'], ['\xe2', 'the first of three'], ['\xe2\x82', 'two of three'], ['\xe2\x28\xa1', 'ASCII in the middle of three'], ['\xe2\x82\x28', 'two of three, then ASCII'],
  ['\xf0', 'the first of four'], ['\xf0\x9f', 'two of four'], ['\xf0\x9f\x98', 'three of four'], ['\xf0\x9f\x98\x28', 'three of four, then ASCII'], ['\xf0\x28\x8c\xbc', 'ASCII behind the first of four'], ['\xc0\x80', 'NUL in two bytes'], ['\xc0\xaf', 'a slash in two bytes'], ['\xc1\xbf', 'DEL in two bytes'], ['\xc0\xa2', 'a quote in two bytes'],
  ['\xe0\x80\x80', 'NUL in three bytes'], ['\xe0\x80\xaf', 'a slash in three bytes'], ['\xe0\x9f\xbf', 'U+07FF in three bytes'], ['\xf0\x80\x80\x80', 'NUL in four bytes'], ['\xf0\x80\x80\xaf', 'a slash in four bytes'], ['\xf0\x8f\xbf\xbf', 'U+FFFF in four bytes'], ['\xf8\x80\x80\x80\xaf', 'a slash in five bytes'], ['\xfc\x80\x80\x80\x80\xaf', 'a slash in six bytes'],
  ['\xed\xa0\x80', 'the first high surrogate'], ['\xed\xaf\xbf', 'the last high surrogate'], ['\xed\xb0\x80', 'the first low surrogate'], ['\xed\xbf\xbf', 'the last low surrogate'], ['\xed\xa0\xbd\xed\xb8\x80', 'a pair of surrogates, three bytes each'], ['\xf4\x90\x80\x80', 'U+110000'], ['\xf7\xbf\xbf\xbf', 'U+1FFFFF'], ['\xf5\x80\x80\x80', 'a first byte that never is'],
  ['\xf8\x88\x80\x80\x80', 'five bytes'], ['\xfc\x84\x80\x80\x80\x80', 'six bytes'], ['\xfe', 'never in UTF-8'], ['\xff', 'never in UTF-8'], ['\xfe\xff', 'the mark of UTF-16'], ['\xe9', 'é in Latin-1'], ['\xa0', 'a no-break space in Latin-1'], ['\x93\x94', 'quotes of Windows'], ['\xe9\xe8', 'two letters in Latin-1'],
];

const where = (bytes: string): [name: string, line: string][] => [
  ['in an unknown value', eventLine('n', '1', `,"x":"${bytes}"`)],
  ['in an unknown key', `{"${bytes}":1,"type":"health"}`],
  ['deep inside', `[[{"a":["${bytes}"]}]]`],
  ['between tokens', `{"type":${bytes}"health"}`],
  ['behind the line', `{"type":"health"}${bytes}`],
  ['before the line', `${bytes}{"type":"health"}`],
];

// biome-ignore format: a table
export const STRINGS: Group[] = [
  {
    group: 'escapes',
    drafts: [
      ...ESCAPES.map(([text, name, why]): Draft => ({ name: `user ${JSON.stringify(text)}`, why, line: eventLine(text), verdict: event(name, 1) })),
      ...all(event('bob', 1), [
        ['escapes in all keys', 'a key is what it spells', '{"\\u0075ser":"bob","actio\\u006e":"buy","\\u0061mount":1}'],
        ['escapes in the action', 'a value is what it spells', '{"user":"bob","action":"b\\u0075y","amount":1}'],
        ['every letter escaped', 'and in capital hex', '{"\\u0075\\u0073\\u0065\\u0072":"\\u0062\\u006F\\u0062","action":"\\u0062\\u0075\\u0079","amount":1}'],
        ['an escape in an unknown key', 'ignored', eventLine('bob', '1', ',"\\u0078\\n":1')],
      ]),
      ...all(health, [['an escaped type', 'key and value', '{"ty\\u0070e":"h\\u0065alth"}']]),
      ...all(unknownType, [['a type with NUL', 'nearly health', '{"type":"health\\u0000"}']]),
      ...all(invalidEvent, [
        ['an action with NUL', 'nearly buy', '{"user":"bob","action":"buy\\u0000","amount":1}'],
        ['a key with NUL', 'nearly user', '{"user\\u0000":"bob","action":"buy","amount":1}'],
        ['a key escaped twice', 'a backslash and letters, so not user', '{"\\\\u0075ser":"bob","action":"buy","amount":1}'],
      ]),
    ],
  },
  {
    group: 'escapes that are no JSON',
    drafts: [
      ...all(
        invalidJson,
        BAD_ESCAPES.map(([text, why]) => [`user ${JSON.stringify(text)}`, why, eventLine(text)]),
      ),
      ...all(invalidJson, [
        ['a bad escape in an unknown field', 'ignored fields must be JSON', eventLine('n', '1', ',"x":"\\q"')],
        ['a bad escape in an unknown key', 'keys too', eventLine('n', '1', ',"\\q":1')],
        ['a backslash that ends the line', 'nothing follows it', '"\\'],
        ['an escape that ends the line', 'a digit is missing', '"\\u004'],
        ['an escaped quote that ends the line', 'the string never ends', '{"user":"\\"}'],
      ]),
    ],
  },
  {
    group: 'surrogates',
    drafts: [
      ...all(event('😀', 1), [
        ['a pair', 'one character', eventLine('\\ud83d\\ude00')],
        ['a pair in capitals', 'the same', eventLine('\\uD83D\\uDE00')],
        ['a pair in mixed case', 'the same', eventLine('\\uD83d\\udE00')],
        ['the character as it is', 'the same user as the pair', eventLine(utf8('😀'))],
      ]),
      {
        name: 'the first pair',
        why: 'U+10000',
        line: eventLine('\\ud800\\udc00'),
        verdict: event('\u{10000}', 1),
      },
      {
        name: 'the last pair',
        why: 'U+10FFFF',
        line: eventLine('\\udbff\\udfff'),
        verdict: event('\u{10ffff}', 1),
      },
      ...all(
        invalidEvent,
        LONE.map(([text, why]) => [`lone: user ${JSON.stringify(text)}`, why, eventLine(text)]),
      ),
      ...all(event('n', 1), [
        ['a lone one in an unknown field', 'JSON, and ignored', eventLine('n', '1', ',"x":"\\ud800"')],
        ['a lone one in an unknown key', 'JSON, and ignored', eventLine('n', '1', ',"\\udc00":1')],
      ]),
      ...all(unknownType, [['a lone one in the type', 'JSON, and no type that is known', '{"type":"\\ud800"}']]),
      ...all(invalidEvent, [
        ['a lone one in the action', 'JSON, and no action', '{"user":"n","action":"\\ud800","amount":1}'],
        ['a lone one alone', 'JSON, and no object', '"\\udfff"'],
        ['a lone one in a balance', 'no user has that name', '{"type":"balance","user":"\\ud800"}'],
      ]),
    ],
  },
  {
    group: 'control characters',
    drafts: [
      // All but the line end, which would make two lines.
      ...Array.from({ length: 32 }, (_, code) => code)
        .filter(code => code !== 0x0a)
        .flatMap(code => all(invalidJson, [[`${point(code)} in a name`, 'control characters must be escaped', eventLine(`a${String.fromCharCode(code)}b`)]])),
      ...all(invalidJson, [
        ['NUL behind the line', 'what ends a string of C', '{"type":"health"}\0'],
        ['NUL before the line', 'no white space', '\0{"type":"health"}'],
        ['NUL alone', 'no JSON', '\0'],
        ['NUL between tokens', 'no white space', '{"type":\0"health"}'],
        ['carriage return in an unknown key', 'white space only outside of strings', eventLine('n', '1', ',"a\rb":1')],
        ['DEL between tokens', 'no white space', '{"type":\x7f"health"}'],
      ]),
    ],
  },
  {
    group: 'UTF-8 at its edges',
    drafts: [
      ...CODES.map((code): Draft => {
        const name = String.fromCodePoint(code);
        return {
          name: `${point(code)} as it is`,
          why: `${Buffer.byteLength(name)} bytes`,
          line: eventLine(utf8(name)),
          verdict: event(name, 1),
        };
      }),
      ...CODES.filter(code => code > 0x7f && code < 0x10000 && code !== 0xe9).map((code): Draft => {
        const hex = code.toString(16).padStart(4, '0');
        return {
          name: `${point(code)} escaped`,
          why: 'the same user as it is',
          line: eventLine(`\\u${hex}`),
          verdict: event(String.fromCodePoint(code), 1),
        };
      }),
      { name: 'e with an accent', why: 'never normalised: not the same user as é', line: eventLine(utf8('e\u0301')), verdict: event('e\u0301', 1) },
    ],
  },
  {
    group: 'bytes that are no UTF-8',
    drafts: [
      ...all(
        invalidJson,
        BAD_BYTES.map(([bytes, why]) => [`user ${Buffer.from(bytes, 'latin1').toString('hex')}`, why, eventLine(bytes)]),
      ),
      ...['\xff', '\xe2\x82', '\xed\xa0\x80'].flatMap(bytes =>
        all(
          invalidJson,
          where(bytes).map(([name, line]) => [`${Buffer.from(bytes, 'latin1').toString('hex')} ${name}`, 'the whole line must be UTF-8', line]),
        ),
      ),
      ...all(invalidJson, [
        ['a name cut in the middle of a character', 'and the line with it', `{"user":"${utf8('😀').slice(0, 2)}`],
        ['UTF-16, little endian', 'every second byte is NUL', Buffer.from('{"type":"health"}', 'utf16le').toString('latin1')],
        ['UTF-16 with its mark', 'no UTF-8', `\xff\xfe${Buffer.from('{"type":"health"}', 'utf16le').toString('latin1')}`],
      ]),
    ],
  },
  {
    group: 'byte order marks',
    drafts: [
      ...all(invalidJson, [
        ['before the line', 'kept, and no white space', utf8('\ufeff{"type":"health"}')],
        ['twice before the line', 'no white space either', utf8('\ufeff\ufeff{"type":"health"}')],
        ['behind the line', 'no white space', utf8('{"type":"health"}\ufeff')],
        ['between tokens', 'no white space', utf8('{"type":\ufeff"health"}')],
        ['alone', 'no JSON', utf8('\ufeff')],
        ['behind a space', 'no white space', utf8(' \ufeff{}')],
        ['cut', 'two of its three bytes', '\xef\xbb{"type":"health"}'],
      ]),
      { name: 'first in a name', why: 'a character like any other, and kept', line: eventLine(utf8('\ufeffbob')), verdict: event('\ufeffbob', 1) },
      { name: 'first in a name, escaped', why: 'the same user', line: eventLine('\\ufeffbob'), verdict: event('\ufeffbob', 1) },
      ...all(invalidEvent, [['first in a key', 'so not user', utf8('{"\ufeffuser":"bob","action":"buy","amount":1}')]]),
    ],
  },
];
