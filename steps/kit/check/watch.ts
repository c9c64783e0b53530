/** Says when a folder of somebody's source has changed. */
import { existsSync, type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Editors write a file in several steps, and several files are often saved together. */
const SETTLE_MS = 200;
/** Folders and file endings that are written by tools, not by people. */
const FOLDERS = /(?:^|[\\/])(?:\.[^\\/]+|node_modules|target|dist|__pycache__|_build)(?:[\\/]|$)/;
const FILES = /(?:~|\.(?:log|tmp|sw[a-z]|pyc|o|class|out|db|sqlite\d?(?:-\w+)?))$/;

export interface Watcher {
  /** The next change, or one since the last call: the last file of a burst of changes that still exists. */
  changed(): Promise<string>;
  close(): void;
}

/**
 * One watcher for each folder. On Linux, the recursive watchers of Node 20 watch files, and lose a file that is
 * replaced by a new one of the same name, as `sed -i` and many editors do.
 */
export function watchFolder(folder: string): Watcher {
  /** Names, the last that changed at the end. */
  const burst = new Set<string>();
  const watchers = new Map<string, FSWatcher>();
  let wake = () => {};
  const add = (inside: string) => {
    watchers.get(inside)?.close();
    const watcher = watch(join(folder, inside), (event, name) => {
      const file = join(inside, name ?? '');
      if (name === null || isOfTools(file)) return;
      if (event === 'rename') addAll(file);
      burst.delete(file);
      burst.add(file);
      wake();
    });
    // A watched folder that was removed has no further changes.
    watchers.set(
      inside,
      watcher.on('error', () => {}),
    );
  };
  /** If it is a folder: it, and those in it. */
  const addAll = (inside: string) => {
    try {
      if (!lstatSync(join(folder, inside)).isDirectory()) return;
      add(inside);
      for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
        const file = join(inside, entry.name);
        if (entry.isDirectory() && !isOfTools(file)) addAll(file);
      }
    } catch (error) {
      // It was removed again, or can't be read.
      if (!['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  };
  add('');
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory() && !isOfTools(entry.name)) addAll(entry.name);
  return {
    changed: async () => {
      if (burst.size === 0)
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      await sleep(SETTLE_MS);
      const files = [...burst].toReversed();
      burst.clear();
      // Programs that write a new file and rename it (sed -i, many editors) leave the name of a temporary file.
      return files.find(file => existsSync(join(folder, file))) ?? files[0] ?? folder;
    },
    close: () => {
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

export function isOfTools(file: string): boolean {
  return FOLDERS.test(file) || FILES.test(file);
}
