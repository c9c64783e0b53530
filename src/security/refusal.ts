/** Why somebody is not let in, for the audit log. A client is not told: it would help only those who try. */

/** Fixed words: nothing that was presented is in them. */
export const Refusal = {
  /** Neither a token nor a JWT, by its form. */
  noToken: 'no_token',
  unknownToken: 'unknown_token',
  unknownCertificate: 'unknown_certificate',
  expired: 'expired',
  /** A JWT came, and no keys are configured. */
  noJwtKeys: 'no_jwt_keys',
  malformedJwt: 'malformed_jwt',
  /** Of the keys, none has the `kid` and the algorithm that the header names. */
  unknownKey: 'unknown_key',
  wrongSignature: 'wrong_signature',
  wrongIssuer: 'wrong_issuer',
  wrongAudience: 'wrong_audience',
  /** `nbf` is in the future. */
  notYet: 'not_yet',
  /** `exp` is missing, or no time. */
  noExpiry: 'no_expiry',
  noSubject: 'no_subject',
  noRights: 'no_rights',
  /** It is known who it is, and it may not administer. */
  noAdminRight: 'no_admin_right',
  /** A claim has another form than it should. */
  wrongClaims: 'wrong_claims',
} as const;

export type Refusal = (typeof Refusal)[keyof typeof Refusal];
export type OnRefused = (why: Refusal) => void;
