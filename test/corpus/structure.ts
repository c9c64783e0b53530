/** What lies around the values: white space, brackets, nesting, line ends, and how long a line and a name may be. */
import {
  all,
  event,
  eventLine,
  type Group,
  health,
  invalidEvent,
  invalidJson,
  tooLong,
  utf8,
} from './entry.ts';

const LINE_BYTES_MAX = 16_384;
const USER_BYTES_MAX = 128;
const HALF = LINE_BYTES_MAX / 2;

const EVENT = eventLine('n');
/** The event with so much white space before its last brace that the line has this length. */
const padded = (bytes: number, more = ''): (string | [string, number])[] => [
  EVENT.slice(0, -1),
  [' ', bytes - EVENT.length - more.length],
  `}${more}`,
];

// biome-ignore format: a table
const BROKEN: [line: string, why: string][] = [
  ['{', 'never closed'], ['}', 'never opened'], ['[', 'never closed'], [']', 'never opened'], ['{]', 'closed by another'], ['[}', 'closed by another'], ['{"a":[}]', 'crossed'], ['[{]}', 'crossed'], ['{}{}', 'two values'], ['{} {}', 'two values'], ['{}[]', 'two values'], ['[][]', 'two values'], ['{}}', 'closed twice'], ['[]]', 'closed twice'], ['1 2', 'two values'],
  ['{"a":1,}', 'a comma before the end'], ['{,"a":1}', 'a comma first'], ['{,}', 'only a comma'], ['{"a":1,,"b":2}', 'two commas'], ['{"a":1 "b":2}', 'no comma'], ['{"a":1;"b":2}', 'a semicolon'], ['[1,]', 'a comma before the end'], ['[,1]', 'a comma first'], ['[,]', 'only a comma'], ['[1,,2]', 'two commas'], ['[1 2]', 'no comma'], [',', 'only a comma'], [':', 'only a colon'],
  ['{"a"}', 'a key and nothing'], ['{"a":}', 'no value'], ['{:1}', 'no key'], ['{"a" 1}', 'no colon'], ['{"a"::1}', 'two colons'], ['{"a":1:2}', 'two values'], ['{a:1}', 'a key without quotes'], ["{'a':1}", 'apostrophes'], ['{1:1}', 'a number as key'], ['{null:1}', 'null as key'], ['{"a":b}', 'a word'], ['{"a":"b}', 'a string that never ends'], ['{"a:1}', 'a key that never ends'], ['"', 'a quote'], ['"a', 'a string that never ends'],
  ['tru', 'cut'], ['truE', 'a capital'], ['True', 'a capital'], ['TRUE', 'capitals'], ['nul', 'cut'], ['nulll', 'too long'], ['fals', 'cut'], ['falsey', 'too long'], ['truefalse', 'two words'], ['undefined', 'no JSON'], ['None', 'Python'], ['hello', 'a word'], ['t', 'one letter'],
  ['/**/{}', 'a comment before'], ['{}//', 'a comment behind'], ['{/**/}', 'a comment inside'], ['# {}', 'a comment'], ['({})', 'parentheses'], ['{};', 'a semicolon'], ['<a/>', 'XML'], ['a=1', 'a form'], ['`a`', 'back quotes'], [')]}\'', 'a guard'], ['GET / HTTP/1.1', 'HTTP'],
];

// biome-ignore format: a table
const NO_OBJECTS = ['null', 'true', 'false', '0', '1', '-0', '1e5', '""', '"{}"', '"user"', '[]', '[[]]', '[{}]', '[null]', '[1,2]', ' 1 ', '"\\u0000"', '{}', ' { } '];

const SPACES: [name: string, space: string][] = [
  ['space', ' '],
  ['tab', '\t'],
  ['carriage return', '\r'],
];
// biome-ignore format: a table
const NO_SPACES: [name: string, space: string][] = [
  ['vertical tab', '\v'], ['form feed', '\f'], ['no-break space', utf8('\u00a0')], ['no-break space in Latin-1', '\xa0'], ['U+2028', utf8('\u2028')], ['U+3000', utf8('\u3000')], ['U+0085', utf8('\u0085')], ['U+200B', utf8('\u200b')], ['U+180E', utf8('\u180e')], ['backspace', '\b'],
];
const everywhere = (space: string) =>
  ['', '{', '"user"', ':', '"n"', ',', '"action"', ':', '"buy"', ',', '"amount"', ':', '1', '}', ''].join(
    space,
  );

