/** JWTs: those of the issuer let somebody in, and none that anybody else could make does, or crashes anything. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Access, Right } from '../../src/security/access.ts';
import { JwtVerifier } from '../../src/security/jwt.ts';
import { Refusal } from '../../src/security/refusal.ts';
import {
  AUDIENCE,
  claimsWith,
  ecPair,
  edPair,
  ISSUER,
  jwkOf,
  jwtOf,
  NOW_MS,
  NOW_S,
  type Pair,
  part,
  rsaPair,
  SIGNING,
  verifiedBy,
} from './signing.ts';

const SETTINGS = { audience: AUDIENCE, issuer: ISSUER };
const RSA = rsaPair();
const [P256, P384, ED] = [ecPair('P-256'), ecPair('P-384'), edPair()];
const STRANGER = rsaPair();
const PAIRS: Record<string, Pair> = { RS256: RSA, PS256: RSA, ES256: P256, ES384: P384, EdDSA: ED };
const KEYS = JSON.stringify({
  keys: [jwkOf(RSA, { kid: 'rsa' }), jwkOf(P256, { kid: 'p256' }), jwkOf(P384), jwkOf(ED, { use: 'sig' })],
});
const verifier = await JwtVerifier.open(KEYS, SETTINGS);

const verified = (token: string, nowMs?: number) => verifiedBy(verifier, token, nowMs);

const good = jwtOf(RSA, { alg: 'RS256', kid: 'rsa' });

describe('of the issuer', () => {
  test.each(Object.keys(PAIRS))('%s', async alg => {
    const access = (await verified(jwtOf(PAIRS[alg]!, { alg }))) as Access;
    expect(access).toMatchObject({
      name: 'jwt till-7',
      rights: Right.write | Right.read,
      expiresAtMs: (NOW_S + 65) * 1_000,
    });
    const bytes = Buffer.from('till7:1till8:1');
    expect([0, 7].map(at => access.users!.has(bytes, at, 7))).toEqual([true, false]);
    expect(verifier.holds(access.proof)).toBe(true);
  });

  test.each<[string, object, object]>([
    ['rights in one text', { tally_may: ' transfer  admin ' }, { rights: Right.transfer | Right.admin }],
    ['every user', { tally_users: ['*'] }, { users: undefined }],
    ['an audience among others', { aud: ['a', AUDIENCE] }, { name: 'jwt till-7' }],
    [
      'other claims',
      { scope: 'x', nbf: NOW_S - 1, iat: 1, a: { b: 1 }, c: { b: 1 } },
      { name: 'jwt till-7' },
    ],
    ['a sub of 255 bytes', { sub: 'x'.repeat(255) }, { name: `jwt ${'x'.repeat(255)}` }],
  ])('%s', async (_, claims, access) => {
    expect(await verified(jwtOf(RSA, { alg: 'RS256' }, claimsWith(claims)))).toMatchObject(access);
  });

  test('no users are no user', async () => {
    for (const claims of [{ tally_users: undefined }, { tally_users: [] }, { tally_users: null }]) {
      const access = await verified(jwtOf(RSA, { alg: 'RS256' }, claimsWith(claims)));
      expect((access as Access).users!.has(Buffer.from('a'), 0, 1)).toBe(false);
    }
  });

  test('clocks may be 5 seconds apart, and an access ends when its token does', async () => {
    const at = async (claims: object, nowMs: number) =>
      verified(jwtOf(ED, { alg: 'EdDSA' }, claimsWith(claims)), nowMs);
    expect(await at({ exp: NOW_S }, NOW_MS + 4_999)).toMatchObject({ expiresAtMs: NOW_MS + 5_000 });
    expect(await at({ exp: NOW_S }, NOW_MS + 5_000)).toBe(Refusal.expired);
    expect(await at({ exp: NOW_S + 0.5 }, NOW_MS + 5_499)).toMatchObject({ expiresAtMs: NOW_MS + 5_500 });
    expect(await at({ exp: NOW_S + 0.5 }, NOW_MS + 5_500)).toBe(Refusal.expired);
    expect(await at({ nbf: NOW_S }, NOW_MS - 5_000)).toMatchObject({ name: 'jwt till-7' });
    expect(await at({ nbf: NOW_S }, NOW_MS - 5_001)).toBe(Refusal.notYet);
  });
});

/** Signed by the right key: the issuer has made a mistake, or meant somebody else. */
test.each<[string, object, Refusal]>([
  ['for somebody else', { aud: 'https://other.example' }, Refusal.wrongAudience],
  ['for others', { aud: [`${AUDIENCE}/`, ''] }, Refusal.wrongAudience],
  ['for nobody', { aud: undefined }, Refusal.wrongAudience],
  ['an audience in an object', { aud: { 0: AUDIENCE, length: 1 } }, Refusal.wrongAudience],
  ['of another issuer', { iss: `${ISSUER}/` }, Refusal.wrongIssuer],
  ['of issuers', { iss: [ISSUER] }, Refusal.wrongIssuer],
  ['of no issuer', { iss: undefined }, Refusal.wrongIssuer],
  ['without an end', { exp: undefined }, Refusal.noExpiry],
  ['an end that is a text', { exp: `${NOW_S + 60}` }, Refusal.noExpiry],
  ['an end that is null', { exp: null }, Refusal.noExpiry],
  ['an end beyond all dates', { exp: 1e300 }, Refusal.noExpiry],
  ['expired', { exp: NOW_S - 5 }, Refusal.expired],
  ['expired long ago', { exp: -1e15 }, Refusal.expired],
  ['too early', { nbf: NOW_S + 6 }, Refusal.notYet],
  ['a begin that is a text', { nbf: '0' }, Refusal.wrongClaims],
  ['of nobody', { sub: undefined }, Refusal.noSubject],
  ['a subject that is none', { sub: ['till-7'] }, Refusal.noSubject],
  ['an empty subject', { sub: '' }, Refusal.noSubject],
  ['a subject of two lines', { sub: 'a\nb' }, Refusal.noSubject],
  ['a long subject', { sub: 'x'.repeat(256) }, Refusal.noSubject],
  ['no rights', { tally_may: undefined }, Refusal.noRights],
  ['an empty list of rights', { tally_may: [] }, Refusal.noRights],
  ['an empty text of rights', { tally_may: ' ' }, Refusal.noRights],
  ['an unknown right', { tally_may: ['write', 'all'] }, Refusal.wrongClaims],
  ['a right of every object', { tally_may: 'constructor' }, Refusal.wrongClaims],
  ['rights that are numbers', { tally_may: 15 }, Refusal.wrongClaims],
  ['rights that are true', { tally_may: { write: true } }, Refusal.wrongClaims],
  ['users in a text', { tally_users: '*' }, Refusal.wrongClaims],
  ['users that are numbers', { tally_users: [7] }, Refusal.wrongClaims],
  ['a bad pattern', { tally_users: ['*:a'] }, Refusal.wrongClaims],
])('not let in: %s', async (_, claims, why) => {
  expect(await verified(jwtOf(RSA, { alg: 'RS256' }, claimsWith(claims)))).toBe(why);
});

