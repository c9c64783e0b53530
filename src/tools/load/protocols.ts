/**
 * The two protocols that the generator speaks: Tally's lines, and enough of Redis's (RESP) to give it the same work.
 * How requests are written, and which verdict a reply line is.
 */
import type { ProtocolName } from './plan.ts';
import { MORE, NOT_TAKEN, OTHER, verdictNumber } from './verdicts.ts';

/** What an event may have beyond a user and an amount. */
export interface Extra {
  /** Answered when it was applied. */
  wait?: boolean;
  /** The least balance that it may leave. */
  min?: number | undefined;
  /** The last field of the line. */
  id?: string | undefined;
}

/** Each gives a line without its `\n`. */
export interface Encoders {
  /** Negative: a sale. */
  event(user: string, amount: number, extra?: Extra): string;
  transfer(from: string, to: string, amount: number, extra?: Extra): string;
  balance(user: string): string;
  other(kind: 'metrics' | 'health' | 'garbage', random: () => number): string | Uint8Array;
}

export interface ReplyJudge {
  /** A reply that comes in long runs, with its line end. Runs of it are compared at once. */
  readonly usual: { bytes: Buffer; verdict: number } | undefined;
  /** Which verdict the line from `start` up to, and not, `end` is (its line end left out); or OTHER, MORE, NOT_TAKEN. */
  judge(bytes: Buffer, start: number, end: number): number;
  /** The reasons that refusals and errors gave, counted; not those with a verdict of their own. */
  readonly reasons: Map<string, number>;
  /** The balance in a reply to a balance request; undefined if it is none, `next line` if it is there. */
  balanceOf(line: string): number | 'next line' | undefined;
}

export function encodersFor(protocol: ProtocolName): Encoders {
  return protocol === 'redis' ? redisEncoders : tallyEncoders;
}

export function replyJudgeFor(protocol: ProtocolName): ReplyJudge {
  return protocol === 'redis' ? new RedisReplies() : new TallyReplies();
}

/** Every one must be refused with an error, whoever the server is. */
const GARBAGE: (string | Uint8Array)[] = [
  'hello',
  '',
  '{}',
  '[1,2,3]',
  '{"user":"mallory","action":"buy","amount":100',
  '{"user":"mallory","action":"buy","amount":0}',
  '{"user":"mallory","action":"buy","amount":1.5}',
  '{"user":"mallory","action":"steal","amount":100}',
  '{"user":"","action":"buy","amount":100}',
  '{"user":"mallory","action":"buy","amount":100,"amount":200}',
  '{"type":"dance"}',
  Uint8Array.of(0x22, 0xff, 0xfe, 0x22),
];

const tallyEncoders: Encoders = {
  event: (user, amount, extra) =>
    `{"user":${JSON.stringify(user)},"action":"${amount < 0 ? 'sell' : 'buy'}","amount":${Math.abs(amount)}${extraText(extra)}}`,
  transfer: (from, to, amount, extra) =>
    `{"type":"transfer","from":${JSON.stringify(from)},"to":${JSON.stringify(to)},"amount":${amount}${extraText(extra)}}`,
  balance: user => `{"type":"balance","user":${JSON.stringify(user)}}`,
  other: (kind, random) =>
    kind === 'garbage' ? GARBAGE[Math.floor(random() * GARBAGE.length)]! : `{"type":"${kind}"}`,
};

function extraText({ wait = false, min, id }: Extra = {}): string {
  return `${wait ? ',"wait":true' : ''}${min === undefined ? '' : `,"min":${min}`}${id === undefined ? '' : `,"id":"${id}"`}`;
}

/** Refusals by what the protocol says of them: decided and remembered, or without a trace. Others are decided, too. */
const REFUSALS: Record<string, number> = {
  insufficient_balance: verdictNumber.insufficient,
  shutting_down: NOT_TAKEN,
  disk_full: NOT_TAKEN,
  rate_limited: NOT_TAKEN,
  // Of the connection, and so of no line on it.
  too_many_connections: NOT_TAKEN,
};

class TallyReplies implements ReplyJudge {
  readonly usual = { bytes: Buffer.from('{"status":"accepted"}\n'), verdict: verdictNumber.accepted };
  readonly reasons = new Map<string, number>();

