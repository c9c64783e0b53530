/** The tasks as Markdown files in a folder of the reader's own, where nothing is overwritten that differs. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, listed } from '../command.ts';

export interface Written {
  folder: string;
  written: string[];
  unchanged: string[];
}

/** All of them, or none if one is in the way. */
export function writeFiles(here: string, folder: string, files: ReadonlyMap<string, string>): Written {
  const path = resolve(here, folder);
  if (existsSync(path) && !statSync(path).isDirectory())
    throw new CommandError(`${folder} is a file, and no folder`);
  const isThere = (name: string) => existsSync(join(path, name));
  const names = [...files.keys()];
  const unchanged = names.filter(
    name => isThere(name) && readFileSync(join(path, name), 'utf8') === files.get(name),
  );
  const differing = names.filter(name => isThere(name) && !unchanged.includes(name));
  if (differing.length > 0)
    throw new CommandError(
      `${listed(differing)} in ${folder} ${differing.length === 1 ? 'is' : 'are'} not as tally would write ` +
        `${differing.length === 1 ? 'it' : 'them'}; nothing was written. Move them away, or name another folder`,
    );
  const written = names.filter(name => !isThere(name));
  mkdirSync(path, { recursive: true });
  for (const name of written) writeFileSync(join(path, name), files.get(name)!);
  return { folder, written, unchanged };
}