const text = (claims: object) => JSON.stringify(claimsWith(claims));

/** What somebody without the key could send, or with a token of the issuer that is for something else. */
test.each<[string, string, Refusal]>([
  ['no signature, and says so', `${jwtOf(RSA, { alg: 'none' })}AA`, Refusal.unknownKey],
  ['the public key as a secret', jwtOf(RSA, { alg: 'HS256' }), Refusal.unknownKey],
  [
    'the public key as a secret, with the name of the key',
    jwtOf(RSA, { alg: 'HS256', kid: 'rsa' }),
    Refusal.unknownKey,
  ],
  [
    'an HMAC that is said to be RSA',
    jwtOf(RSA, { alg: 'RS256' }, claimsWith(), 'HS256'),
    Refusal.wrongSignature,
  ],
  ['an algorithm in other letters', jwtOf(RSA, { alg: 'rs256' }, claimsWith(), 'RS256'), Refusal.unknownKey],
  [
    'an algorithm that is in every object',
    jwtOf(RSA, { alg: 'toString' }, claimsWith(), 'RS256'),
    Refusal.unknownKey,
  ],
  ['no algorithm', jwtOf(RSA, {}, claimsWith(), 'RS256'), Refusal.malformedJwt],
  ['a list of algorithms', jwtOf(RSA, { alg: ['RS256'] }, claimsWith(), 'RS256'), Refusal.malformedJwt],
  ['an algorithm that no key has', jwtOf(RSA, { alg: 'RS512' }), Refusal.unknownKey],
  [
    'another algorithm than it was signed with',
    jwtOf(RSA, { alg: 'PS256' }, claimsWith(), 'RS256'),
    Refusal.wrongSignature,
  ],
  ['another key', jwtOf(STRANGER, { alg: 'RS256' }), Refusal.wrongSignature],
  [
    'another key in the header',
    jwtOf(STRANGER, { alg: 'RS256', jwk: jwkOf(STRANGER) }),
    Refusal.wrongSignature,
  ],
  [
    'another key elsewhere',
    jwtOf(STRANGER, { alg: 'RS256', jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/x' }),
    Refusal.wrongSignature,
  ],
  [
    'another certificate',
    jwtOf(STRANGER, { alg: 'RS256', x5c: [part('x')], x5t: 'x' }),
    Refusal.wrongSignature,
  ],
  ['the name of another key', jwtOf(RSA, { alg: 'RS256', kid: 'p256' }), Refusal.unknownKey],
  ['the name of no key', jwtOf(RSA, { alg: 'RS256', kid: 'nobody' }), Refusal.unknownKey],
  ['a name that is a path', jwtOf(RSA, { alg: 'RS256', kid: '../../../dev/null' }), Refusal.unknownKey],
  ['a name that is none', jwtOf(RSA, { alg: 'RS256', kid: ['rsa'] }), Refusal.unknownKey],
  ['what must be understood', jwtOf(RSA, { alg: 'RS256', crit: ['x'], x: 1 }), Refusal.malformedJwt],
  [
    'what must be understood, and is no list',
    jwtOf(RSA, { alg: 'RS256', crit: 'exp' }),
    Refusal.malformedJwt,
  ],
  [
    'claims that are not encoded',
    jwtOf(RSA, { alg: 'RS256', crit: ['b64'], b64: false }),
    Refusal.malformedJwt,
  ],
  ['a header with an algorithm twice', jwtOf(RSA, '{"alg":"none","alg":"RS256"}'), Refusal.malformedJwt],
  ['a header that is a list', jwtOf(RSA, '["RS256"]'), Refusal.malformedJwt],
  ['a header that is null', jwtOf(RSA, 'null'), Refusal.malformedJwt],
  ['a header that is no JSON', jwtOf(RSA, '{"alg":"RS256"'), Refusal.malformedJwt],
  [
    'a header that is not UTF-8',
    jwtOf(RSA, Buffer.from('7b22616c67223a225253323536222c2278ff223a317d', 'hex')),
    Refusal.malformedJwt,
  ],
  ['a JWT in a JWT', jwtOf(RSA, { alg: 'RS256', cty: 'JWT' }, good), Refusal.malformedJwt],
  ['claims that are a list', jwtOf(RSA, { alg: 'RS256' }, '[]'), Refusal.malformedJwt],
  ['claims that are null', jwtOf(RSA, { alg: 'RS256' }, 'null'), Refusal.malformedJwt],
  ['claims that are cut', jwtOf(RSA, { alg: 'RS256' }, text({}).slice(0, -1)), Refusal.malformedJwt],
  [
    'a subject twice',
    jwtOf(RSA, { alg: 'RS256' }, text({}).replace('{', '{"sub":"admin",')),
    Refusal.malformedJwt,
  ],
  [
    'rights twice, once escaped',
    jwtOf(RSA, { alg: 'RS256' }, text({}).replace('{', '{"tally\\u005fmay":"admin",')),
    Refusal.malformedJwt,
  ],
  [
    'an end that is no number of JSON',
    jwtOf(RSA, { alg: 'RS256' }, text({}).replace(`${NOW_S + 60}`, '1e999')),
    Refusal.noExpiry,
  ],
  [
    'a giant header',
    jwtOf(RSA, { alg: 'RS256', x: 'x'.repeat(100_000) }, claimsWith(), 'none').concat('AA'),
    Refusal.wrongSignature,
  ],
  [
    'a header as deep as it is long',
    jwtOf(RSA, `${'{"a":'.repeat(1_500)}1${'}'.repeat(1_500)}`),
    Refusal.malformedJwt,
  ],
])('not let in: %s', async (_, token, why) => {
  expect(await verified(token)).toBe(why);
});

test('no changed, missing or added character is let in', async () => {
  for (const [alg, pair] of Object.entries(PAIRS)) {
    const token = jwtOf(pair, { alg });
    expect(await verified(token)).toMatchObject({ name: 'jwt till-7' });
    const letters = fc.constantFrom(...'ABCQZagwxyz0189-_.=+/ \n\0é');
    const changed = fc
      .tuple(fc.nat(token.length - 1), fc.nat(2), fc.array(letters, { maxLength: 2 }))
      .map(([at, length, more]) => token.slice(0, at) + more.join('') + token.slice(at + length))
      .filter(other => other !== token);
    await fc.assert(
      fc.asyncProperty(changed, async other => {
        expect(typeof (await verified(other))).toBe('string');
      }),
      { numRuns: 150 },
    );
  }
});

test('no header or claims of a stranger let anybody in', async () => {
  const header = fc.record(
    {
      alg: fc.oneof(
        fc.constantFrom(...Object.keys(SIGNING), 'ES256K', 'Ed25519', '__proto__'),
        fc.jsonValue(),
      ),
      kid: fc.oneof(fc.constantFrom('rsa', 'p256'), fc.jsonValue()),
      crit: fc.jsonValue(),
      typ: fc.jsonValue(),
      jwk: fc.constant(jwkOf(STRANGER)),
      b64: fc.boolean(),
    },
    { requiredKeys: ['alg'] },
  );
  const claims = fc.record({
    sub: fc.jsonValue(),
    exp: fc.jsonValue(),
    tally_may: fc.jsonValue(),
    tally_users: fc.jsonValue(),
  });
  const signed = fc.constantFrom('RS256', 'PS256', 'HS256', 'none');
  await fc.assert(
    fc.asyncProperty(header, fc.oneof(fc.constant({}), claims), signed, async (head, more, how) => {
      const token = jwtOf(how === 'HS256' ? RSA : STRANGER, head, claimsWith(more), how);
      expect(typeof (await verified(token))).toBe('string');
    }),
    { numRuns: 300 },
  );
});

test('whatever the issuer claims, nobody gets more than the claims say', async () => {
  const rights = fc.subarray(Object.keys(Right));
  const claims = fc.record(
    {
      sub: fc.oneof(fc.string({ minLength: 1 }), fc.jsonValue()),
      exp: fc.oneof(fc.integer({ min: NOW_S - 9, max: NOW_S + 9 }), fc.double()),
      tally_may: fc.oneof(
        rights,
        rights.map(names => names.join(' ')),
        fc.jsonValue(),
      ),
      tally_users: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  let letIn = 0;
  await fc.assert(
    fc.asyncProperty(claims, async more => {
      const said = claimsWith(more) as { sub: string; exp: number; tally_may: string; tally_users: string[] };
      const access = await verified(jwtOf(ED, { alg: 'EdDSA' }, said));
      if (typeof access === 'string') return;
      letIn += 1;
      expect(access.name).toBe(`jwt ${said.sub}`);
      expect(access.expiresAtMs).toBeGreaterThan(NOW_MS);
      expect(access.expiresAtMs).toBe((said.exp + 5) * 1_000);
      const names = Array.isArray(said.tally_may) ? said.tally_may : said.tally_may.split(' ');
      for (const [name, bit] of Object.entries(Right))
        expect((access.rights & bit) !== 0).toBe(names.includes(name));
      if (access.users === undefined) expect(said.tally_users).toContain('*');
    }),
    { numRuns: 400 },
  );
  // Some thirty, as a rule.
  expect(letIn).toBeGreaterThan(5);
});
