/**
 * Changes the file of tokens: as a whole or not at all, and one writer at a time.
 *
 * The new text is written beside the file, synced, and renamed over it, so that a server that reads meanwhile finds the
 * old file or the new one. A lock file beside it keeps two commands from losing each other's entries. It is not taken
 * away when it looks old: nobody can tell from here whether who made it still runs (on another machine, say, or in a
 * container). The message says what to do.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../cli/terminal/command.ts';
import { reasonOf } from '../../cli/terminal/output.ts';
import { quoteForShellIfNeeded, quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { FILE_BYTES_MAX, readSmallFile } from '../small-file.ts';
import { parseTokens, type TokenEntry } from '../token-file.ts';

const FILE_MODE = 0o600;
const LOCK_MS_MAX = 2_000;
const LOCK_LOOK_MS = 20;

/** The entries of a file, and its permission bits. Throws an error that says what is wrong with which file. */
export async function readTokens(
  path: string,
): Promise<{ text: string; entries: TokenEntry[]; mode: number }> {
  const { text, mode } = await readSmallFile(path);
  return { text, entries: parsed(path, text), mode };
}

/**
 * Replaces the text by what `change` makes of it; a file that is not there is empty if `mayMake`. Returns the permission
 * bits of the file.
 */
export async function changeTokens(
  path: string,
  mayMake: boolean,
  change: (text: string, entries: TokenEntry[]) => string,
): Promise<number> {
  // Behind a symbolic link is the file that is meant.
  const real = statOf(path) === undefined ? path : realpathSync(path);
  const release = await lock(real);
  process.on('exit', release);
  try {
    const before = statOf(real);
    const { text, entries } =
      before === undefined && mayMake ? { text: '', entries: [] } : await readTokens(path);
    const changed = change(text, entries);
    // No server could read it.
    if (Buffer.byteLength(changed) > FILE_BYTES_MAX)
      throw new CommandError(`${quoteIfNeeded(path)} would have more than ${FILE_BYTES_MAX} bytes`);
    parsed(path, changed);
    return orReason(path, () => replace(real, changed, before));
  } finally {
    process.off('exit', release);
    release();
  }
}

function parsed(path: string, text: string): TokenEntry[] {
  try {
    return parseTokens(text);
  } catch (error) {
    throw new CommandError(`${quoteIfNeeded(path)}: ${(error as Error).message}`, { cause: error });
  }
}

/** Returns what lets go of it. */
async function lock(path: string): Promise<() => void> {
  const file = `${path}.lock`;
  const endMs = performance.now() + LOCK_MS_MAX;
  while (!orReason(path, () => isMade(file))) {
    if (performance.now() > endMs)
      throw new CommandError(
        `${quoteIfNeeded(basename(file))} is there: another tally token changes the file, or was killed ` +
          `while it did. If none runs: rm ${quoteForShellIfNeeded(file)}`,
      );
    await sleep(LOCK_LOOK_MS);
  }
  return () => rmSync(file, { force: true });
}

function isMade(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx', mode: FILE_MODE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function replace(path: string, text: string, before: Stats | undefined): number {
  const beside = `${path}.new`;
  // Of a command that was killed; who holds the lock is alone here.
  rmSync(beside, { force: true });
  const fd = openSync(beside, 'wx', FILE_MODE);
  try {
    try {
      writeFileSync(fd, text);
      if (before !== undefined) takeOver(fd, before);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
  return (before?.mode ?? FILE_MODE) & 0o777;
}

/** Gives the new file to whom the old one belongs: a server must not lose its file because root has changed it. */
function takeOver(fd: number, { uid, gid, mode }: Stats): void {
  const own = fstatSync(fd);
  if (own.uid !== uid || own.gid !== gid) fchownSync(fd, uid, gid);
  fchmodSync(fd, mode & 0o777);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function statOf(path: string): Stats | undefined {
  return orReason(path, () => statSync(path, { throwIfNoEntry: false }));
}

/** Errors of the system, with the name of the file. */
function orReason<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw new CommandError(`${quoteIfNeeded(path)}: ${reasonOf(error)}`);
  }
}
