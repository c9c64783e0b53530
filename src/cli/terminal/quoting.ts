/** Texts of others in lines of ours, and arguments as a shell takes them. */

const CHARACTERS_MAX = 80;

/** What somebody else sent: short, and nothing that a terminal would obey. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, CHARACTERS_MAX)).replace(/[^\x20-\x7e]/g, '?');
}

/** The same for what was typed: a plain word stays as it is. */
export function quoteIfNeeded(text: string): string {
  return /^[\x20-\x7eµ]+$/.test(text) && text.length <= CHARACTERS_MAX ? text : quote(text);
}

/** For a shell, whatever is in it. */
export function quoteForShell(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** For a shell: a plain word stays as it is. */
export function quoteForShellIfNeeded(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : quoteForShell(argument);
}
