/** Lines of any length. Each makes another part of the work long: of parsing a line, or of finding its end. */

export interface Shape {
  /** A line of about `bytes` bytes, without its end. */
  lineOf(user: string, amount: number, bytes: number): string;
  reply: string;
  /** Its lines are events; the others move no money. */
  isEvent: boolean;
  /** The limit of the server it is sent to, where its lines are to be longer than that. */
  lineBytesMax?: number;
  /** The size of the pieces in which they are sent. */
  pieceBytes?: number;
}

type LineOf = Shape['lineOf'];

const ACCEPTED = '{"status":"accepted"}';
const errorLine = (reason: string) => `{"status":"error","reason":"${reason}"}`;

const event = (lineOf: LineOf): Shape => ({ lineOf, reply: ACCEPTED, isEvent: true });
const wrong = (reason: string, lineOf: LineOf): Shape => ({
  lineOf,
  reply: errorLine(reason),
  isEvent: false,
});

const usual = (user: string, amount: number) => `{"user":"${user}","action":"buy","amount":${amount}}`;
const withText: LineOf = (user, amount, bytes) => filled(opened(user, amount), 'x', '"}', bytes);
/** Up to the value of an unknown field. */
const opened = (user: string, amount: number) => `${usual(user, amount).slice(0, -1)},"n":"`;

export const SHAPES: Record<string, Shape> = {
  'event, spaces behind it': event((user, amount, bytes) => filled(usual(user, amount), ' ', '', bytes)),
  'event, spaces inside': event((user, amount, bytes) =>
    filled('{', ' ', usual(user, amount).slice(1), bytes),
  ),
  'event with a long text': event(withText),
  // As a client that sends little at a time: bytes received earlier must not be scanned again.
  'the same in pieces of 1,000 bytes': { ...event(withText), pieceBytes: 1_000 },
  'event with a text of escapes': event((user, amount, bytes) =>
    filled(opened(user, amount), '\\u0041', '"}', bytes),
  ),
  'event with a text beyond ASCII': event((user, amount, bytes) =>
    filled(opened(user, amount), 'é', '"}', bytes),
  ),
  'event with many fields': event((user, amount, bytes) =>
    filled('{', '"n":0,', usual(user, amount).slice(1), bytes),
  ),
  'event, amount 50.000…': event((user, amount, bytes) =>
    filled(`${usual(user, amount).slice(0, -1)}.`, '0', '}', bytes),
  ),
  'amount of many digits': wrong('invalid_event', (user, _, bytes) =>
    filled(usual(user, 1).slice(0, -1), '7', '}', bytes),
  ),
  'a field again and again, in escapes': wrong('invalid_event', (user, amount, bytes) =>
    filled('{', `"us\\u0065r":"\\u0075${user}",`, usual(user, amount).slice(1), bytes),
  ),
  'a key of escapes': wrong('invalid_event', (_user, _amount, bytes) =>
    filled('{"', '\\u0075', '":0}', bytes),
  ),
  'a name of escapes': wrong('invalid_event', (_user, amount, bytes) =>
    filled(`{"user":"`, '\\u0075', `","action":"get","amount":${amount}}`, bytes),
  ),
  'brackets that close': wrong('invalid_event', (_user, _amount, bytes) =>
    '['.repeat(bytes / 2).concat(']'.repeat(bytes / 2)),
  ),
  'brackets that do not close': wrong('invalid_json', (_user, _amount, bytes) => '['.repeat(bytes)),
  'one byte, repeated': wrong('invalid_json', (_user, _amount, bytes) => 'x'.repeat(bytes)),
  'a text that does not end': wrong('invalid_json', (user, amount, bytes) =>
    filled(opened(user, amount), 'x', '', bytes),
  ),
  'longer than the limit': {
    ...wrong('line_too_long', (_user, _amount, bytes) => 'x'.repeat(bytes)),
    lineBytesMax: 512,
  },
};

/** Head and tail, with fillers between them up to about `bytes` bytes. */
function filled(head: string, filler: string, tail: string, bytes: number): string {
  const room = bytes - Buffer.byteLength(head + tail);
  return head + filler.repeat(Math.max(0, Math.round(room / Buffer.byteLength(filler)))) + tail;
}
