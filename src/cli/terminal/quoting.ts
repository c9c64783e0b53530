/** What somebody else sent, in a line of ours: short, and nothing that a terminal would obey. */

const CHARACTERS_MAX = 80;

export function quote(text: string): string {
  return JSON.stringify(text.slice(0, CHARACTERS_MAX)).replace(/[^\x20-\x7e]/g, '?');
}

/** The same for what was typed: a plain word stays as it is. */
export function quoteIfNeeded(text: string): string {
  return /^[\x20-\x7eµ]+$/.test(text) && text.length <= CHARACTERS_MAX ? text : quote(text);
}
