/**
 * From step 4 on: lines are found however they are cut into packets, and every event is applied once, in order. All
 * events have `wait`, so the replies contain the balances, even if workers apply the events.
 */
import {
  type Act,
  ask,
  balance,
  type Case,
  error,
  HEALTH,
  OK,
  OVERFLOW,
  ok,
  padded,
  pipeline,
  waiting,
} from './case.ts';

const AMOUNT_MAX = 2 ** 53 - 1;
const LINE_BYTES_MAX = 16_384;
const PIPELINED = 100;
const TOO_LONG = error('line_too_long');

const KEEP_REST =
  'A packet is not a line. Keep what came without a newline, for each connection, and put the next packet behind it.';
const LIMIT = 'A line may have 16,384 bytes before its newline. One more, and it is answered line_too_long.';
const SKIP =
  'Answer line_too_long once, forget what you have of that line, skip until its newline, and go on behind it.';
const EXACT = 'Balances are exact. Compare the sum with 2^53-1 before you store it, on both sides of 0.';

/** Sends the line in one packet for each piece; `cuts` are positions in the line's bytes. */
function inPieces(line: string, cuts: readonly number[]): Act[] {
  const bytes = Buffer.from(`${line}\n`);
  const from = [0, ...cuts];
  return from.map((start, index) => ({ send: bytes.subarray(start, from[index + 1] ?? bytes.length) }));
}

function everyByte(line: string): Act[] {
  return inPieces(
    line,
    Array.from({ length: Buffer.byteLength(line) }, (_, index) => index + 1),
  );
}

