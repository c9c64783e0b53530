/** The words that the threads of the lock tests share. */
export const ONE = 0;
export const OTHER = 1;
/** Writers that are inside. */
export const INSIDE = 2;
/** Threads that have started, and that are done. */
export const READY = 3;
export const GONE = 4;
/** Readers that are inside and wait for one another. */
export const MET = 5;
export const LOG_NEXT = 6;
/** From here on: 1 for every writer that came in, 2 for every reader. */
export const LOG = 7;

export function createTable(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64 * 4));
}
