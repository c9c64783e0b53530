/** Quotes foreign text in our output, and arguments for a shell. */

const CHARACTERS_MAX = 80;

/** Quotes received text: shortened, without control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, CHARACTERS_MAX)).replace(/[^\x20-\x7e]/g, '?');
}

/** The same for typed text: a plain word is not quoted. */
export function quoteIfNeeded(text: string): string {
  return /^[\x20-\x7eµ]+$/.test(text) && text.length <= CHARACTERS_MAX ? text : quote(text);
}

/** Quotes any text for a shell. */
export function quoteForShell(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Quotes for a shell, except plain words. */
export function quoteForShellIfNeeded(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : quoteForShell(argument);
}
