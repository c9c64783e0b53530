/** The violations of the tree's rules, a line each. */
import { holderOf, LENGTHS, ROOMS } from './rules.ts';
import { circlesOf, importsOf, linesOf, type SourceFile } from './tree.ts';

/** Imports between rooms that no rule allows. */
export function wrongImports(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const room = holderOf(file.path, ROOMS);
    if (room === undefined) return [`${file.path} is in no room`];
    return importsOf(file)
      .filter(({ path, isType }) => path !== undefined && !isAllowed(room, path, isType))
      .map(({ path, isType }) => `${file.path} imports ${isType ? 'types of ' : ''}${path}`);
  });
}

function isAllowed(room: string, path: string, isType: boolean): boolean {
  const to = holderOf(path, ROOMS);
  if (to === undefined) return false;
  const { may, mayTypes = [] } = ROOMS[room]!;
  const allowed = isType ? [...may, ...mayTypes] : may;
  return to === room || allowed.some(name => to === name || to.startsWith(`${name}/`));
}

/** Files that import one another. */
export function circles(files: readonly SourceFile[]): string[] {
  return circlesOf(files).map(circle => `${circle.length} files import one another: ${circle.join(', ')}`);
}

export function tooLong(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const { linesMax, why } = LENGTHS[holderOf(file.path, LENGTHS)!]!;
    const lines = linesOf(file);
    return lines > linesMax ? [`${file.path} has ${lines} lines, more than ${linesMax} (${why})`] : [];
  });
}

/** Names in the rules that no longer exist in the tree. */
export function deadNames(files: readonly SourceFile[]): string[] {
  const names = [...Object.keys(ROOMS), ...Object.keys(LENGTHS)].filter(name => name !== '');
  const isThere = (name: string) => files.some(({ path }) => path === name || path.startsWith(`${name}/`));
  return names.filter(name => !isThere(name)).map(name => `${name} has a rule, and is not there`);
}

export function violations(files: readonly SourceFile[]): string[] {
  return [wrongImports, circles, tooLong, deadNames].flatMap(check => check(files));
}
