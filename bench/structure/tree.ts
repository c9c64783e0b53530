/** The files of the tree, and what each imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from '../../src/tools/harness/root.ts';

/** Where code is. */
export const FOLDERS = ['src', 'steps', 'bench', 'test'] as const;
const CODE = /\.(?:[cm]?[jt]s|c|rs)$/;
/** Written by tools, or not ours. */
const FOREIGN = ['node_modules', 'results', 'target'];

export interface SourceFile {
  path: string;
  text: string;
}

export interface Import {
  /** As it is written. */
  name: string;
  /** The path from the root, if it is one of our files. */
  path: string | undefined;
  isType: boolean;
}

/** With their text; the paths are from the root. */
export function filesUnder(folder: string, wanted = CODE, root = ROOT): SourceFile[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return FOREIGN.includes(entry.name) ? [] : filesUnder(path, wanted, root);
    return wanted.test(entry.name) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });
}

/** What a file imports, re-exports or loads with `import(…)`. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\b( type\b)?(?:[^'"`;]*\bfrom)? ?['"]([^'"]+)['"];?$/gm,
  );
  // Not those in comments.
  const calls = text.matchAll(/^(?!\s*(?:\/?\*|\/\/)).*?\b(typeof )?import\('([^']+)'\)/gm);
  return [...statements, ...calls].map(([, type, name]) => ({
    name: name!,
    path: name!.startsWith('.') ? posix.join(posix.dirname(path), name!) : undefined,
    isType: type !== undefined,
  }));
}

export function linesOf({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}

/** Groups of files that import one another, directly or indirectly. */
export function circlesOf(files: readonly SourceFile[]): string[][] {
  const next = new Map(files.map(file => [file.path, importsOf(file).flatMap(({ path }) => path ?? [])]));
  const reached = new Map<string, Set<string>>();
  for (const path of next.keys()) {
    const seen = new Set<string>();
    const open = [path];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const to of next.get(at) ?? [])
        if (!seen.has(to)) {
          seen.add(to);
          open.push(to);
        }
    reached.set(path, seen);
  }
  const circles = [...next.keys()]
    .filter(path => reached.get(path)!.has(path))
    .map(path => [...reached.get(path)!].filter(to => reached.get(to)?.has(path)).sort());
  return [...new Map(circles.map(circle => [circle.join(), circle])).values()];
}
