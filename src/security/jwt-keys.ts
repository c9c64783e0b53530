/**
 * The public keys that JWTs may be signed with: one or more PEM blocks, a JWK, or a set of them (JWKS).
 *
 * A key says itself which algorithms it is for; what a token says of that is only compared. So no token can have a
 * public key taken for a secret (HS256), or no signature for one (none). A key that is secret or private is refused,
 * since it has no business here; of a set, keys for other purposes are passed over, as RFC 7517 has it.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { repeatedKey } from './repeated-key.ts';
import { quotedWord, SecurityError } from './security-error.ts';

export interface JwtKey {
  /** The public members only. */
  readonly jwk: JsonWebKey;
  /** Undefined: a token may name any key, or none. */
  readonly kid: string | undefined;
  /** One or more of `ALGORITHMS`. */
  readonly algorithms: readonly string[];
}

/** The algorithms by what a key is. A key that names one of them itself is for that one only. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RS256', 'PS256'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};
const KEYS_MAX = 64;
const RSA_BITS_MIN = 2_048;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/** Throws a `SecurityError`, without the name of the file. No key is in its message. */
export function parseJwtKeys(text: string): JwtKey[] {
  const keys = text.trimStart().startsWith('{') ? keysInJson(text) : keysInPem(text);
  if (keys.length > KEYS_MAX) throw new SecurityError(`has ${keys.length} keys; ${KEYS_MAX} are the most`);
  return keys;
}

function keysInPem(text: string): JwtKey[] {
  const blocks = [...text.matchAll(PEM)];
  if (blocks.length === 0)
    throw new SecurityError('is none of: a public key in PEM (BEGIN PUBLIC KEY), a JWK, a JWKS');
  return blocks.map(([block, label = '']) => {
    if (label.includes('PRIVATE'))
      throw new SecurityError(
        'has a private key: openssl pkey -pubout makes the public one, and only that belongs here',
      );
    if (label === 'CERTIFICATE')
      throw new SecurityError('has a certificate: openssl x509 -pubkey -noout makes a public key of it');
    if (label !== 'PUBLIC KEY')
      throw new SecurityError(`has a block BEGIN ${quotedWord(label)}, not BEGIN PUBLIC KEY`);
    const jwk = jwkOf(() => createPublicKey(block).export({ format: 'jwk' }));
    const algorithms = ALGORITHMS[typeOf(jwk)];
    if (algorithms === undefined) throw new SecurityError(unusable(jwk));
    return { jwk, kid: undefined, algorithms };
  });
}

function keysInJson(text: string): JwtKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SecurityError('is not JSON');
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined)
    throw new SecurityError(`has the key ${quotedWord(repeated)} twice in one object`);
  const { keys } = value as { keys?: unknown };
  if (keys === undefined) return [keyOf(value as JsonWebKey)];
  if (!Array.isArray(keys) || !keys.every(key => typeof key === 'object' && key !== null))
    throw new SecurityError('its keys are not a list of JWKs');
  const usable = (keys as JsonWebKey[]).filter(isForUs).map(keyOf);
  if (usable.length === 0) throw new SecurityError('has no key that signs JWTs with one of our algorithms');
  return usable;
}

/** Whether a key of a set is to be read: not one for encryption, or of a type or an algorithm that we don't know. */
function isForUs(jwk: JsonWebKey): boolean {
  const algorithms = ALGORITHMS[typeOf(jwk)];
  const isKnown = algorithms !== undefined && (jwk.alg === undefined || algorithms.includes(String(jwk.alg)));
  return isSecret(jwk) || (isKnown && isForSignatures(jwk));
}

function keyOf(jwk: JsonWebKey): JwtKey {
  if (isSecret(jwk))
    throw new SecurityError(
      'has a secret or private key; only public ones belong here, without the members d and k',
    );
  const known = ALGORITHMS[typeOf(jwk)];
  if (known === undefined) throw new SecurityError(unusable(jwk));
  const { alg, kid } = jwk;
  if (alg !== undefined && !known.includes(String(alg)))
    throw new SecurityError(
      `a key has the alg ${quotedWord(String(alg))}; for its type there are ${known.join(', ')}`,
    );
  if (kid !== undefined && typeof kid !== 'string') throw new SecurityError('the kid of a key is not a text');
  if (!isForSignatures(jwk))
    throw new SecurityError('a key is not for signatures, as its use or key_ops say');
  return {
    jwk: jwkOf(() => createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' })),
    kid,
    algorithms: alg === undefined ? known : [String(alg)],
  };
}

function jwkOf(read: () => JsonWebKey): JsonWebKey {
  let jwk: JsonWebKey;
  try {
    jwk = read();
  } catch {
    throw new SecurityError('has a key that can not be read');
  }
  const bits = jwk.kty === 'RSA' ? bitsOf(Buffer.from(jwk.n!, 'base64url')) : RSA_BITS_MIN;
  if (bits < RSA_BITS_MIN)
    throw new SecurityError(`an RSA key has ${bits} bits; ${RSA_BITS_MIN} are the least`);
  return jwk;
}

function bitsOf(number: Buffer): number {
  return number.length * 8 - Math.clz32(number[0]!) + 24;
}

function typeOf({ kty, crv }: JsonWebKey): string {
  return crv === undefined || kty === 'RSA' ? String(kty) : `${kty} ${crv}`;
}

function isSecret(jwk: JsonWebKey): boolean {
  return jwk.kty === 'oct' || jwk.d !== undefined || jwk.k !== undefined;
}

function isForSignatures({ use, key_ops: operations }: JsonWebKey): boolean {
  const isListed = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  return isListed && (use === undefined || use === 'sig');
}

const unusable = (jwk: JsonWebKey) =>
  jwk.kty === undefined
    ? 'is no JWK: it has no kty'
    : `a key is of the type ${quotedWord(typeOf(jwk))}; there are ${Object.keys(ALGORITHMS).join(', ')}`;
