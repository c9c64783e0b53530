/**
 * The lock of a folder: a Unix socket in it that listens as long as the server lives, so the system lets go of it
 * however the server ends. (Node has no `flock`.)
 */
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';

const NAME = 'lock';
/** The path of a socket has a short limit; the path by the descriptor of the folder is always shorter. */
const PATH_BYTES_MAX = 100;

export class Lock {
  readonly #dir: string;
  readonly #server: Server;
  readonly #inode: number;

  private constructor(dir: string, server: Server, inode: number) {
    this.#dir = dir;
    this.#server = server;
    this.#inode = inode;
  }

  /** Undefined if another server has it. */
  static async take(dir: string): Promise<Lock | undefined> {
    const own = `${NAME}.${process.pid}.${randomBytes(4).toString('hex')}`;
    const fd = openSync(dir, 'r');
    const base = shortPath(dir, own, fd);
    const server = createServer(socket => socket.destroy());
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(`${base}/${own}`, resolve);
      });
      server.unref();
      const { ino } = statSync(`${dir}/${own}`);
      for (let attempt = 0; attempt < 3; attempt++) {
        if (linked(`${dir}/${own}`, `${dir}/${NAME}`)) return new Lock(dir, server, ino);
        const inode = inodeOf(`${dir}/${NAME}`);
        if (await isAlive(`${base}/${NAME}`)) break;
        removeDead(dir, `${NAME}.dead.${own}`, inode);
      }
      server.close();
      return undefined;
    } finally {
      rmSync(`${dir}/${own}`, { force: true });
      closeSync(fd);
    }
  }

  /** Nobody has taken it away. */
  get isHeld(): boolean {
    return inodeOf(`${this.#dir}/${NAME}`) === this.#inode;
  }

  release(): void {
    if (this.isHeld) rmSync(`${this.#dir}/${NAME}`, { force: true });
    this.#server.close();
  }
}

/** Whether a server has it now. */
export async function isLocked(dir: string): Promise<boolean> {
  if (inodeOf(`${dir}/${NAME}`) === undefined) return false;
  const fd = openSync(dir, 'r');
  try {
    return await isAlive(`${shortPath(dir, NAME, fd)}/${NAME}`);
  } finally {
    closeSync(fd);
  }
}

function shortPath(dir: string, name: string, fd: number): string {
  return Buffer.byteLength(dir) + name.length < PATH_BYTES_MAX ? dir : `/proc/self/fd/${fd}`;
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', error => {
      const { code } = error as NodeJS.ErrnoException;
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

/** Takes a dead server's lock away; if another has taken its place meanwhile, puts that back. */
function removeDead(dir: string, aside: string, inode: number | undefined): void {
  try {
    renameSync(`${dir}/${NAME}`, `${dir}/${aside}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (inodeOf(`${dir}/${aside}`) !== inode) linked(`${dir}/${aside}`, `${dir}/${NAME}`);
  rmSync(`${dir}/${aside}`, { force: true });
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
