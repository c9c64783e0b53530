/** Quotes foreign text in our output, and arguments for a shell. */
import { stripVTControlCharacters } from 'node:util';

const CHARACTERS_MAX = 80;

/** Quotes received text: shortened, without control characters. */
export function quote(text: string, charactersMax = CHARACTERS_MAX): string {
  return JSON.stringify(text.slice(0, charactersMax)).replace(/[^\x20-\x7e]/g, '?');
}

/** The same, but plain text is not quoted. */
export function quoteIfNeeded(text: string, charactersMax = CHARACTERS_MAX): string {
  return /^[\x20-\x7eµ]+$/.test(text) && text.length <= charactersMax ? text : quote(text, charactersMax);
}

/** Text of several lines, without what a terminal would obey. */
export function withoutControls(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\n\t])\p{Cc}/gu, '');
}

/** Quotes any text for a shell. */
export function quoteForShell(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Quotes for a shell, except plain words. */
export function quoteForShellIfNeeded(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : quoteForShell(argument);
}
