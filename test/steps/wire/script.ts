/** A conversation with a step: what is sent, line by line, and what each line must be answered, by the contract. */
import { ACCEPTED, okLine } from '../../support/asking.ts';

export const OK = '{"status":"ok"}';
export const waitLine = (user: string) => `{"user":"${user}","action":"buy","amount":1,"wait":true}\n`;
export const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;
export const rejected = (reason: string) => `{"status":"rejected","reason":"${reason}"}`;

/** Latin-1: one character a byte. `says` is given the reply of this step to an event that makes the balance so. */
export interface Line {
  sent: string;
  says: (event: (balance: number) => string, step: number) => string;
}

/** What an event without `wait` is answered. */
export const replyOf = (step: number) => (balance: number) =>
  step === 4 || step === 8 ? okLine(balance) : ACCEPTED;

const LINE_BYTES_MAX = 16_384;
const MAX = Number.MAX_SAFE_INTEGER;
const buy = (user: string, amount: number | string, more = '') =>
  `{"user":"${user}","action":"buy","amount":${amount}${more}}`;
const sell = (user: string, amount: number | string, more = '') =>
  buy(user, amount, more).replace('buy', 'sell');
const balance = (user: string) => `{"type":"balance","user":"${user}"}`;
const padded = (line: string, bytes: number) => line + ' '.repeat(bytes - line.length);
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

const says = (reply: string, ...lines: string[]): Line[] => lines.map(sent => ({ sent, says: () => reply }));
const applies = (sent: string, balance: number): Line[] => [{ sent, says: event => event(balance) }];

/** Judged alike by steps 3 to 10, and changing nothing. Of many more lines, wire-judge.test.ts asks each step's judge. */
export const NO_EVENTS: readonly Line[] = [
  ...says(OK, '{"type":"health"}', ' { "type" : "h\\u0065alth" , "user" : 7 } ', '{"type":"health"}\r'),
  ...says(error('invalid_json'), '', '\r', ' ', 'hello', '{"user":"a",}', '{}{}', '\x00', buy('\xff', 1)),
  ...says(error('invalid_json'), buy('\xed\xa0\x80', 1), '\xef\xbb\xbf{}'),
  ...says(error('invalid_event'), '{}', '[1]', 'null', '1', '{"type":7}', '{"type":null}', buy('\\ud800', 1)),
  ...says(error('invalid_event'), buy('', 1), buy('u'.repeat(129), 1), buy(utf8('é').repeat(65), 1)),
  ...says(
    error('invalid_event'),
    buy('a', 0),
    buy('a', -1),
    buy('a', 1.5),
    buy('a', '"1"'),
    buy('a', '1e400'),
  ),
  ...says(
    error('invalid_event'),
    buy('a', '9007199254740992'),
    buy('a', 1, ',"wait":1'),
    '{"user":"a","amount":1}',
  ),
  // A known field that comes twice, even with the same value, and even written in another way.
  ...says(error('invalid_event'), buy('a', 1, ',"us\\u0065r":"a"'), '{"type":"health","type":"health"}'),
  ...says(error('unknown_type'), '{"type":""}', '{"type":"toString"}', buy('a', 1, ',"type":"buy"')),
  ...says(error('line_too_long'), padded('{"type":"health"}', LINE_BYTES_MAX + 1)),
];

/** Steps 4 to 10: lines that are changed into balances. */
export const EVENTS: readonly Line[] = [
  ...applies(buy('alice', 100), 100),
  ...says(okLine(100), balance('alice')),
  ...applies(`${sell('alice', 30)}\r`, 70),
  ...says(okLine(71), buy('alice', 1, ',"wait":true')),
  ...applies(sell('alice', 171, ',"wait":false'), -100),
  ...says(okLine(-100), balance('alice'), balance('\\u0061lice')),
  ...says(okLine(0), balance('nobody'), balance('Alice'), balance('toString'), balance('__proto__')),
  ...says(
    error('invalid_event'),
    balance(''),
    '{"type":"balance"}',
    '{"type":"balance","user":"a","user":"a"}',
  ),
  // The same number in three ways, unknown fields (twice, and nested), white space, the longest name.
  ...applies(buy('n', '1e2'), 100),
  ...applies(buy('n', '100.0'), 200),
  ...applies(buy('n', '0.1E+3', ',"x":1,"x":{"user":"b","user":[{"amount":"}"}]}'), 300),
  ...applies(' \t{ "amount":1 , "action" : "b\\u0075y"\t,"user":"n"} ', 301),
  ...applies(buy(`${utf8('€').repeat(42)}zz`, 1), 1),
  // Byte by byte: the letter with its accent is not the letter and an accent.
  ...applies(buy(utf8('é'), 1), 1),
  ...says(okLine(0), balance(utf8('e\u0301'))),
  ...says(okLine(1), balance('\\u00e9')),
  ...applies(padded(buy('long', 1), LINE_BYTES_MAX), 1),
  ...says(
    error('line_too_long'),
    padded(buy('long', 1), LINE_BYTES_MAX + 1),
    padded(buy('long', 1), 200_000),
  ),
  ...says(okLine(1), balance('long')),
  ...applies(buy('rich', MAX), MAX),
  ...says(rejected('balance_overflow'), buy('rich', 1, ',"wait":true'), buy('rich', MAX, ',"wait":true')),
  ...says(okLine(MAX), balance('rich')),
  ...applies(sell('poor', MAX), -MAX),
  ...says(rejected('balance_overflow'), sell('poor', 1, ',"wait":true')),
  ...says(okLine(-MAX + 1), buy('poor', 1, ',"wait":true')),
  ...applies(sell('alice', 100), -200),
  ...says(okLine(0), buy('alice', 200, ',"wait":true'), balance('alice')),
];

/** The bytes of a conversation, its last line without an end. */
export function bytesOf(lines: readonly Line[]): Buffer {
  return Buffer.from(lines.map(line => line.sent).join('\n'), 'latin1');
}

export function repliesTo(lines: readonly Line[], step: number): string {
  return lines.map(line => `${line.says(replyOf(step), step)}\n`).join('');
}
