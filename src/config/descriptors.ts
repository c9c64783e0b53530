/**
 * The descriptors of the process, and how many are reserved for everything but clients that send events: if a client
 * took the last one, a dead worker could not be replaced.
 */
import { readFileSync } from 'node:fs';

/** Connections beyond the limit that are told so, at a time and in a second; further ones are closed at once. */
export const REFUSED_CONNECTIONS_MAX = 16;
/** For standard streams, the listener, event loops, and a reserve; and for connections that are told. */
const SPARE = 44 + REFUSED_CONNECTIONS_MAX;
const A_WORKER = 4;
/** A worker's segment; and for the archivist and the lock. */
const A_LANE = 2;
const JOURNAL = 12;
/** Beyond this, the oldest is closed, so that clients that hold HTTP connections open do not lock out others. */
export const HTTP_CONNECTIONS_MAX = 32;
/** For the connections and the thread of HTTP. */
const HTTP = HTTP_CONNECTIONS_MAX + 8;

export function descriptorsKept(workers: number, hasHttp: boolean, hasJournal: boolean): number {
  const journal = hasJournal ? JOURNAL + A_LANE * workers : 0;
  return SPARE + A_WORKER * workers + (hasHttp ? HTTP : 0) + journal;
}

/** Descriptors that this process may open. Node raises the soft limit to the hard one when it starts. */
export function descriptorLimit(): number {
  try {
    const row = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    if (row !== undefined && row !== 'unlimited') return Number(row);
  } catch {
    // Not Linux: Node's report has the limit, at the cost of some milliseconds.
    const limits = (
      process.report?.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
    )?.userLimits;
    const soft = limits?.open_files?.soft;
    if (typeof soft === 'number') return soft;
  }
  return Number.MAX_SAFE_INTEGER;
}