  judge(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    // The byte by which the usual ones differ: {"status":"accepted"} {"status":"rejected"…} {"status":"ok"…}
    switch (length > 12 ? bytes[start + 11] : 0) {
      case 0x61: // a
        return length === ACCEPTED.length && matches(bytes, start, ACCEPTED) ? verdictNumber.accepted : OTHER;
      case 0x6f: // o
        return matches(bytes, start, OK) && bytes[end - 1] === 0x7d ? verdictNumber.ok : OTHER;
      case 0x72: // r
        if (length === BUSY.length && matches(bytes, start, BUSY)) return verdictNumber.busy;
        return this.#refusal(bytes, start, end);
      case 0x65: // e
        return this.#error(bytes, start, end);
      default:
        return HEALTH_OR_METRICS.some(pattern => length >= pattern.length && matches(bytes, start, pattern))
          ? verdictNumber.ok
          : OTHER;
    }
  }

  balanceOf(line: string): number | undefined {
    const match = /^\{"status":"ok","balance":(-?\d+)\}$/.exec(line);
    return match ? Number(match[1]) : undefined;
  }

  #refusal(bytes: Buffer, start: number, end: number): number {
    const reason = reasonIn(bytes, start, end, REJECTED);
    if (reason === undefined) return OTHER;
    const verdict = Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason]! : verdictNumber.refused;
    // Has a verdict of its own, as `server_busy` has.
    return verdict === verdictNumber.insufficient ? verdict : countReason(this.reasons, reason, verdict);
  }

  #error(bytes: Buffer, start: number, end: number): number {
    const reason = reasonIn(bytes, start, end, ERROR);
    return reason === undefined ? OTHER : countReason(this.reasons, reason, verdictNumber.error);
  }
}

/** Undefined: the line is no reply of this form. */
function reasonIn(bytes: Buffer, start: number, end: number, head: Uint8Array): string | undefined {
  if (end - start <= head.length + 2 || !matches(bytes, start, head)) return undefined;
  return bytes.toString('latin1', start + head.length, end - 2);
}

const ascii = (text: string) => new TextEncoder().encode(text);
const ACCEPTED = ascii('{"status":"accepted"}');
const OK = ascii('{"status":"ok"');
const BUSY = ascii('{"status":"rejected","reason":"server_busy"}');
const REJECTED = ascii('{"status":"rejected","reason":"');
const ERROR = ascii('{"status":"error","reason":"');
const HEALTH_OR_METRICS = ['{"status":"draining"}', '{"status":"degraded"}', '{"received":'].map(ascii);

function matches(bytes: Buffer, at: number, pattern: Uint8Array): boolean {
  for (let index = 0; index < pattern.length; index++) if (bytes[at + index] !== pattern[index]) return false;
  return true;
}

const REASONS_MAX = 64;

/** A server that makes up ever new reasons must not fill the memory. */
function countReason(reasons: Map<string, number>, reason: string, verdict: number): number {
  const known = reasons.has(reason) || reasons.size < REASONS_MAX ? reason : 'other';
  reasons.set(known, (reasons.get(known) ?? 0) + 1);
  return verdict;
}

/** A command as an array of bulk strings, without the last `\n`. */
const command = (...words: string[]) =>
  `*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}`).join('\r\n')}\r`;

const redisEncoders: Encoders = {
  event: (user, amount) => command('INCRBY', user, String(amount)),
  transfer: () => {
    throw new RangeError("no transfers in Redis's protocol");
  },
  balance: user => command('GET', user),
  other: kind => {
    if (kind !== 'health') throw new RangeError(`no ${kind} lines in Redis's protocol`);
    return command('PING');
  },
};

class RedisReplies implements ReplyJudge {
  readonly usual = undefined;
  readonly reasons = new Map<string, number>();

  judge(bytes: Buffer, start: number, end: number): number {
    switch (bytes[start]) {
      case 0x3a: // :123
      case 0x2b: // +PONG
        return verdictNumber.ok;
      case 0x24: // $3 and a second line, or $-1
        return bytes[start + 1] === 0x2d ? verdictNumber.ok : MORE;
      case 0x2d: // -ERR …
        return countReason(
          this.reasons,
          bytes.toString('latin1', start + 1, end).trim(),
          verdictNumber.error,
        );
      default:
        return OTHER;
    }
  }

  balanceOf(line: string): number | 'next line' | undefined {
    if (line.startsWith('$')) return line.startsWith('$-1') ? 0 : 'next line';
    const match = /^(-?\d+)\r?$/.exec(line);
    return match ? Number(match[1]) : undefined;
  }
}
