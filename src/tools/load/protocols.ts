/**
 * The two protocols that the generator speaks: Tally's lines, and enough of Redis's (RESP) to give it the same work.
 * How requests are written, and which verdict a reply line is.
 */
import type { ProtocolName } from './plan.ts';
import { VERDICTS, type Verdict } from './result.ts';

/** Each gives a line without its `\n`. */
export interface Encoders {
  /** Negative: a sale. */
  event(user: string, amount: number): string;
  /** Answered when it was applied. */
  wait(user: string, amount: number): string;
  balance(user: string): string;
  other(kind: 'metrics' | 'health' | 'garbage', random: () => number): string | Uint8Array;
}

/** The number of a verdict: its place in VERDICTS. */
export const verdictNumber = Object.fromEntries(VERDICTS.map((name, index) => [name, index])) as Record<
  Verdict,
  number
>;
/** Not a reply of this protocol; perhaps an echo of the line. */
export const OTHER = -1;
/** The first line of a reply of two, which is ok. */
export const MORE = -2;

export interface ReplyJudge {
  /** A reply that comes in long runs, with its line end. Runs of it are compared at once. */
  readonly usual: { bytes: Buffer; verdict: number } | undefined;
  /** Which verdict the line from `start` up to, and not, `end` is (its line end left out); or OTHER or MORE. */
  judge(bytes: Buffer, start: number, end: number): number;
  /** The reasons that refusals and errors gave, counted. `server_busy` is not: it has a verdict of its own. */
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
  event: (user, amount) =>
    `{"user":${JSON.stringify(user)},"action":"${amount < 0 ? 'sell' : 'buy'}","amount":${Math.abs(amount)}}`,
  wait: (user, amount) => `${tallyEncoders.event(user, amount).slice(0, -1)},"wait":true}`,
  balance: user => `{"type":"balance","user":${JSON.stringify(user)}}`,
  other: (kind, random) =>
    kind === 'garbage' ? GARBAGE[Math.floor(random() * GARBAGE.length)]! : `{"type":"${kind}"}`,
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
        return this.#withReason(bytes, start, end, REJECTED, verdictNumber.refused);
      case 0x65: // e
        return this.#withReason(bytes, start, end, ERROR, verdictNumber.error);
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

  #withReason(bytes: Buffer, start: number, end: number, head: Uint8Array, verdict: number): number {
    if (end - start <= head.length + 2 || !matches(bytes, start, head)) return OTHER;
    return countReason(this.reasons, bytes.toString('latin1', start + head.length, end - 2), verdict);
  }
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
  wait: (user, amount) => command('INCRBY', user, String(amount)),
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