export const FRAMING: readonly Case[] = [
  {
    name: 'a line in two packets',
    hint: KEEP_REST,
    acts: user => {
      const line = `${waiting(user, 'buy', 5)}\n`;
      return [{ send: line.slice(0, 20) }, { quietMs: 50 }, { send: line.slice(20) }, { reply: ok(5) }];
    },
  },
  {
    name: 'a line in as many packets as it has bytes',
    hint: KEEP_REST,
    acts: user => [...everyByte(waiting(user, 'buy', 5)), { reply: ok(5) }],
  },
  {
    name: 'a packet that ends in the middle of a character',
    hint: `${KEEP_REST} Keep bytes, not text: decode when the line is whole.`,
    acts: user => [
      ...inPieces(waiting(`é${user}`, 'buy', 5), [10]),
      { reply: ok(5) },
      ...ask(balance(`é${user}`), ok(5)),
    ],
  },
  {
    name: 'three lines in one packet',
    hint: 'Look for more lines behind the first: a packet may hold many.',
    acts: user =>
      pipeline([
        [waiting(user, 'buy', 5), ok(5)],
        [balance(user), ok(5)],
        [waiting(user, 'sell', 2), ok(3)],
      ]),
  },
  {
    name: 'a packet with one line and a half',
    hint: KEEP_REST,
    acts: user => {
      const second = `${waiting(user, 'buy', 2)}\n`;
      return [
        { send: `${waiting(user, 'buy', 1)}\n${second.slice(0, 9)}` },
        { reply: ok(1) },
        { send: second.slice(9) },
        { reply: ok(3) },
      ];
    },
  },
  {
    name: 'two clients, each with half a line at the same time',
    hint: `${KEEP_REST} One rest for everybody mixes clients up.`,
    acts: user => {
      const [line, other] = [waiting(user, 'buy', 1), waiting(`${user}b`, 'buy', 2)].map(
        text => `${text}\n`,
      ) as [string, string];
      return [
        // A whole line comes first: its reply shows that the half line behind it was read, too.
        { on: 0, send: `${HEALTH}\n${line.slice(0, 12)}` },
        { on: 0, reply: OK },
        { on: 1, send: `${HEALTH}\n${other.slice(0, 18)}` },
        { on: 1, reply: OK },
        { on: 0, send: line.slice(12) },
        { on: 0, reply: ok(1) },
        { on: 1, send: other.slice(18) },
        { on: 1, reply: ok(2) },
      ];
    },
  },
  {
    name: 'a last line without a newline, from a client that ends its side',
    hint: 'When the client ends its side, what is left without a newline is a line too.',
    acts: user => [
      { send: `${waiting(user, 'buy', 5)}\n${balance(user)}` },
      { finish: true },
      { reply: ok(5) },
      { reply: ok(5) },
      { ends: true },
    ],
  },
  {
    name: 'every reply comes, though the client has ended its side',
    hint: 'Close when every reply has been written, not when the client has ended its side.',
    acts: user => [
      { send: Array.from({ length: 20 }, () => `${waiting(user, 'buy', 1)}\n`).join('') },
      { finish: true },
      ...Array.from({ length: 20 }, (_, index): Act => ({ reply: ok(index + 1) })),
      { ends: true },
    ],
  },
  {
    name: 'lines that end with \\r\\n',
    hint: 'One \\r before the \\n is dropped, so that telnet works.',
    acts: user => [
      { send: `${waiting(user, 'buy', 5)}\r\n${balance(user)}\r\n${HEALTH}\r\n` },
      { reply: ok(5) },
      { reply: ok(5) },
      { reply: OK },
    ],
  },
  {
    name: 'an empty line gets its reply, in its place',
    hint: 'Every line gets exactly one reply. Who skips empty lines answers the next one in their place.',
    acts: user => [
      { send: `${HEALTH}\n\n\r\n${waiting(user, 'buy', 5)}\n` },
      { reply: OK },
      { reply: error('invalid_json') },
      { reply: error('invalid_json') },
      { reply: ok(5) },
    ],
  },
  {
    name: `${PIPELINED} events in one packet, answered in their order`,
    hint: 'Replies come in the order of their lines, and each event is applied once, after those before it.',
    acts: user => {
      let sum = 0;
      return pipeline(
        Array.from({ length: PIPELINED }, (_, index) => {
          const action = index % 3 === 2 ? 'sell' : 'buy';
          sum += action === 'buy' ? index + 1 : -(index + 1);
          return [waiting(user, action, index + 1), ok(sum)] as const;
        }),
      );
    },
  },
  {
    name: 'errors and answers stay in the order of their lines',
    hint: 'An error is known at once, a balance later: the later line must not be answered first.',
    acts: user =>
      pipeline([
        [waiting(user, 'buy', 5), ok(5)],
        ['garbage', error('invalid_json')],
        [waiting(user, 'buy', 5), ok(10)],
        [waiting(user, 'buy', 0), error('invalid_event')],
        [balance(user), ok(10)],
        ['{"type":"nonsense"}', error('unknown_type')],
        [HEALTH, OK],
        [waiting(user, 'sell', 1), ok(9)],
      ]),
  },
];

export const LIMITS: readonly Case[] = [
  {
    name: `a line of exactly ${LINE_BYTES_MAX} bytes is not too long`,
    hint: LIMIT,
    acts: user => ask(padded(waiting(user, 'buy', 5), LINE_BYTES_MAX), ok(5)),
  },
  {
    name: `a line of ${LINE_BYTES_MAX + 1} bytes is too long, and is not applied`,
    hint: LIMIT,
    acts: user => [
      ...ask(padded(waiting(user, 'buy', 5), LINE_BYTES_MAX + 1), TOO_LONG),
      ...ask(balance(user), ok(0)),
    ],
  },
  {
    name: 'a line that is far too long, in many packets, is answered once',
    hint: SKIP,
    acts: user => [
      ...Array.from({ length: 12 }, (): Act => ({ send: 'x'.repeat(8_000), mayAnswerEarly: true })),
      { send: `\n${waiting(user, 'buy', 5)}\n`, mayAnswerEarly: true },
      { reply: TOO_LONG },
      { reply: ok(5) },
      { quietMs: 50 },
    ],
  },
  {
    name: 'lines behind one that is too long, in the same packet',
    hint: SKIP,
    acts: user => [
      { send: `${HEALTH}\n${'x'.repeat(40_000)}\n${waiting(user, 'buy', 5)}\n` },
      { reply: OK },
      { reply: TOO_LONG },
      { reply: ok(5) },
    ],
  },
];

