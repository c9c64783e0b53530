/** From step 3 on: valid events, and invalid lines with their reasons. Every line is sent in its own packet. */
import { ACCEPTED, ask, type Case, error, HEALTH, OK, ok } from './case.ts';

const AMOUNT_MAX = 2 ** 53 - 1;
const LINE_BYTES_MAX = 16_384;

/** Ways to write an event. `wait` is text to put behind the last field. */
interface Form {
  name: string;
  hint: string;
  line: (user: string, wait: string) => string;
  amount: number;
}

const FORMS: readonly Form[] = [
  {
    name: 'buy',
    hint: 'user, action and amount make an event.',
    line: (user, wait) => `{"user":"${user}","action":"buy","amount":100${wait}}`,
    amount: 100,
  },
  {
    name: 'sell',
    hint: 'There are two actions, buy and sell.',
    line: (user, wait) => `{"user":"${user}","action":"sell","amount":100${wait}}`,
    amount: -100,
  },
  {
    name: 'fields in another order',
    hint: 'The fields of an object have no order.',
    line: (user, wait) => `{"amount":7,"user":"${user}","action":"buy"${wait}}`,
    amount: 7,
  },
  {
    name: 'spaces and tabs',
    hint: 'White space may stand wherever JSON allows it.',
    line: (user, wait) => ` { "user" :\t"${user}" , "action" : "buy" ,  "amount" : 7${wait} } `,
    amount: 7,
  },
  {
    name: 'escapes in strings and in names of fields',
    hint: 'Let a JSON parser read the line: "\\u0062uy" is "buy".',
    line: (user, wait) => `{"\\u0075ser":"${user}\\u0061\\n","action":"\\u0062uy","amount":7${wait}}`,
    amount: 7,
  },
  {
    name: 'unknown fields, whatever is in them',
    hint: 'Fields that you do not know are ignored, also when they come twice or hold known names.',
    line: (user, wait) =>
      `{"x":[{"user":1}],"x":{"user":"a","user":"b"},"user":"${user}","action":"buy","amount":7${wait}}`,
    amount: 7,
  },
  {
    name: 'an unknown field of 100 lists, one in another, and one with a number of 300 digits',
    hint: 'Fields that you do not know are ignored, whatever is in them.',
    line: (user, wait) =>
      `{"x":${'['.repeat(100)}${']'.repeat(100)},"user":"${user}","action":"buy","amount":7${wait},"y":${'9'.repeat(300)}}`,
    amount: 7,
  },
  {
    name: 'amounts written as 1e2 and 100.0 are whole numbers',
    hint: 'The value counts, not how it is written.',
    line: (user, wait) => `{"user":"${user}","action":"buy","amount":1e2${wait}}`,
    amount: 100,
  },
  {
    name: 'the amount 100.0',
    hint: 'The value counts, not how it is written.',
    line: (user, wait) => `{"user":"${user}","action":"buy","amount":100.0${wait}}`,
    amount: 100,
  },
  {
    name: 'the amount 1000E-1',
    hint: 'The value counts, not how it is written.',
    line: (user, wait) => `{"user":"${user}","action":"buy","amount":1000E-1${wait}}`,
    amount: 100,
  },
  {
    name: 'the greatest amount',
    hint: 'An amount may be up to 2^53-1, that is 9007199254740991.',
    line: (user, wait) => `{"user":"${user}","action":"buy","amount":${AMOUNT_MAX}${wait}}`,
    amount: AMOUNT_MAX,
  },
  {
    name: 'a name of 128 bytes',
    hint: 'A user may have 1 to 128 bytes of UTF-8.',
    line: (user, wait) => `{"user":"${user.padEnd(126, 'x')}é","action":"buy","amount":7${wait}}`,
    amount: 7,
  },
  {
    name: 'a name of 128 bytes, written in escapes',
    hint: 'The bytes of a name count after its escapes were decoded; \\u0000 is one of them.',
    line: (user, wait) =>
      `{"user":"${user}${'\\u0000'.repeat(128 - user.length)}","action":"buy","amount":7${wait}}`,
    amount: 7,
  },
];

/** The forms, answered when they are accepted. */
export const ACCEPTING: readonly Case[] = [
  ...FORMS.map(({ name, hint, line }) => ({
    name: `accepted: ${name}`,
    hint: `${hint} What is an event is answered ${ACCEPTED}.`,
    acts: (user: string) => ask(line(user, ''), ACCEPTED),
  })),
  {
    name: 'accepted: "wait" may be false',
    hint: 'wait is a field of events; false is the same as if it were not there.',
    acts: user => ask(`{"user":"${user}","action":"buy","amount":7,"wait":false}`, ACCEPTED),
  },
];

