/** Files of people who run the server: tokens, keys. Read whole, up to a limit, and without waiting for a writer. */
import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';
import { quoted, SecurityError } from './security-error.ts';

export const FILE_BYTES_MAX = 8_388_608;

export interface SmallFile {
  text: string;
  /** Its permission bits: 0o600. */
  mode: number;
}

/** Throws a `SecurityError`. */
export async function readSmallFile(path: string): Promise<SmallFile> {
  const { bytes, mode } = await bytesOf(path);
  if (bytes.length > FILE_BYTES_MAX)
    throw new SecurityError(`${named(path)} has more than ${FILE_BYTES_MAX} bytes`);
  if (!isUtf8(bytes)) throw new SecurityError(`${named(path)} is not UTF-8`);
  return { text: bytes.toString(), mode };
}

/** Up to one byte more than there may be. */
async function bytesOf(path: string): Promise<{ bytes: Buffer; mode: number }> {
  try {
    const stats = await stat(path);
    // A pipe would be waited for, and is empty at the next reload.
    if (!stats.isFile()) throw new SecurityError(`${named(path)} is not a file`);
    const file = await open(path);
    try {
      return { bytes: await readUpTo(file, FILE_BYTES_MAX + 1), mode: stats.mode & 0o777 };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SecurityError) throw error;
    throw new SecurityError(`${named(path)}: ${reasonOf(error)}`);
  }
}

async function readUpTo(file: FileHandle, bytesMax: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(bytesMax);
  let length = 0;
  for (let more = -1; more !== 0; length += more)
    more = (await file.read(bytes, length, bytesMax - length)).bytesRead;
  return bytes.subarray(0, length);
}

/** What others than its owner may do with a file, as a warning: one line; undefined if that is as it should be. */
export function modeWarning(path: string, mode: number): string | undefined {
  const what = mode & 0o022 ? 'written' : mode & 0o004 ? 'read' : undefined;
  if (what === undefined) return undefined;
  return `${named(path)} can be ${what} by others (mode ${mode.toString(8).padStart(4, '0')}); chmod 600 mends it`;
}

/** A path in a message: as it is, if it is plain. */
export function named(path: string): string {
  return /^[\x21-\x7e]{1,80}$/.test(path) ? path : quoted(path);
}

/** In the system's words: `no such file or directory`. */
function reasonOf(error: unknown): string {
  const { errno = 0, message } = error as NodeJS.ErrnoException;
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}
