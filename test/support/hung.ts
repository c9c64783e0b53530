/**
 * Node itself may hang when a process ends: its main thread waits for a compiling thread, and that one for a garbage
 * collection of the main thread (https://github.com/nodejs/node/issues/54918, seen here with a debugger). It takes a
 * process that ends while much of its code is still being compiled, as a short `tally load`: some two in a thousand on
 * a busy machine. A test that meets it is run once more (vitest.config.ts); whatever else hangs is a failure.
 */
import { readFileSync } from 'node:fs';

export const NODE_HANG = 'hung at its end in Node itself, nodejs/node#54918';

/** A main thread that waits for its event loop is in epoll; one that waits for another thread is in a futex. */
export function isHungInNode(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/wchan`, 'latin1').includes('futex');
  } catch {
    return false;
  }
}
