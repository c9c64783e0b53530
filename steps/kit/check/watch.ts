/** Says when a folder of somebody's source has changed. */
import { existsSync, type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Editors write a file in several steps, and people save several files. */
const SETTLE_MS = 200;
/** What tools write, not people: folders, and endings of files. */
const FOLDERS = /(?:^|[\\/])(?:\.[^\\/]+|node_modules|target|dist|__pycache__|_build)(?:[\\/]|$)/;
const FILES = /(?:~|\.(?:log|tmp|sw[a-z]|pyc|o|class|out|db|sqlite\d?(?:-\w+)?))$/;

export interface Watcher {
  /** The next change, or one that came since the last call: the last file of the burst that still exists. */
  changed(): Promise<string>;
  close(): void;
}

/**
 * One watcher for each folder. Those of Node 20 that are recursive watch files, on Linux, and lose one that is replaced
 * by a new file of its name, as `sed -i` and many editors do.
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
    // A folder that vanishes while it is watched changes no more.
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
      // It came and went, or is nobody's to read.
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
      // Who writes a new file and renames it (sed -i, many editors) leaves a name that nobody knows.
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
