/** The lines of an open loop that were due and never left. */
import { firstLine } from './schedule.ts';

export interface Sender {
  /** When its line of this number is due. */
  dueMs(line: number): number;
  /** How many it has sent. */
  sent: number;
  /** How many it was to send in all. */
  lines: number;
}

/** Those that are due at `fromMs` or later, and not later than `untilMs`. */
export function countUnsent(senders: readonly Sender[], fromMs: number, untilMs: number): number {
  return senders.reduce((sum, { dueMs, sent, lines }) => {
    const first = firstLine(sent, lines, line => dueMs(line) >= fromMs);
    const end = firstLine(first, lines, line => dueMs(line) > untilMs);
    return sum + Math.max(0, end - first);
  }, 0);
}