/** The same forms, answered after they were applied. */
export const APPLYING: readonly Case[] = FORMS.map(({ name, hint, line, amount }) => ({
  name: `applied: ${name}`,
  hint: `${hint} An event with "wait":true is answered with the balance that it makes.`,
  acts: (user: string) => ask(line(user, ',"wait":true'), ok(amount)),
}));

/** Lines that must be refused, for one reason. `U` stands for a user's name. */
interface Refusal {
  name: string;
  hint: string;
  reason: string;
  lines: readonly (string | Uint8Array)[];
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const withUser = (user: string) => `{"user":${user},"action":"buy","amount":1}`;
const withAmount = (amount: string) => `{"user":"U","action":"buy","amount":${amount}}`;

const REFUSALS: readonly Refusal[] = [
  {
    name: 'what is not JSON',
    hint: 'Catch what the parser throws, and answer. A client must not be able to end the server.',
    reason: 'invalid_json',
    lines: ['hello', '{', '{"user":"U"', '{"type":"health"} x', "{'user':'U'}", '{"amount":01}'],
  },
  {
    name: 'numbers, escapes and words that JSON does not have',
    hint: 'Be as strict as JSON is: +1, .5, 5., 0x10, "\\x41" and True are no JSON.',
    reason: 'invalid_json',
    lines: [
      ...['+1', '.5', '5.', '0x10', '1_000', '-', '1e', 'True', 'nul'].map(value => `{"amount":${value}}`),
      ...['\\x41', '\\u12', "\\'"].map(text => `{"user":"${text}"}`),
    ],
  },
  {
    name: 'two values in a line',
    hint: 'A line holds one value, and nothing but white space behind it. Some parsers stop at its end, and never look.',
    reason: 'invalid_json',
    lines: ['{"type":"health"}{"type":"health"}', '{"type":"health"},', '{} {}', '1 2'],
  },
  {
    name: 'white space that JSON does not have',
    hint: 'JSON has four: space, tab, \\r and \\n. Who trims a line takes others away, too.',
    reason: 'invalid_json',
    lines: ['\v', '\f', '\u00a0', '\u2028'].map(space => `${space}{"type":"health"}`),
  },
  {
    name: 'an empty line',
    hint: 'An empty line is a line, and gets its reply.',
    reason: 'invalid_json',
    lines: ['', '   '],
  },
  {
    name: 'a trailing comma, a comment, a control character in a string',
    hint: 'Be as strict as JSON is; a parser that forgives makes two truths.',
    reason: 'invalid_json',
    lines: ['{"user":"U","action":"buy","amount":1,}', '{"type":"health"/**/}', '{"user":"\u0001"}'],
  },
  {
    name: 'bytes that are not UTF-8',
    hint: 'Decode strictly. A decoder that puts U+FFFD for what it cannot read makes one user of two.',
    reason: 'invalid_json',
    lines: [
      bytes('{"user":"U\xff","action":"buy","amount":1}'),
      bytes('{"user":"U\xc0\xaf","action":"buy","amount":1}'),
      bytes('{"user":"U\xed\xa0\x80","action":"buy","amount":1}'),
      bytes('{"user":"U\xe2\x82","action":"buy","amount":1}'),
    ],
  },
  {
    name: 'a byte order mark',
    hint: 'A byte order mark is no white space of JSON. Many decoders drop it silently: tell yours not to.',
    reason: 'invalid_json',
    lines: [bytes('\xef\xbb\xbf{"user":"U","action":"buy","amount":1}')],
  },
  {
    name: 'JSON that is not an object',
    hint: 'null, a list, a number are JSON: the answer is invalid_event, and nothing must throw.',
    reason: 'invalid_event',
    lines: ['[]', 'null', '"buy"', '5', 'true', '[{"user":"U","action":"buy","amount":1}]'],
  },
  {
    name: 'a field that is missing',
    hint: 'An event needs user, action and amount.',
    reason: 'invalid_event',
    lines: ['{}', '{"action":"buy","amount":1}', '{"user":"U","amount":1}', '{"user":"U","action":"buy"}'],
  },
  {
    name: 'an amount that is not a whole number from 1 to 2^53-1',
    hint: 'amount is a JSON number, whole, from 1 to 9007199254740991. A string is not a number.',
    reason: 'invalid_event',
    lines: ['0', '-1', '0.5', '"100"', '9007199254740992', '-0', '1e-1', 'null', 'true', '[1]'].map(
      withAmount,
    ),
  },
  {
    name: 'a user that is not a name of 1 to 128 bytes',
    hint: 'Count bytes of UTF-8, not characters; a name is a string, and never empty.',
    reason: 'invalid_event',
    lines: [
      '""',
      '5',
      'null',
      '["U"]',
      `"${'x'.repeat(129)}"`,
      `"${'é'.repeat(65)}"`,
      `"${'🧮'.repeat(33)}"`,
    ].map(withUser),
  },
  {
    name: 'an action that is neither buy nor sell',
    hint: 'There are two actions, and their letters are small.',
    reason: 'invalid_event',
    lines: ['"give"', '"BUY"', '""', '5', 'null'].map(action => `{"user":"U","action":${action},"amount":1}`),
  },
  {
    name: 'a wait that is neither true nor false',
    hint: 'wait is a boolean: "yes", 1 and null are not.',
    reason: 'invalid_event',
    lines: ['"yes"', '1', 'null'].map(wait => `{"user":"U","action":"buy","amount":1,"wait":${wait}}`),
  },
  {
    name: 'a known field that comes twice',
    hint: 'Parsers take the last one and say nothing. Find out that there were two.',
    reason: 'invalid_event',
    lines: [
      '{"user":"U","user":"U","action":"buy","amount":1}',
      '{"user":"U","action":"sell","action":"buy","amount":1}',
      '{"amount":2,"user":"U","action":"buy","amount":1}',
      '{"user":"U","\\u0075ser":"U","action":"buy","amount":1}',
      '{"user":"U","action":"buy","amount":1,"wait":false,"wait":false}',
      '{"type":"health","type":"health"}',
      '{"type":"health","\\u0074ype":"health"}',
    ],
  },
  {
    name: 'a type that is not a string',
    hint: 'A type that is not a string makes no request: invalid_event. unknown_type is for strings.',
    reason: 'invalid_event',
    lines: ['{"type":5}', '{"type":null,"user":"U","action":"buy","amount":1}', '{"type":["health"]}'],
  },
  {
    name: 'a type that nobody knows',
    hint: 'Types are compared exactly, and where one is given it decides.',
    reason: 'unknown_type',
    lines: ['{"type":"nonsense"}', '{"type":"Health"}', '{"type":"","user":"U","action":"buy","amount":1}'],
  },
  {
    name: `a line of ${LINE_BYTES_MAX + 1} bytes`,
    hint: 'A line has a limit, 16,384 bytes, or one client takes all your memory. The connection goes on.',
    reason: 'line_too_long',
    lines: ['x'.repeat(LINE_BYTES_MAX + 1)],
  },
];

export const JUDGING: readonly Case[] = [
  {
    name: 'health',
    hint: 'health answers at once, and looks at no other field.',
    acts: () => [...ask(HEALTH, OK), ...ask('{ "user":5, "type" : "health" }', OK), { quietMs: 50 }],
  },
  ...REFUSALS.map(({ name, hint, reason, lines }) => ({
    name: `${reason}: ${name}`,
    hint,
    // The last line shows that the connection is still usable.
    acts: () => [...lines.flatMap(line => ask(line, error(reason))), ...ask(HEALTH, OK)],
  })),
  {
    name: 'where a type is given, it decides: fields of events beside it are unknown fields',
    hint: 'Look at the type first. Only what belongs to it is known there, and may not come twice.',
    acts: () => [
      ...ask('{"type":"health","user":"a","user":"b"}', OK),
      ...ask('{"user":"U","action":"buy","amount":1,"type":"health"}', OK),
      ...ask('{"\\u0074ype":"health","amount":-1,"wait":5}', OK),
      ...ask('{"type":"nonsense","amount":1,"amount":2}', error('unknown_type')),
    ],
  },
  {
    name: 'a client that has ended its side gets its reply, and then the end of the connection',
    hint: 'A client may shut down its sending side and still read: answer, then close. Some libraries close at once.',
    acts: () => [{ send: `${HEALTH}\n` }, { finish: true }, { reply: OK }, { ends: true }],
  },
];
