/**
 * The replies to a batch of lines by the words of the contract: the oracle says what each line is, and a plain Map
 * holds the balances. Nothing of the server is in it.
 */
import { Kind } from '../../src/protocol/request.ts';
import { oracle } from '../support/oracle.ts';

const BALANCE_MAX = 2n ** 53n - 1n;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}';

/** What must come of a batch. */
export interface Expected {
  /** `processed` and `dropped` depend on how far the workers are: `withoutProgress` puts letters in their place. */
  replies: string;
  hasMetrics: boolean;
  /** Lines that are no events and no requests. */
  invalid: number;
  received: number;
  /** Events that would have overflowed. */
  dropped: number;
  /** By name, one character a byte. */
  balances: Map<string, bigint>;
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
  };
  for (const { line, hasEnd } of linesOf(bytes)) {
    found.replies += `${line.length > lineBytesMax ? refused(found, 'line_too_long') : replyTo(line, hasEnd, found)}\n`;
  }
  return found;
}

function replyTo(line: Buffer, hasEnd: boolean, found: Expected): string {
  const isTelnet = hasEnd && line.at(-1) === CARRIAGE_RETURN;
  const { kind, user, amount, isWaiting } = oracle(isTelnet ? line.subarray(0, -1) : line);
  const name = user.toString('latin1');
  const balance = found.balances.get(name) ?? 0n;
  switch (kind) {
    case Kind.event: {
      found.received += 1;
      const sum = balance + BigInt(amount);
      const isOver = sum > BALANCE_MAX || sum < -BALANCE_MAX;
      if (isOver) found.dropped += 1;
      else found.balances.set(name, sum);
      if (!isWaiting) return '{"status":"accepted"}';
      return isOver ? OVERFLOW : `{"status":"ok","balance":${sum}}`;
    }
    case Kind.balance:
      return `{"status":"ok","balance":${balance}}`;
    case Kind.metrics:
    case Kind.metricsDetail:
      found.hasMetrics = true;
      return `{"received":${found.received},"processed":P,"dropped":D${kind === Kind.metrics ? '' : ',…'}}`;
    case Kind.health:
      return '{"status":"ok"}';
    case Kind.invalidJson:
      return refused(found, 'invalid_json');
    case Kind.invalidEvent:
      return refused(found, 'invalid_event');
    // The contract knows no `debug`; a server answers it only if it was told to.
    case Kind.debug:
    case Kind.unknownType:
      return refused(found, 'unknown_type');
  }
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
