/**
 * What an entry of the corpus is, and how the groups write theirs down: by hand, with the verdict that the contract
 * asks for. Lines are strings with one character a byte, so that no byte is out of reach.
 */

/** A line: one part, or parts that are repeated, `['[', 5000]`. */
export type Line = string | (string | [part: string, times: number])[];

/** What a line is. Where it is no event and no request, the reason that the reply gives. */
export interface Verdict {
  verdict:
    | 'event'
    | 'balance'
    | 'metrics'
    | 'health'
    | 'invalid_json'
    | 'invalid_event'
    | 'unknown_type'
    | 'line_too_long';
  /** Of an event, and of a request for a balance: the bytes of the name. */
  userHex?: string;
  /** Of an event: what it adds to the balance, so less than 0 if it sells. */
  amount?: number;
  wait?: boolean;
  /** Of a request for metrics: more than the three counts are asked for. */
  detail?: boolean;
}

export interface Draft {
  name: string;
  why: string;
  line: Line;
  verdict: Verdict;
}

export interface Group {
  group: string;
  drafts: Draft[];
}

/** The bytes of a text's UTF-8, one character a byte. */
export const utf8 = (text: string) => Buffer.from(text).toString('latin1');

export const invalidJson: Verdict = { verdict: 'invalid_json' };
export const invalidEvent: Verdict = { verdict: 'invalid_event' };
export const unknownType: Verdict = { verdict: 'unknown_type' };
export const tooLong: Verdict = { verdict: 'line_too_long' };
export const health: Verdict = { verdict: 'health' };
export const metrics = (detail = false): Verdict => ({ verdict: 'metrics', detail });
export const balance = (user: string): Verdict => ({ verdict: 'balance', userHex: hexOf(user) });

export function event(user: string, amount: number, wait = false): Verdict {
  return { verdict: 'event', userHex: hexOf(user), amount, wait };
}

/** An event's line from the text of its parts, each as it stands in the line. */
export function eventLine(user: string, amount = '1', more = ''): string {
  return `{"user":"${user}","action":"buy","amount":${amount}${more}}`;
}

/** Drafts that have their verdict in common: each a name, why it is hard, and the line. */
export function all(verdict: Verdict, rows: [name: string, why: string, line: Line][]): Draft[] {
  return rows.map(([name, why, line]) => ({ name, why, line, verdict }));
}

export function bytesOf(line: Line): Buffer {
  const parts = typeof line === 'string' ? [line] : line;
  const text = parts.map(part => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('');
  return Buffer.from(text, 'latin1');
}

function hexOf(user: string): string {
  return Buffer.from(user).toString('hex');
}
