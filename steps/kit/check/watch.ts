/** Says when a folder of somebody's source has changed. */
import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Editors write a file in several steps, and people save several files. */
const SETTLE_MS = 200;
/** What tools write, not people: folders, and endings of files. */
const FOLDERS = /(?:^|[\\/])(?:\.[^\\/]+|node_modules|target|dist|__pycache__|_build)(?:[\\/]|$)/;
const FILES = /(?:~|\.(?:log|tmp|sw[a-z]|pyc|o|class|out|db|sqlite\d?(?:-\w+)?))$/;

export interface Watcher {
  /** The next change, or one that came since the last call. Resolves to the file's name. */
  changed(): Promise<string>;
  close(): void;
}

export function watchFolder(folder: string): Watcher {
  let changedFile: string | undefined;
  let wake = () => {};
  const watcher = watch(folder, { recursive: true }, (_, file) => {
    if (file === null || isOfTools(file)) return;
    changedFile = file;
    wake();
  });
  // A folder that vanishes while it is watched changes no more.
  watcher.on('error', () => {});
  return {
    changed: async () => {
      if (changedFile === undefined)
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      const file = changedFile ?? folder;
      await sleep(SETTLE_MS);
      changedFile = undefined;
      return file;
    },
    close: () => watcher.close(),
  };
}

export function isOfTools(file: string): boolean {
  return FOLDERS.test(file) || FILES.test(file);
}
