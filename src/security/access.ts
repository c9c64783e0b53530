/**
 * Who may do what: the answer to a token, a JWT or a certificate, and all that the server must know of a client.
 */
import type { UserPatterns } from './user-patterns.ts';

/** A bit each, so that a request is allowed or not by one AND. */
export const Right = { write: 1, read: 2, transfer: 4, admin: 8 } as const;

export type RightName = keyof typeof Right;

export const RIGHT_NAMES = Object.keys(Right) as readonly RightName[];

export interface Access {
  /** For logs and limits: `token till-3`, `jwt SUB`, `certificate CN`. One line, without control characters. */
  readonly name: string;
  /** Bits of `Right`. */
  readonly rights: number;
  /** Undefined: every user. */
  readonly users: UserPatterns | undefined;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAtMs: number;
  /**
   * What it rests on (the hash of a token, a key with its issuer and audience, the name of a certificate), so that a
   * reload can ask again whether it still holds. Not for logs.
   */
  readonly proof: string;
}

export function isRightName(name: unknown): name is RightName {
  return typeof name === 'string' && Object.hasOwn(Right, name);
}

/** Whether two that rest on the same allow the same, until the same moment, under the same name. */
export function isSameAccess(one: Access, other: Access): boolean {
  const isForSame =
    one.users === undefined ? other.users === undefined : other.users && one.users.equals(other.users);
  return (
    isForSame === true &&
    one.name === other.name &&
    one.rights === other.rights &&
    one.expiresAtMs === other.expiresAtMs
  );
}

/** The bits of these rights. */
export function rightsOf(names: readonly RightName[]): number {
  return names.reduce((rights, name) => rights | Right[name], 0);
}
