/** Writes the tasks as Markdown files into the reader's folder, without overwriting files that differ. */
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CommandError } from '../../../src/cli/terminal/command.ts';
import { listed } from '../../../src/cli/terminal/prose.ts';

export interface Written {
  folder: string;
  written: string[];
  unchanged: string[];
}

/** Writes all files, or none if one would overwrite another file. */
export function writeFiles(here: string, folder: string, files: ReadonlyMap<string, string>): Written {
  const path = resolve(here, folder);
  if (existsSync(path) && !statSync(path).isDirectory())
    throw new CommandError(`${folder} is a file, not a folder`);
  const there = [...files.keys()].filter(name => isThere(join(path, name), `${folder}/${name}`));
  const unchanged = there.filter(name => readFileSync(join(path, name), 'utf8') === files.get(name));
  const differing = there.filter(name => !unchanged.includes(name));
  if (differing.length > 0)
    throw new CommandError(
      `${listed(differing)} in ${folder} ${differing.length === 1 ? 'is' : 'are'} not as tally would write ` +
        `${differing.length === 1 ? 'it' : 'them'}; nothing was written. Move ${differing.length === 1 ? 'it' : 'them'} away, or name another folder`,
    );
  const written = [...files.keys()].filter(name => !there.includes(name));
  makeFolder(path);
  for (const name of written)
    attempt(`${folder}/${name} cannot be written`, () =>
      // Fails if the file was created meanwhile, or is a dangling link.
      writeFileSync(join(path, name), files.get(name)!, { flag: 'wx' }),
    );
  return { folder, written, unchanged };
}

/** Whether there is a plain file. Throws for anything else: a link may point elsewhere, and a pipe has no end. */
function isThere(path: string, shown: string): boolean {
  const stats = attempt(`${shown} cannot be looked at`, () => lstatSync(path, { throwIfNoEntry: false }));
  if (stats === undefined || stats.isFile()) return stats !== undefined;
  const what = stats.isDirectory()
    ? 'a folder'
    : stats.isSymbolicLink()
      ? 'a symbolic link'
      : 'no plain file';
  throw new CommandError(`${shown} is ${what}; nothing was written. Move it away, or name another folder`);
}

/** Level by level: where no folder can be made, as under /proc, Node's `recursive` never ends. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const each of missing) attempt(`the folder ${each} cannot be made`, () => mkdirSync(each));
}

function attempt<T>(failure: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new CommandError(`${failure} (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
