/** Arguments as a shell takes them, whatever is in them. */

export function quoted(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** A plain word stays as it is. */
export function quotedIfNeeded(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : quoted(argument);
}
