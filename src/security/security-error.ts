/**
 * What is wrong with a file of tokens or keys, as one line for whoever wrote it. Such files hold secrets, and messages
 * end up in logs: so what may be a secret in the wrong place is not repeated.
 */

/** A file or a setting that can't be used: one line that says which, where, and what is wrong. */
export class SecurityError extends Error {
  override readonly name: string = 'SecurityError';
}

const CHARACTERS_MAX = 80;
/** A token, a hash, or a good part of one: no word of ours is as long. */
const SECRET = /[\w+/=-]{20}/;

/** Foreign text on one line: shortened, without control characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, CHARACTERS_MAX)).replace(/[^\x20-\x7e]/g, '?');
}

/** The same, for text that should be a word of ours; what looks like a secret is not shown. */
export function quotedWord(text: string): string {
  return SECRET.test(text) ? '(not shown, as it may be a secret)' : quoted(text);
}
