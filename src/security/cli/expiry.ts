/** `--expires`: a moment, or how long from now. */
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { momentText, readMoment } from '../moments.ts';

const MS_PER_UNIT: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The last moment that a file can hold. */
const LAST_MS = Date.parse('9999-12-31T23:59:59Z');

/** Milliseconds since 1970, later than `nowMs`, in whole seconds. Throws a `UsageError`. */
export function readExpiry(text: string, nowMs = Date.now()): number {
  const timeMs = fromNowMs(text, nowMs) ?? readMoment(text);
  if (timeMs === undefined || timeMs > LAST_MS)
    throw new UsageError(
      `--expires ${quoteIfNeeded(text)} is no time, such as 30d (in 30 days), 12h, 2027-01-01 or 2027-01-01T12:00:00Z`,
    );
  if (timeMs <= nowMs)
    throw new UsageError(`--expires ${quoteIfNeeded(text)} is over: it was ${momentText(timeMs)}`);
  return timeMs;
}

function fromNowMs(text: string, nowMs: number): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,8})([mhd])$/.exec(text) ?? [];
  if (unit === undefined) return undefined;
  return Math.ceil((nowMs + Number(digits) * MS_PER_UNIT[unit]!) / 1_000) * 1_000;
}
