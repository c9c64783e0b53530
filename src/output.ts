/**
 * Standard output or standard error, for a process that must go on, and end, whatever their reader does: a write never
 * blocks, and what waits for the reader does not keep the process alive.
 *
 * Node's own streams don't promise that: they block on a terminal, and a full pipe keeps the process alive.
 */
import { constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';

/** What may wait for the reader. Beyond that, the stream needs to drain; whoever writes then decides what to drop. */
const WAITING_BYTES_MAX = 65_536;
const RETRY_MS = 20;

export class Output extends Writable {
  readonly isTTY: boolean;
  readonly #fd: number;
  /** The disk is full. Nobody can say whether there will be room again. */
  #isFull = false;

  constructor(fd: 1 | 2) {
    super({ highWaterMark: WAITING_BYTES_MAX });
    this.isTTY = isatty(fd);
    this.#fd = nonBlocking(fd);
  }

  /** Whether nothing waits for the reader. A full disk is not waited for. */
  get isWritten(): boolean {
    return this.writableLength === 0 || this.#isFull;
  }

  override _write(bytes: Buffer, encoding: BufferEncoding, done: () => void): void {
    const rest = bytes.subarray(this.#tryWrite(bytes));
    if (rest.length === 0) done();
    else setTimeout(() => this._write(rest, encoding, done), RETRY_MS).unref();
  }

  /** Returns how many bytes need not be written again. */
  #tryWrite(bytes: Buffer): number {
    try {
      const written = writeSync(this.#fd, bytes);
      this.#isFull = false;
      return written;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#isFull = code === 'ENOSPC' || code === 'EDQUOT';
      // Otherwise the reader has gone, and nobody misses the bytes.
      return code === 'EAGAIN' || this.#isFull ? 0 : bytes.length;
    }
  }
}

/**
 * A descriptor of the same file that does not block. `O_NONBLOCK` belongs to an open file, and so to all that share it,
 * such as the shell with its terminal: so the file is opened once more.
 */
function nonBlocking(fd: 1 | 2): number {
  const stats = fstatSync(fd);
  // A disk does not wait for a reader. And who shares the file, must share the place at which to write.
  if (stats.isFile()) return fd;
  const paths = [`/proc/self/fd/${fd}`];
  // A terminal of another user (after `su`) can be opened by this name only.
  if (isatty(fd) && stats.rdev === ownTerminal()) paths.push('/dev/tty');
  for (const path of paths)
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {}
  // A socket, or a pipe of another user: Node makes it non-blocking for its stream, and undoes that at its exit.
  void (fd === 1 ? process.stdout : process.stderr);
  return fd;
}

/** The device of the terminal that controls this process; undefined if there is none. */
function ownTerminal(): number | undefined {
  try {
    // Behind the name of the program in brackets, which may hold anything: state, parent, group, session, terminal.
    const text = readFileSync('/proc/self/stat', 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[4]);
  } catch {
    return undefined;
  }
}
