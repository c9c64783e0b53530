/**
 * The reader's progress, kept in a file in the reader's home. The file is replaced atomically, so that no program
 * ever reads half of it, and a lock file keeps two commands that end at the same time from overwriting each other's
 * entry: that would be the lost update of step 6.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** A step was run; its pain was felt; the reader's own server passed its check. */
export type Deed = 'ran' | 'felt' | 'passed';

export const DEEDS: readonly Deed[] = ['ran', 'felt', 'passed'];
/** What `passed` was called in files of earlier versions. */
const PASSED_BEFORE = 'checked';

/** By the number of the step. */
export type Progress = ReadonlyMap<number, ReadonlySet<Deed>>;

type Deeds = Map<number, Set<Deed>>;

const VERSION = 1;
const STEPS_MAX = 99;
const LOCK_WAIT_MS_MAX = 1_000;
/** A lock older than this is stale: its owner has died. */
const LOCK_AGE_MS_MAX = 5_000;
const LOCK_LOOK_MS = 2;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
let hasComplained = false;

/** The path of the file. As the XDG specification says, a relative folder is ignored. */
export function progressFile(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME = '', LOCALAPPDATA = '' } = env;
  if (isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'tally', 'progress.json');
  if (process.platform === 'win32' && isAbsolute(LOCALAPPDATA))
    return join(LOCALAPPDATA, 'tally', 'progress.json');
  return join(homedir(), '.local', 'state', 'tally', 'progress.json');
}

/** The progress; empty if the file is missing or not ours. Never fails. */
export function readProgress(): Progress {
  return read(progressFile()).deeds;
}

/** Records a deed. Never fails: if it can't be written, it is lost. */
export function remember(step: number, deed: Deed): void {
  try {
    const file = progressFile();
    if (read(file).deeds.get(step)?.has(deed)) return;
    makeFolder(dirname(file));
    underLock(`${file}.lock`, () => {
      // Read again under the lock: another command may have written meanwhile.
      const { deeds, isForeign } = read(file);
      deeds.set(step, new Set(deeds.get(step)).add(deed));
      // A foreign file is renamed, not overwritten.
      if (isForeign) renameSync(file, `${file}.old`);
      write(file, deeds);
    });
  } catch (error) {
    // The home is read-only, full or missing.
    complain(`how far you have come is not kept: ${(error as Error).message}`);
  }
}

/** Level by level: Node's `recursive` never ends if the file system does not show the new folder (`/proc/tally`). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Deletes the file; false if there was none. Throws errors of the file system. */
export function forget(): boolean {
  const file = progressFile();
  try {
    statSync(file);
  } catch {
    return false;
  }
  rmSync(file);
  return true;
}

function read(file: string): { deeds: Deeds; isForeign: boolean } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { deeds: new Map(), isForeign: false };
    complain(`${file} cannot be read (${code}); it counts as empty`);
    return { deeds: new Map(), isForeign: true };
  }
  const deeds = parse(text);
  if (deeds === undefined) complain(`${file} is not what tally wrote; it counts as empty`);
  return { deeds: deeds ?? new Map(), isForeign: deeds === undefined };
}

/** Undefined if the text was not written by `write`. */
function parse(text: string): Deeds | undefined {
  try {
    const { version, steps } = JSON.parse(text) as { version: unknown; steps: Record<string, string[]> };
    if (version !== VERSION || typeof steps !== 'object' || steps === null) return undefined;
    const deeds: Deeds = new Map();
    for (const [step, kept] of Object.entries(steps)) {
      const isStep = /^[1-9]\d?$/.test(step) && Number(step) <= STEPS_MAX;
      if (!isStep || !Array.isArray(kept)) return undefined;
      const done = kept.map(deed => (deed === PASSED_BEFORE ? 'passed' : deed) as Deed);
      if (!done.every(deed => DEEDS.includes(deed))) return undefined;
      deeds.set(Number(step), new Set(done));
    }
    return deeds;
  } catch {
    return undefined;
  }
}

function write(file: string, deeds: Deeds): void {
  const steps = Object.fromEntries(
    [...deeds].map(([step, done]) => [step, DEEDS.filter(deed => done.has(deed))]),
  );
  const whole = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(whole, `${JSON.stringify({ version: VERSION, steps }, null, 2)}\n`, { mode: 0o600 });
    renameSync(whole, file);
  } catch (error) {
    rmSync(whole, { force: true });
    throw error;
  }
}

/** Once for a process: a command may fail more than once. */
function complain(what: string): void {
  if (hasComplained) return;
  hasComplained = true;
  process.stderr.write(`tally: ${what}\n`);
}

/** Holds the lock, a file that only one process can create, while `change` runs. Blocks for a moment at most. */
function underLock(lock: string, change: () => void): void {
  const endMs = performance.now() + LOCK_WAIT_MS_MAX;
  let isHeld = tryLock(lock);
  while (!isHeld && performance.now() < endMs) {
    Atomics.wait(sleeper, 0, 0, LOCK_LOOK_MS);
    isHeld = tryLock(lock);
  }
  // It continues even without the lock: the file stays whole, and at worst a deed is lost.
  try {
    change();
  } finally {
    if (isHeld) rmSync(lock, { force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > LOCK_AGE_MS_MAX) rmSync(lock, { force: true });
    return false;
  }
}
