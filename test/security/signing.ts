/** JWTs made by hand on node:crypto, so that odd ones can be made too, and keys for them. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Access } from '../../src/security/access.ts';
import type { JwtVerifier } from '../../src/security/jwt.ts';
import type { Refusal } from '../../src/security/refusal.ts';

export interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export const AUDIENCE = 'https://tally.example';
export const ISSUER = 'https://issuer.example';
export const NOW_S = 1_800_000_000;
export const NOW_MS = NOW_S * 1_000;

export const rsaPair = (modulusLength = 2_048): Pair => generateKeyPairSync('rsa', { modulusLength });
export const ecPair = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve });
export const edPair = (): Pair => generateKeyPairSync('ed25519');

export const pemOf = ({ publicKey }: Pair) => publicKey.export({ type: 'spki', format: 'pem' }) as string;
export const jwkOf = ({ publicKey }: Pair, more: object = {}) => ({
  ...publicKey.export({ format: 'jwk' }),
  ...more,
});

/** Claims that let somebody in. */
export const claimsWith = (more: object = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'till-7',
  exp: NOW_S + 60,
  tally_may: ['write', 'read'],
  tally_users: ['till7:*'],
  ...more,
});

export const part = (value: unknown) =>
  (value instanceof Buffer
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url');

type Sign = (input: Buffer, pair: Pair) => Buffer;
const PSS = { padding: 6, saltLength: 32 };

/** How each algorithm signs. */
export const SIGNING: Readonly<Record<string, Sign>> = {
  RS256: (input, { privateKey }) => sign('sha256', input, privateKey),
  RS512: (input, { privateKey }) => sign('sha512', input, privateKey),
  PS256: (input, { privateKey }) => sign('sha256', input, { key: privateKey, ...PSS }),
  ES256: (input, { privateKey }) => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  ES384: (input, { privateKey }) => sign('sha384', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (input, { privateKey }) => sign(null, input, privateKey),
  none: () => Buffer.alloc(0),
  // Key confusion: what everybody knows is taken for a secret.
  HS256: (input, pair) => createHmac('sha256', pemOf(pair)).update(input).digest(),
};

/** Texts and bytes for `header` and `claims` are taken as they are. */
export function jwtOf(
  pair: Pair,
  header: object | string,
  claims: object | string = claimsWith(),
  signed = String((header as { alg?: unknown }).alg ?? 'RS256'),
): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${SIGNING[signed]!(Buffer.from(input), pair).toString('base64url')}`;
}

/** What somebody is, or why nobody is let in. */
export async function verifiedBy(by: JwtVerifier, token: string, nowMs = NOW_MS): Promise<Access | Refusal> {
  let why: Refusal | undefined;
  const access = await by.verify(token, refusal => (why = refusal), nowMs);
  if ((access === undefined) === (why === undefined)) throw new Error('one of the two, and not both');
  return access ?? why!;
}
