/** The names of those who are let in: of entries, in certificates, in JWTs. They are seen in logs, and counted by. */

/** Of an entry. */
export const NAME_BYTES_MAX = 128;
/** Of what others name: a DNS name has up to 253, the `sub` of a JWT of OpenID Connect up to 255. */
export const FOREIGN_NAME_BYTES_MAX = 255;
/** What a log or a terminal would not show as it is. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Why this can't be such a name; undefined if it can. */
export function nameMistake(name: unknown, bytesMax: number): string | undefined {
  if (typeof name !== 'string' || name === '') return 'is not a text with something in it';
  if (INVISIBLE.test(name)) return 'has characters that can not be seen';
  const bytes = Buffer.byteLength(name);
  return bytes > bytesMax ? `has ${bytes} bytes; ${bytesMax} are the most` : undefined;
}