// biome-ignore format: a table
export const STRUCTURE: Group[] = [
  {
    group: 'white space',
    drafts: [
      ...all(
        event('n', 1),
        SPACES.map(([name, space]) => [`${name} everywhere`, 'between all tokens, before and behind', everywhere(space)]),
      ),
      ...all(event('n', 1), [
        ['all kinds', 'in runs', everywhere(' \t\r \t')],
        ['1,000 spaces', 'before the line', [[' ', 1000], EVENT]],
        ['two carriage returns behind', 'one belongs to the line end, the other is white space', `${EVENT}\r\r`],
        ['a carriage return before', 'white space', `\r${EVENT}`],
        ['a space and a carriage return behind', 'white space and the line end', `${EVENT} \r`],
      ]),
      ...all(invalidJson, [
        ['an empty line', 'a line, and no JSON', ''],
        ['a space', 'no JSON', ' '],
        ['a carriage return', 'an empty line of telnet', '\r'],
        ['two carriage returns', 'white space and nothing else', '\r\r'],
        ['all kinds of white space', 'and nothing else', ' \t\r \t'],
        ['a space in a word', 'two words', '{"wait":tr ue}'],
        ['a space in an escape', 'between the backslash and its letter', '"\\ n"'],
      ]),
      ...NO_SPACES.flatMap(([name, space]) =>
        all(invalidJson, [
          [`${name} before the line`, 'no white space of JSON', `${space}{"type":"health"}`],
          [`${name} behind the line`, 'no white space of JSON', `{"type":"health"}${space}`],
          [`${name} inside`, 'no white space of JSON', `{"type":${space}"health"}`],
        ]),
      ),
    ],
  },
  {
    group: 'carriage returns',
    drafts: [
      ...all(health, [['behind a request', 'as telnet ends a line', '{"type":"health"}\r']]),
      ...all(event('n', 1), [['behind an event', 'as telnet ends a line', `${EVENT}\r`]]),
      ...all(event('n', 1, true), [['behind an event that waits', 'as telnet ends a line', `${eventLine('n', '1', ',"wait":true')}\r`]]),
      ...all(invalidJson, [
        ['before the last quote', 'a control character', eventLine('a\r')],
        ['in a number', 'parts it', '{"user":"n","action":"buy","amount":1\r0}'],
        ['in a word', 'parts it', '{"wait":t\rrue}'],
        ['behind a string that never ends', 'dropped, and still no JSON', '{"user":"n\r'],
      ]),
    ],
  },
  {
    group: 'what is no JSON',
    drafts: all(
      invalidJson,
      BROKEN.map(([line, why]) => [line, why, line]),
    ),
  },
  {
    group: 'JSON that is no object of use',
    drafts: all(
      invalidEvent,
      NO_OBJECTS.map(line => [line, 'JSON, and no event and no request', line]),
    ),
  },
  {
    group: 'nesting',
    drafts: [
      ...all(invalidEvent, [
        ['100 arrays', 'JSON', [['[', 100], [']', 100]]],
        ['5,000 arrays', 'deeper than a parser that calls itself may go', [['[', 5000], [']', 5000]]],
        [`${HALF} arrays`, 'a line full of brackets', [['[', HALF], [']', HALF]]],
        ['2,000 objects', 'a key at each', [['{"a":', 2000], '1', ['}', 2000]]],
        ['arrays and objects in turn', '1,000 of each', [['[{"a":', 1000], '1', ['}]', 1000]]],
        ['known keys 500 deep', 'none at the top counts', [['{"user":', 500], '"n"', ['}', 500]]],
      ]),
      ...all(event('n', 1), [
        ['5,000 arrays in an unknown field', 'ignored', ['{"x":', ['[', 5000], [']', 5000], ',"user":"n","action":"buy","amount":1}']],
        ['1,500 objects in an unknown field', 'ignored', ['{"user":"n","x":', ['{"user":', 1500], '1', ['}', 1500], ',"action":"buy","amount":1}']],
        ['an event in an event', 'only the outer one counts', eventLine('n', '1', `,"x":${eventLine('m', '2')}`)],
        ['brackets in strings', 'they open nothing', eventLine('n', '1', ',"x":"[{[{","y":["]}","\\"]"]')],
      ]),
      ...all(invalidJson, [
        [`${LINE_BYTES_MAX} open brackets`, 'none is closed', [['[', LINE_BYTES_MAX]]],
        ['5,000 arrays, one not closed', 'one bracket is missing', [['[', 5000], [']', 4999]]],
        ['5,000 arrays, one closed twice', 'one bracket too many', [['[', 5000], [']', 5001]]],
        ['5,000 arrays, closed by braces', 'the wrong ones', [['[', 5000], ['}', 5000]]],
        ['a brace among 5,000 brackets', 'the wrong one, deep inside', [['[', 5000], '}', [']', 4999]]],
        ['2,000 objects without a value', 'the innermost has none', [['{"a":', 2000], ['}', 2000]]],
      ]),
    ],
  },
  {
    group: 'how long a line may be',
    drafts: [
      ...all(event('n', 1), [
        ['one byte less than the limit', 'an event', padded(LINE_BYTES_MAX - 1)],
        ['the limit', 'an event', padded(LINE_BYTES_MAX)],
        ['the limit, with a carriage return', 'which counts', padded(LINE_BYTES_MAX, '\r')],
        ['the limit, with a long unknown field', 'ignored', ['{"x":"', ['x', LINE_BYTES_MAX - 45], '","user":"n","action":"buy","amount":1}']],
      ]),
      ...all(invalidJson, [
        ['the limit, of letters', 'not too long, and no JSON', [['x', LINE_BYTES_MAX]]],
        ['the limit, of spaces', 'not too long, and no JSON', [[' ', LINE_BYTES_MAX]]],
        ['the limit, of bytes that are no UTF-8', 'not too long, and no JSON', [['\xff', LINE_BYTES_MAX]]],
      ]),
      ...all(tooLong, [
        ['one byte more than the limit', 'though it is an event', padded(LINE_BYTES_MAX + 1)],
        ['one byte more, a carriage return', 'which counts', padded(LINE_BYTES_MAX + 1, '\r')],
        ['one byte more, of letters', 'no JSON either', [['x', LINE_BYTES_MAX + 1]]],
        ['one byte more, of bytes that are no UTF-8', 'no JSON either', [['\xff', LINE_BYTES_MAX + 1]]],
        ['one byte more, of quotes', 'no JSON either', [['"', LINE_BYTES_MAX + 1]]],
        ['twice the limit', 'one reply, for all of it', padded(2 * LINE_BYTES_MAX)],
        ['ten times the limit', 'one reply, for all of it', padded(10 * LINE_BYTES_MAX)],
      ]),
    ],
  },
  {
    group: 'how long a name may be',
    drafts: [
      ...[1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 127, USER_BYTES_MAX].flatMap(bytes =>
        all(event('a'.repeat(bytes), 1), [[`${bytes} of ASCII`, 'fits', eventLine('a'.repeat(bytes))]]),
      ),
      ...all(event('é'.repeat(64), 1), [
        ['64 of two bytes', '128 bytes', eventLine(utf8('é'.repeat(64)))],
        ['64 of two bytes, escaped', 'the bytes of the name count, not those of the line', eventLine('\\u00e9'.repeat(64))],
      ]),
      ...all(event('😀'.repeat(32), 1), [
        ['32 of four bytes', '128 bytes', eventLine(utf8('😀'.repeat(32)))],
        ['32 of four bytes, escaped', '384 bytes of the line', eventLine('\\ud83d\\ude00'.repeat(32))],
      ]),
      ...all(event(`${'€'.repeat(42)}aa`, 1), [['42 of three bytes and two of one', '128 bytes', eventLine(utf8(`${'€'.repeat(42)}aa`))]]),
      ...all(event('a'.repeat(USER_BYTES_MAX), 1), [['128 of ASCII, escaped', '768 bytes of the line', eventLine('\\u0061'.repeat(USER_BYTES_MAX))]]),
      ...all(event('\0'.repeat(USER_BYTES_MAX), 1), [['128 of NUL', '128 bytes', eventLine('\\u0000'.repeat(USER_BYTES_MAX))]]),
      ...all(invalidEvent, [
        ['129 of ASCII', 'too long', eventLine('a'.repeat(129))],
        ['129 of ASCII, escaped', 'too long', eventLine('\\u0061'.repeat(129))],
        ['64 of two bytes and one', '129 bytes in 65 characters', eventLine(utf8(`${'é'.repeat(64)}a`))],
        ['65 of two bytes', '130 bytes', eventLine('\\u00e9'.repeat(65))],
        ['43 of three bytes', '129 bytes', eventLine(utf8('€'.repeat(43)))],
        ['125 of one and one of four', '129 bytes, the last character crosses the limit', eventLine(utf8(`${'a'.repeat(125)}😀`))],
        ['125 of one and a pair', '129 bytes, the last escape crosses the limit', eventLine(`${'a'.repeat(125)}\\ud83d\\ude00`)],
        ['10,000 of ASCII', 'much too long', ['{"user":"', ['a', 10_000], '","action":"buy","amount":1}']],
        ['129 of ASCII in a balance', 'too long to be anybody', `{"type":"balance","user":"${'a'.repeat(129)}"}`],
      ]),
    ],
  },
];
