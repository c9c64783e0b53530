/** Files of keys for JWTs: which are taken, what each key is good for, and what is refused in words. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Access } from '../../src/security/access.ts';
import { JwtVerifier } from '../../src/security/jwt.ts';
import { Refusal } from '../../src/security/refusal.ts';
import { AUDIENCE, ecPair, ISSUER, jwkOf, jwtOf, pemOf, rsaPair, verifiedBy } from './signing.ts';

const SETTINGS = { audience: AUDIENCE, issuer: ISSUER };
const [RSA, STRANGER, P256] = [rsaPair(), rsaPair(), ecPair('P-256')];
const good = jwtOf(RSA, { alg: 'RS256', kid: 'rsa' });

describe('keys', () => {
  const open = (keys: string, settings = SETTINGS) => JwtVerifier.open(keys, settings);
  const json = (value: object) => JSON.stringify(value);
  const odd = jwkOf(ecPair('P-521'));
  const privateJwk = RSA.privateKey.export({ format: 'jwk' });

  test.each<[string, () => string]>([
    ['PEM', () => pemOf(RSA)],
    ['PEM among others', () => `# a note\n${pemOf(P256)}\n${pemOf(RSA)}`],
    ['JWK', () => json(jwkOf(RSA))],
    [
      'JWK with its alg',
      () => json(jwkOf(RSA, { alg: 'RS256', use: 'sig', key_ops: ['verify'], ext: true })),
    ],
    [
      'JWKS with keys for other purposes',
      () =>
        json({
          keys: [
            jwkOf(STRANGER, { use: 'enc' }),
            jwkOf(STRANGER, { key_ops: ['encrypt'] }),
            jwkOf(STRANGER, { alg: 'RSA-OAEP' }),
            odd,
            { kty: 'new' },
            jwkOf(RSA),
          ],
        }),
    ],
  ])('%s', async (_name, keys) => {
    const by = await open(keys());
    expect(await verifiedBy(by, good)).toMatchObject({ name: 'jwt till-7' });
    expect(await verifiedBy(by, jwtOf(STRANGER, { alg: 'RS256' }))).toBe(Refusal.wrongSignature);
  });

  test('of several keys without names, the one that has signed is found', async () => {
    const by = await open(`${pemOf(STRANGER)}${pemOf(RSA)}`);
    for (const pair of [RSA, STRANGER])
      expect(await verifiedBy(by, jwtOf(pair, { alg: 'RS256', kid: 'any' }))).toMatchObject({
        name: 'jwt till-7',
      });
    expect(await verifiedBy(by, jwtOf(rsaPair(), { alg: 'RS256' }))).toBe(Refusal.wrongSignature);
  });

  test('a key that names its algorithm is for no other one', async () => {
    const by = await open(json(jwkOf(RSA, { alg: 'PS256' })));
    expect(await verifiedBy(by, good)).toBe(Refusal.unknownKey);
    expect(await verifiedBy(by, jwtOf(RSA, { alg: 'PS256' }))).toMatchObject({ name: 'jwt till-7' });
  });

  test('a proof holds as long as its key, its algorithm, the issuer and the audience do', async () => {
    const { proof } = (await verifiedBy(await open(pemOf(RSA)), good)) as Access;
    const holds = async (keys: string, settings = SETTINGS) => (await open(keys, settings)).holds(proof);
    expect(await holds(pemOf(RSA))).toBe(true);
    expect(await holds(pemOf(STRANGER))).toBe(false);
    expect(await holds(json(jwkOf(RSA, { alg: 'PS256' })))).toBe(false);
    expect(await holds(pemOf(RSA), { ...SETTINGS, issuer: 'other' })).toBe(false);
    expect(await holds(pemOf(RSA), { ...SETTINGS, audience: 'other' })).toBe(false);
  });

  test.each<[string, string, string | RegExp]>([
    ['nothing', '', /^is none of: a public key in PEM/],
    ['words', 'ssh-rsa AAAA', /^is none of/],
    ['broken JSON', '{"keys":', 'is not JSON'],
    [
      'a member twice',
      json(jwkOf(RSA)).replace('{', '{"alg":"RS256","alg":"PS256",'),
      'has the key "alg" twice in one object',
    ],
    ['keys that are no list', '{"keys":{}}', 'its keys are not a list of JWKs'],
    ['keys that are none', '{"keys":[null]}', 'its keys are not a list of JWKs'],
    ['an empty set', '{"keys":[]}', /^has no key that signs JWTs/],
    ['a set without a key for us', json({ keys: [odd] }), /^has no key that signs JWTs/],
    ['too many keys', json({ keys: Array(65).fill(jwkOf(P256)) }), 'has 65 keys; 64 are the most'],
    ['a secret', json({ kty: 'oct', k: 'c2VjcmV0' }), /^has a secret or private key/],
    [
      'a secret among keys',
      json({ keys: [jwkOf(RSA), { kty: 'oct', k: 'c2VjcmV0' }] }),
      /^has a secret or private key/,
    ],
    ['a private JWK', json(privateJwk), /^has a secret or private key/],
    [
      'a private PEM',
      RSA.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      /^has a private key: openssl pkey -pubout/,
    ],
    [
      'an old private PEM',
      RSA.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string,
      /^has a private key/,
    ],
    [
      'an old public PEM',
      RSA.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string,
      'has a block BEGIN "RSA PUBLIC KEY", not BEGIN PUBLIC KEY',
    ],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /^has a certificate: openssl x509 -pubkey/,
    ],
    ['a broken PEM', pemOf(RSA).replace(/M/g, 'N'), 'has a key that can not be read'],
    ['a broken JWK', json({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }), 'has a key that can not be read'],
    [
      'a key of another type',
      json(odd),
      'a key is of the type "EC P-521"; there are RSA, EC P-256, EC P-384, OKP Ed25519',
    ],
    ['a PEM of another type', pemOf(generateKeyPairSync('x25519')), /^a key is of the type "OKP X25519"/],
    [
      'a PEM of a type that no JWK has',
      pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 })),
      'has a key that can not be read',
    ],
    [
      'an algorithm for secrets',
      json(jwkOf(RSA, { alg: 'HS256' })),
      'a key has the alg "HS256"; for its type there are RS256, PS256',
    ],
    [
      'an algorithm of another type',
      json(jwkOf(P256, { alg: 'RS256' })),
      'a key has the alg "RS256"; for its type there are ES256',
    ],
    ['a short key', pemOf(rsaPair(1_024)), 'an RSA key has 1024 bits; 2048 are the least'],
    ['a key for encryption', json(jwkOf(RSA, { use: 'enc' })), /^a key is not for signatures/],
    ['a kid that is no text', json(jwkOf(RSA, { kid: 7 })), 'the kid of a key is not a text'],
  ])('refused: %s', async (_name, keys, said) => {
    await expect(open(keys)).rejects.toThrow(said);
  });

  test('without an audience or an issuer there are no JWTs', async () => {
    for (const settings of [
      { ...SETTINGS, audience: '' },
      { ...SETTINGS, issuer: '' },
    ])
      await expect(open(pemOf(RSA), settings)).rejects.toThrow(/^JWTs need an audience and an issuer/);
  });
});
