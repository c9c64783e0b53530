/**
 * How many descriptors there are, and how many of them are set aside for everything but clients of the events: a client
 * that took the last one would keep a worker from being replaced.
 */
import { readFileSync } from 'node:fs';

/** Standard streams, the listener, the event loops, some to spare. */
const SPARE = 60;
const A_WORKER = 4;
/** One more, and the oldest is closed: clients that hold HTTP connections open keep nobody else out. */
export const HTTP_CONNECTIONS_MAX = 32;
/** Its connections, and its thread. */
const HTTP = HTTP_CONNECTIONS_MAX + 8;

export function descriptorsKept(workers: number, hasHttp: boolean): number {
  return SPARE + A_WORKER * workers + (hasHttp ? HTTP : 0);
}

/** Descriptors this process may open. Node raises the soft limit to the hard one when it starts. */
export function descriptorLimit(): number {
  try {
    const row = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    if (row !== undefined && row !== 'unlimited') return Number(row);
  } catch {
    // Not Linux: the report knows, at the price of some milliseconds.
    const limits = (
      process.report?.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
    )?.userLimits;
    const soft = limits?.open_files?.soft;
    if (typeof soft === 'number') return soft;
  }
  return Number.MAX_SAFE_INTEGER;
}