export const BALANCES: readonly Case[] = [
  {
    name: 'a user that nobody knows has 0',
    hint: 'Asking makes no user, and fails for no user.',
    acts: user => ask(balance(user), ok(0)),
  },
  {
    name: 'a balance is asked for with exactly one user',
    hint: 'The user of a balance request follows the rules of a user in an event.',
    acts: user => [
      ...ask('{"type":"balance"}', error('invalid_event')),
      ...ask('{"type":"balance","user":""}', error('invalid_event')),
      ...ask(`{"type":"balance","user":"${user}","user":"${user}"}`, error('invalid_event')),
      ...ask(`{"amount":-1,"user":"${user}","type":"balance"}`, ok(0)),
    ],
  },
  {
    name: 'sell goes below 0',
    hint: 'A balance may be negative.',
    acts: user => [...ask(waiting(user, 'buy', 5), ok(5)), ...ask(waiting(user, 'sell', 8), ok(-3))],
  },
  {
    name: 'a balance never passes 2^53-1',
    hint: EXACT,
    acts: user => [
      ...ask(waiting(user, 'buy', AMOUNT_MAX), ok(AMOUNT_MAX)),
      ...ask(waiting(user, 'buy', 1), OVERFLOW),
      ...ask(balance(user), ok(AMOUNT_MAX)),
      ...ask(waiting(user, 'sell', 1), ok(AMOUNT_MAX - 1)),
    ],
  },
  {
    name: 'a balance never passes -(2^53-1)',
    hint: EXACT,
    acts: user => [
      ...ask(waiting(user, 'sell', AMOUNT_MAX), ok(-AMOUNT_MAX)),
      ...ask(waiting(user, 'sell', AMOUNT_MAX), OVERFLOW),
      ...ask(balance(user), ok(-AMOUNT_MAX)),
    ],
  },
  {
    name: 'names are compared byte by byte',
    hint: 'é as one code point and as two are two users. Never normalise a name, nor change its case.',
    acts: user => [
      ...ask(waiting(`${user}\u00e9`, 'buy', 1), ok(1)),
      ...ask(waiting(`${user}e\u0301`, 'buy', 20), ok(20)),
      ...ask(waiting(`${user}E`, 'buy', 300), ok(300)),
      ...ask(balance(`${user}\u00e9`), ok(1)),
    ],
  },
  {
    name: 'a name is the same, however it is escaped',
    hint: 'Compare names after their escapes were decoded.',
    acts: user => [
      ...ask(waiting(`${user}a/é`, 'buy', 1), ok(1)),
      ...ask(waiting(`${user}\\u0061\\/\\u00E9`, 'buy', 1), ok(2)),
      ...ask(waiting(`${user}🧮`, 'buy', 5), ok(5)),
      ...ask(balance(`${user}\\ud83e\\uddee`), ok(5)),
    ],
  },
  {
    name: 'names that objects of some languages have by themselves',
    hint: 'A table is a map, not an object with properties of its own.',
    acts: user => [
      ...ask(`{"user":"${user}","action":"buy","amount":1,"wait":true,"__proto__":{"amount":9}}`, ok(1)),
      ...ask(`{"__proto__":{"type":"health"},"constructor":1}`, error('invalid_event')),
    ],
  },
  {
    name: 'what one client buys, another one sees',
    hint: 'Balances belong to the server, not to a connection.',
    acts: user => [
      ...ask(waiting(user, 'buy', 5), ok(5), 0),
      ...ask(balance(user), ok(5), 1),
      ...ask(waiting(user, 'buy', 5), ok(10), 1),
      ...ask(balance(user), ok(10), 0),
    ],
  },
  {
    name: 'what is refused changes nothing',
    hint: 'Judge the whole line before you touch a balance.',
    acts: user => [
      ...ask(waiting(user, 'buy', 5), ok(5)),
      ...ask(waiting(user, 'buy', 0.5), error('invalid_event')),
      ...ask(`{"user":"${user}","action":"buy","amount":1,"wait":"yes"}`, error('invalid_event')),
      ...ask(balance(user), ok(5)),
    ],
  },
];
