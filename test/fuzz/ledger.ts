/**
 * The replies to a batch of lines by the words of the contract: the oracle says what each line is, and a plain Map
 * holds the balances. Nothing of the server is in it.
 */
import { Kind } from '../../src/protocol/request.ts';
import { oracle, type Verdict } from '../support/oracle.ts';

const BALANCE_MAX = 2n ** 53n - 1n;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;

/** What must come of a batch. */
export interface Expected {
  /** `processed` and `dropped` depend on how far the workers are: `withoutProgress` puts letters in their place. */
  replies: string;
  hasMetrics: boolean;
  /** Lines that are no events and no requests. */
  invalid: number;
  received: number;
  /** Events that were refused, or had been decided before. */
  dropped: number;
  /** By name, one character a byte. */
  balances: Map<string, bigint>;
  /** By name and id: what it was used for, and the reply. */
  ids: Map<string, { use: string; reply: string }>;
}

/** The lines of a batch without their `\n`; the last may have had none. */
export function linesOf(bytes: Buffer): { line: Buffer; hasEnd: boolean }[] {
  const lines: { line: Buffer; hasEnd: boolean }[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, from);
    const to = end === -1 ? bytes.length : end;
    lines.push({ line: bytes.subarray(from, to), hasEnd: end !== -1 });
    from = to + 1;
  }
  return lines;
}

/** What a server that knows no user yet must answer, and note. */
export function expectedOf(bytes: Buffer, lineBytesMax: number): Expected {
  const found: Expected = {
    replies: '',
    hasMetrics: false,
    invalid: 0,
    received: 0,
    dropped: 0,
    balances: new Map(),
    ids: new Map(),
  };
  for (const { line, hasEnd } of linesOf(bytes)) {
    found.replies += `${line.length > lineBytesMax ? refused(found, 'line_too_long') : replyTo(line, hasEnd, found)}\n`;
  }
  return found;
}

function replyTo(line: Buffer, hasEnd: boolean, found: Expected): string {
  const isTelnet = hasEnd && line.at(-1) === CARRIAGE_RETURN;
  const verdict = oracle(isTelnet ? line.subarray(0, -1) : line);
  const { kind, user } = verdict;
  const balance = found.balances.get(user.toString('latin1')) ?? 0n;
  switch (kind) {
    case Kind.event:
    case Kind.transfer:
      found.received += 1;
      return once(found, verdict);
    case Kind.balance:
      return `{"status":"ok","balance":${balance}}`;
    case Kind.metrics:
    case Kind.metricsDetail:
      found.hasMetrics = true;
      return `{"received":${found.received},"processed":P,"dropped":D${kind === Kind.metrics ? '' : ',…'}}`;
    case Kind.auth:
      return hasToken(line) ? '{"status":"ok"}' : refused(found, 'invalid_event');
    case Kind.health:
      return '{"status":"ok"}';
    case Kind.invalidJson:
      return refused(found, 'invalid_json');
    case Kind.invalidEvent:
      return refused(found, 'invalid_event');
    // The contract knows no `debug`; a server answers it only if it was told to.
    case Kind.debug:
    case Kind.admin:
    case Kind.unknownType:
      return refused(found, 'unknown_type');
  }
}

/** Where nobody is asked who they are, any token will do. */
function hasToken(line: Buffer): boolean {
  const { token } = JSON.parse(line.toString()) as { token?: unknown };
  return typeof token === 'string' && token !== '';
}

/** What is said to an event: if its id has been decided, the same as then. */
function once(found: Expected, verdict: Verdict): string {
  const { user, id, amount, min, isWaiting, to } = verdict;
  if (id.length === 0) return apply(found, verdict);
  const key = `${user.toString('hex')} ${id.toString('hex')}`;
  const use = [amount, min, isWaiting, to.toString('hex')].join(' ');
  const before = found.ids.get(key);
  if (before === undefined) {
    const reply = apply(found, verdict);
    found.ids.set(key, { use, reply });
    return reply;
  }
  found.dropped += 1;
  return before.use === use ? before.reply : rejected('id_reused');
}

function apply(found: Expected, { user, amount, isWaiting, id, min, to }: Verdict): string {
  const name = user.toString('latin1');
  const other = to.toString('latin1');
  const sum = (found.balances.get(name) ?? 0n) + BigInt(amount);
  const otherSum = (found.balances.get(other) ?? 0n) - BigInt(amount);
  const isLow = Number.isFinite(min) && sum < BigInt(min);
  const isOver = sum > BALANCE_MAX || sum < -BALANCE_MAX || (to.length > 0 && otherSum > BALANCE_MAX);
  if (isLow || isOver) {
    found.dropped += 1;
    const isDecided = isWaiting || id.length > 0 || Number.isFinite(min);
    return isDecided
      ? rejected(isLow ? 'insufficient_balance' : 'balance_overflow')
      : '{"status":"accepted"}';
  }
  found.balances.set(name, sum);
  if (to.length > 0) found.balances.set(other, otherSum);
  return isWaiting || Number.isFinite(min) ? `{"status":"ok","balance":${sum}}` : '{"status":"accepted"}';
}

function rejected(reason: string): string {
  return `{"status":"rejected","reason":"${reason}"}`;
}

function refused(found: Expected, reason: string): string {
  found.invalid += 1;
  return error(reason);
}

/** Replies with their metrics as a ledger writes them; `receivedBefore` is what the server had counted before. */
export function withoutProgress(replies: string, receivedBefore: number): string {
  return replies.replace(
    /^\{"received":(\d+),"processed":\d+,"dropped":\d+(,.+)?\}$/gm,
    (_, received: string, more: string | undefined) =>
      `{"received":${Number(received) - receivedBefore},"processed":P,"dropped":D${more === undefined ? '' : ',…'}}`,
  );
}
