/**
 * The disk, as the journal sees it: few calls, all of them synchronous. The tests put a simulated one in its place,
 * which loses, tears and reorders what was not synced.
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** `durable`: a write has reached the disk when it returns. */
export type Access = 'read' | 'write' | 'durable' | 'create';

export interface DiskFile {
  readonly bytes: number;
  /** Bytes read into the front of `into`: fewer only at the end of the file. */
  read(into: Uint8Array, at: number): number;
  /** All of it, or it throws. */
  write(views: readonly Uint8Array[], at: number): void;
  sync(): void;
  close(): void;
}

/** Every call throws the error of the system. */
export interface Disk {
  /** `create` fails if the file exists. */
  open(path: string, access: Access): DiskFile;
  /** The names in a folder; none if there is no such folder. */
  list(folder: string): string[];
  makeFolder(path: string): void;
  rename(from: string, to: string): void;
  /** A file, or a folder with all that is in it; nothing if it does not exist. */
  remove(path: string): void;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): void;
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants;
/** Windows has none; there, each write is followed by a sync. */
const O_DSYNC = constants.O_DSYNC ?? 0;
const FLAGS: Record<Access, number> = {
  read: O_RDONLY,
  write: O_RDWR,
  durable: O_RDWR | O_DSYNC,
  create: O_RDWR | O_CREAT | O_EXCL,
};

class RealFile implements DiskFile {
  readonly #fd: number;
  readonly #syncsEach: boolean;

  constructor(path: string, access: Access) {
    this.#fd = openSync(path, FLAGS[access], FILE_MODE);
    this.#syncsEach = access === 'durable' && O_DSYNC === 0;
  }

  get bytes(): number {
    return fstatSync(this.#fd).size;
  }

  read(into: Uint8Array, at: number): number {
    let done = 0;
    while (done < into.length) {
      const bytes = readSync(this.#fd, into, done, into.length - done, at + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  write(views: readonly Uint8Array[], at: number): void {
    let rest = views;
    let place = at;
    while (rest.length > 0) {
      const written = writevSync(this.#fd, rest as Uint8Array[], place);
      place += written;
      rest = behind(rest, written);
    }
    if (this.#syncsEach) fdatasyncSync(this.#fd);
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What is left of the views behind their first bytes. */
function behind(views: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const left: Uint8Array[] = [];
  for (const view of views) {
    const here = Math.min(skip, view.length);
    skip -= here;
    if (here < view.length) left.push(here === 0 ? view : view.subarray(here));
  }
  return left;
}

export const realDisk: Disk = {
  open: (path, access) => new RealFile(path, access),
  list: folder => {
    try {
      return readdirSync(folder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
  makeFolder: path => void mkdirSync(path, { mode: FOLDER_MODE }),
  rename: (from, to) => renameSync(from, to),
  remove: path => rmSync(path, { recursive: true, force: true }),
  syncFolder: path => {
    const fd = openSync(path, O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
};

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** The whole content of a file. */
export function readWhole(disk: Disk, path: string): Buffer<ArrayBuffer> {
  const file = disk.open(path, 'read');
  try {
    const bytes = Buffer.from(new ArrayBuffer(file.bytes));
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/**
 * Makes a folder, and those above it; returns the first that was made, or undefined if all are there. (Node's own
 * `recursive` never returns where the system makes none: in /proc, say.)
 */
export function makeFolders(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const parent = dirname(path);
  const first = parent === path ? undefined : makeFolders(parent);
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    // Another server may have made it.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return first ?? path;
}
