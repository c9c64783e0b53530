/**
 * The file of a Unix socket: a server that was killed leaves it behind, and then nobody can listen there.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/** Removes the file if it is a socket that nobody listens on. */
export async function removeStale(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (isSocket && !(await isAlive(path))) unlinkSync(path);
}

function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}

/** Until its mode is set, nobody but its owner may connect to the socket that `bind` makes. */
export function withMask<Result>(bind: () => Result): Result {
  const mask = process.umask(0o177);
  try {
    return bind();
  } finally {
    process.umask(mask);
  }
}

export function setMode(path: string, mode: number): void {
  chmodSync(path, mode);
}
