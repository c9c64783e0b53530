/**
 * JWTs that another system signs: whether one lets somebody in, and to do what. The only file that imports `jose`; it
 * is loaded only where keys are configured.
 *
 * What the token says of itself decides nothing. The algorithms are those of our keys, keys come from our file (not from
 * `jwk`, `jku` or `x5c` in a header), and a token is read in one way only: its parts are in the one form that base64url
 * has for these bytes, and no name stands twice in its header or its claims.
 */
import { type CryptoKey, calculateJwkThumbprint, errors, importJWK, type JWK, jwtVerify } from 'jose';
import { type Access, isRightName, type RightName, rightsOf } from './access.ts';
import { FOREIGN_NAME_BYTES_MAX, nameMistake } from './holder-name.ts';
import { type JwtKey, parseJwtKeys } from './jwt-keys.ts';
import { type OnRefused, Refusal } from './refusal.ts';
import { repeatedKey } from './repeated-key.ts';
import { SecurityError } from './security-error.ts';
import { patternMistake, UserPatterns } from './user-patterns.ts';

export interface JwtSettings {
  /** Which `aud` a token must have, or have among others. */
  readonly audience: string;
  /** Which `iss`. */
  readonly issuer: string;
}

/** A key with one of its algorithms. */
interface Candidate {
  kid: string | undefined;
  alg: string;
  key: CryptoKey;
  proof: string;
}

interface Claims {
  sub?: unknown;
  exp?: unknown;
  tally_may?: unknown;
  tally_users?: unknown;
}

/** How far the clocks of the issuer and of this machine may be apart. */
const TOLERANCE_S = 5;
/** Beyond it, there are no dates. */
const EXPIRY_S_MAX = 8.64e12 - TOLERANCE_S;

/** Why a token is refused for one of its claims. */
const BY_CLAIM: Readonly<Record<string, Refusal>> = {
  iss: Refusal.wrongIssuer,
  aud: Refusal.wrongAudience,
  exp: Refusal.noExpiry,
};

/** Ends the check of a token. */
class Refused extends Error {
  readonly why: Refusal;

  constructor(why: Refusal) {
    super(why);
    this.why = why;
  }
}

export class JwtVerifier {
  readonly #settings: JwtSettings;
  readonly #candidates: readonly Candidate[];
  /** What makes each key another one: what it is, its name and its algorithms. */
  readonly keys: ReadonlySet<string>;

  private constructor(settings: JwtSettings, keys: readonly (readonly Candidate[])[]) {
    this.#settings = settings;
    this.#candidates = keys.flat();
    this.keys = new Set(keys.map(key => JSON.stringify(key.map(({ kid, proof }) => [kid, proof]))));
  }

  /** `text` is the file of keys. Throws a `SecurityError`. */
  static async open(text: string, settings: JwtSettings): Promise<JwtVerifier> {
    if (settings.audience === '' || settings.issuer === '')
      throw new SecurityError('JWTs need an audience and an issuer: whom they are for, and who signs them');
    const keys: Candidate[][] = [];
    for (const key of parseJwtKeys(text)) keys.push(await candidatesOf(key, settings));
    return new JwtVerifier(settings, keys);
  }

  /** Undefined if it lets nobody in; then `onRefused` is told why. The token has three parts with dots in between. */
  async verify(token: string, onRefused: OnRefused, nowMs: number): Promise<Access | undefined> {
    try {
      return await this.#accessOf(token, nowMs);
    } catch (error) {
      onRefused(error instanceof Refused ? error.why : refusalOf(error));
      return undefined;
    }
  }

  /** Whether an access that rested on this is let in still: the key is there, for the same issuer and audience. */
  holds(proof: string): boolean {
    return this.#candidates.some(candidate => candidate.proof === proof);
  }

  async #accessOf(token: string, nowMs: number): Promise<Access> {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { alg, kid } = objectIn(header);
    if (typeof alg !== 'string' || !isCanonical(signature)) throw new Refused(Refusal.malformedJwt);
    const fitting = this.#candidates.filter(
      each => each.alg === alg && (kid === undefined || each.kid === undefined || each.kid === kid),
    );
    const proof = await this.#verified(token, fitting, nowMs);
    return accessOf(objectIn(payload) as Claims, proof, nowMs);
  }

  /** What the token rests on, if one of these keys has signed it, and its times, issuer and audience are right. */
  async #verified(token: string, fitting: readonly Candidate[], nowMs: number): Promise<string> {
    let failure: unknown = new Refused(Refusal.unknownKey);
    for (const { key, alg, proof } of fitting) {
      try {
        await jwtVerify(token, key, {
          ...this.#settings,
          algorithms: [alg],
          clockTolerance: TOLERANCE_S,
          currentDate: new Date(nowMs),
          requiredClaims: ['exp'],
        });
        return proof;
      } catch (error) {
        failure = error;
        // Another key without a name may have signed it.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw failure;
  }
}

async function candidatesOf(
  { jwk, kid, algorithms }: JwtKey,
  { issuer, audience }: JwtSettings,
): Promise<Candidate[]> {
  const thumbprint = await calculateJwkThumbprint(jwk as JWK);
  return await Promise.all(
    algorithms.map(async alg => ({
      kid,
      alg,
      key: (await importJWK(jwk as JWK, alg)) as CryptoKey,
      proof: `jwt ${JSON.stringify([thumbprint, alg, issuer, audience])}`,
    })),
  );
}

function accessOf(claims: Claims, proof: string, nowMs: number): Access {
  const { sub, exp } = claims;
  if (nameMistake(sub, FOREIGN_NAME_BYTES_MAX) !== undefined) throw new Refused(Refusal.noSubject);
  if (typeof exp !== 'number' || Math.abs(exp) > EXPIRY_S_MAX) throw new Refused(Refusal.noExpiry);
  const expiresAtMs = (exp + TOLERANCE_S) * 1_000;
  if (expiresAtMs <= nowMs) throw new Refused(Refusal.expired);
  return {
    name: `jwt ${sub}`,
    rights: rightsOf(rightsIn(claims.tally_may)),
    users: usersIn(claims.tally_users),
    expiresAtMs,
    proof,
  };
}

/** A list, or words with spaces between them, as in `scope`. */
function rightsIn(claim: unknown): RightName[] {
  const names = typeof claim === 'string' ? claim.split(' ').filter(Boolean) : (claim ?? []);
  if (!Array.isArray(names) || !names.every(isRightName)) throw new Refused(Refusal.wrongClaims);
  if (names.length === 0) throw new Refused(Refusal.noRights);
  return names;
}

function usersIn(claim: unknown): UserPatterns | undefined {
  const texts = claim ?? [];
  if (!Array.isArray(texts) || !texts.every(text => typeof text === 'string'))
    throw new Refused(Refusal.wrongClaims);
  if (texts.some(text => patternMistake(text) !== undefined)) throw new Refused(Refusal.wrongClaims);
  return UserPatterns.of(texts);
}

/** The object that a part of a token is. */
function objectIn(part: string): Record<string, unknown> {
  const text = isCanonical(part) ? Buffer.from(part, 'base64url').toString() : '';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused(Refusal.malformedJwt);
  }
  if (typeof value !== 'object' || value === null || repeatedKey(text) !== undefined)
    throw new Refused(Refusal.malformedJwt);
  return value as Record<string, unknown>;
}

/** Base64url has bits that mean nothing: of the texts for the same bytes, only one is taken. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** Of an error of `jose`, or of the cryptography below it. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return Refusal.expired;
  if (error instanceof errors.JWSSignatureVerificationFailed) return Refusal.wrongSignature;
  if (!(error instanceof errors.JWTClaimValidationFailed)) return Refusal.malformedJwt;
  if (error.claim === 'nbf' && error.reason === 'check_failed') return Refusal.notYet;
  return BY_CLAIM[error.claim] ?? Refusal.wrongClaims;
}
