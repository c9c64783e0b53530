/** What is in force: tokens, certificates and JWTs, and what a reload leaves of who was let in before. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import type { FilesRead } from '../../src/config/files-read.ts';
import { type Access, Right } from '../../src/security/access.ts';
import { Authority, type AuthoritySettings } from '../../src/security/authority.ts';
import { Refusal } from '../../src/security/refusal.ts';
import { SecurityError } from '../../src/security/security-error.ts';
import { FILE_BYTES_MAX, modeWarning } from '../../src/security/small-file.ts';
import { hashOfToken, newToken } from '../../src/security/token.ts';
import { newFolder } from '../support/folders.ts';
import { AUDIENCE, claimsWith, edPair, ISSUER, jwtOf, NOW_MS, NOW_S, pemOf } from './signing.ts';

const [TILL, OTHER] = [newToken(), newToken()];
const KEYS = edPair();
const JWT = jwtOf(KEYS, { alg: 'EdDSA' });
const till = (more: object = {}) => ({
  name: 'till-3',
  sha256: hashOfToken(TILL),
  may: ['write', 'read'],
  users: ['till3:*'],
  ...more,
});
const certificate = (more: object = {}) => ({
  name: 'till-4',
  certificate: 'CN',
  may: ['admin'],
  users: ['*'],
  ...more,
});

let settings: AuthoritySettings;

beforeEach(() => {
  const folder = newFolder();
  settings = {
    tokens: `${folder}/tokens`,
    jwtKeys: `${folder}/keys`,
    jwtAudience: AUDIENCE,
    jwtIssuer: ISSUER,
  };
  writeFileSync(settings.jwtKeys, pemOf(KEYS));
  write(till(), certificate());
});

function write(...entries: object[]): void {
  writeFileSync(settings.tokens, entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
}

/** Who it is, and why it is nobody. */
async function answer(authority: Authority, token: string, nowMs = NOW_MS): Promise<Access | Refusal> {
  const why: Refusal[] = [];
  const access = await authority.check(token, refusal => why.push(refusal), nowMs);
  expect(why).toHaveLength(access === undefined ? 1 : 0);
  return access ?? why[0]!;
}

test('lets in who has a token, a JWT or a certificate', async () => {
  const authority = await Authority.open(settings);
  const now = authority.check(TILL);
  expect(now).toMatchObject({ name: 'token till-3', rights: Right.write | Right.read });
  expect(authority.check(OTHER)).toBeUndefined();
  expect(await answer(authority, JWT)).toMatchObject({ name: 'jwt till-7' });
  expect(authority.ofCertificate('CN')).toMatchObject({ name: 'certificate CN', rights: Right.admin });
  expect(authority.ofCertificate('till-4')).toBeUndefined();
});

test('a promise is only for what has the form of a JWT', async () => {
  const authority = await Authority.open(settings);
  const isPromise = (token: string) => authority.check(token) instanceof Promise;
  expect(
    [TILL, OTHER, `${TILL}.a.b`, 'a.b', 'a.b.c.d.e', 'a.b.', '', `a.${'b'.repeat(8_190)}.c`].filter(
      isPromise,
    ),
  ).toEqual([]);
  expect([JWT, 'a.b.c', `a.${'b'.repeat(8_188)}.c`].filter(isPromise)).toHaveLength(3);
  const withoutKeys = await Authority.open({ ...settings, jwtKeys: '', jwtAudience: '', jwtIssuer: '' });
  expect(withoutKeys.check(JWT)).toBeUndefined();
});

test('why nobody is let in is told, in fixed words', async () => {
  write(till({ expires: new Date(NOW_MS).toISOString() }), certificate({ expires: '2001-01-01' }));
  const authority = await Authority.open(settings);
  expect(await answer(authority, TILL, NOW_MS - 1)).toMatchObject({ name: 'token till-3' });
  expect(await answer(authority, TILL)).toBe(Refusal.expired);
  expect(await answer(authority, OTHER)).toBe(Refusal.unknownToken);
  for (const none of [
    '',
    'secret',
    TILL.slice(0, -1),
    `${TILL}a`,
    ` ${TILL}`,
    `${TILL}\n`,
    hashOfToken(TILL),
    '\0',
    'é',
  ])
    expect(await answer(authority, none)).toBe(Refusal.noToken);
  expect(await answer(authority, 'a.b.c')).toBe(Refusal.malformedJwt);
  expect(await answer(authority, jwtOf(edPair(), { alg: 'EdDSA' }))).toBe(Refusal.wrongSignature);
  expect(await answer(authority, `a.${'b'.repeat(8_190)}.c`)).toBe(Refusal.noToken);
  const why: Refusal[] = [];
  for (const name of ['CN', 'cn', '']) authority.ofCertificate(name, refusal => why.push(refusal));
  expect(why).toEqual([Refusal.expired, Refusal.unknownCertificate, Refusal.unknownCertificate]);
  const withoutKeys = await Authority.open({ ...settings, jwtKeys: '' });
  expect(await answer(withoutKeys, JWT)).toBe(Refusal.noJwtKeys);
});

describe('a reload', () => {
  async function reloaded(change: () => void, more: Partial<AuthoritySettings> = {}) {
    const authority = await Authority.open(settings);
    const before = [
      await answer(authority, TILL),
      authority.ofCertificate('CN'),
      await answer(authority, JWT),
    ] as Access[];
    for (const access of before) expect(authority.stillHolds(access, NOW_MS)).toEqual(access);
    change();
    const apply = await authority.prepare({ ...settings, ...more });
    // Nothing has changed until it is applied.
    for (const access of before) expect(authority.stillHolds(access, NOW_MS)).toEqual(access);
    apply();
    return { authority, before, after: before.map(access => authority.stillHolds(access, NOW_MS)) };
  }

  test('that changes nothing changes nothing', async () => {
    const { before, after } = await reloaded(() => {});
    expect(after).toEqual(before);
  });

  test('ends what was revoked', async () => {
    const { authority, before, after } = await reloaded(() => write(certificate()));
    expect(after).toEqual([undefined, before[1], before[2]]);
    expect(await answer(authority, TILL)).toBe(Refusal.unknownToken);
  });

  test('ends what now has another token', async () => {
    const { after } = await reloaded(() => write(till({ sha256: hashOfToken(OTHER) }), certificate()));
    expect(after[0]).toBeUndefined();
  });

  test('ends a certificate that is not named any more', async () => {
    const { after } = await reloaded(() => write(till(), certificate({ certificate: 'other' })));
    expect(after[1]).toBeUndefined();
  });

  test('changes rights, users, names and ends', async () => {
    const { after } = await reloaded(() =>
      write(
        till({ name: 'till-9', may: ['read'], users: ['*'], expires: '2100-01-01' }),
        certificate({ expires: '2001-01-01' }),
      ),
    );
    expect(after[0]).toMatchObject({
      name: 'token till-9',
      rights: Right.read,
      users: undefined,
      expiresAtMs: Date.UTC(2100, 0),
    });
    expect(after[1]).toBeUndefined();
  });

  test('without the key, for another audience or of another issuer ends the JWTs', async () => {
    for (const more of [{ jwtKeys: '' }, { jwtAudience: 'other' }, { jwtIssuer: 'other' }]) {
      const { before, after } = await reloaded(() => {}, more);
      expect(after).toEqual([before[0], before[1], undefined]);
    }
    const { after } = await reloaded(() => writeFileSync(settings.jwtKeys, pemOf(edPair())));
    expect(after[2]).toBeUndefined();
  });

  test('says how many entries are new, gone or changed, and nothing of what is in them', async () => {
    const authority = await Authority.open(settings);
    const news = async () => {
      const files: FilesRead = {};
      (await authority.prepare(settings, files))();
      return files;
    };
    const same = { added: 0, removed: 0, changed: 0 };
    const keys = { entries: 1, ...same };
    expect(await news()).toEqual({ tokens: { entries: 2, ...same }, 'jwt-keys': keys });
    write(till({ sha256: hashOfToken(OTHER) }), certificate(), certificate({ name: 'a', certificate: 'b' }));
    expect((await news()).tokens).toEqual({ entries: 3, added: 2, removed: 1, changed: 0 });
    // A line may be written otherwise, and an entry have another name: it allows the same.
    write(certificate({ name: 'b', certificate: 'b' }), certificate({ users: ['*', 'x'] }));
    expect((await news()).tokens).toEqual({ entries: 2, added: 0, removed: 1, changed: 0 });
    for (const more of [{ may: ['read'] }, { users: ['a*'] }, { users: ['a'] }, { expires: '2100-01-01' }]) {
      write(certificate(more));
      await news();
      expect((await news()).tokens).toEqual({ entries: 1, ...same });
      write(certificate());
      expect((await news()).tokens, JSON.stringify(more)).toEqual({ entries: 1, ...same, changed: 1 });
    }
    write(certificate({ users: ['a*'] }));
    await news();
    write(certificate({ users: ['a'] }));
    expect((await news()).tokens).toMatchObject({ changed: 1 });
    write();
    expect((await news()).tokens).toEqual({ entries: 0, ...same, removed: 1 });
    writeFileSync(settings.jwtKeys, `${pemOf(edPair())}${pemOf(KEYS)}`);
    expect((await news())['jwt-keys']).toEqual({ entries: 2, ...same, added: 1 });
    writeFileSync(settings.jwtKeys, pemOf(edPair()));
    expect((await news())['jwt-keys']).toEqual({ entries: 1, added: 1, removed: 2, changed: 0 });
  });

  test('without a file of tokens ends them', async () => {
    const { before, after } = await reloaded(() => {}, { tokens: '' });
    expect(after).toEqual([undefined, undefined, before[2]]);
  });

  test('ends a JWT that is being checked', async () => {
    const authority = await Authority.open(settings);
    const apply = await authority.prepare({ ...settings, jwtKeys: '' });
    const asked = answer(authority, JWT);
    apply();
    expect(await asked).toBe(Refusal.unknownKey);
  });

  test('that fails says why, and leaves everything as it was', async () => {
    const authority = await Authority.open(settings);
    const access = (await answer(authority, TILL)) as Access;
    for (const [path, text] of [
      [settings.tokens, '{}'],
      [settings.jwtKeys, 'x'],
    ] as const) {
      const before = readFileSync(path);
      writeFileSync(path, text);
      await expect(authority.prepare(settings)).rejects.toThrow(SecurityError);
      writeFileSync(path, before);
    }
    expect(authority.stillHolds(access, NOW_MS)).toBe(access);
    expect(await answer(authority, JWT)).toMatchObject({ name: 'jwt till-7' });
  });
});

test('what is let in ends at its time', async () => {
  const authority = await Authority.open(settings);
  const access = (await answer(
    authority,
    jwtOf(KEYS, { alg: 'EdDSA' }, claimsWith({ exp: NOW_S })),
  )) as Access;
  expect(authority.stillHolds(access, NOW_MS + 4_999)).toBe(access);
  expect(authority.stillHolds(access, NOW_MS + 5_000)).toBeUndefined();
});

describe('a file that can not be used', () => {
  const mistake = async (more: Partial<AuthoritySettings> = {}) => {
    const error = await Authority.open({ ...settings, ...more }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(SecurityError);
    const { message } = error as Error;
    expect(message).toMatch(/^[\x20-\x7e]+$/);
    return message;
  };

  test('is not there, is none, or can not be read', async () => {
    const place = newFolder();
    expect(await mistake({ tokens: `${place}/none` })).toBe(
      `--tokens ${place}/none: no such file or directory`,
    );
    expect(await mistake({ jwtKeys: place })).toBe(`--jwt-keys ${place} is not a file`);
    execFileSync('mkfifo', [`${place}/pipe`]);
    expect(await mistake({ tokens: `${place}/pipe` })).toBe(`--tokens ${place}/pipe is not a file`);
    expect(await mistake({ tokens: `${place}/a\n b` })).toBe(
      `--tokens "${place}/a\\n b": no such file or directory`,
    );
    expect(await mistake({ tokens: 'a\0b' })).toMatch(/^--tokens "a\\u0000b": The argument 'path' must be/);
    if (process.getuid!() !== 0) {
      chmodSync(settings.tokens, 0);
      expect(await mistake()).toBe(`--tokens ${settings.tokens}: permission denied`);
    }
  });

  test('is too large, or not UTF-8', async () => {
    writeFileSync(settings.tokens, Buffer.alloc(FILE_BYTES_MAX + 1, '#'));
    expect(await mistake()).toBe(`--tokens ${settings.tokens} has more than 8388608 bytes`);
    writeFileSync(settings.tokens, Buffer.from([0xff]));
    expect(await mistake()).toBe(`--tokens ${settings.tokens} is not UTF-8`);
    writeFileSync(settings.tokens, Buffer.alloc(FILE_BYTES_MAX, '#'));
    await Authority.open(settings);
  });

  test('says in which line, or what is wrong with a key', async () => {
    write(till(), till());
    expect(await mistake()).toBe(
      `--tokens ${settings.tokens}: line 2: the name "till-3" is in line 1 already`,
    );
    write();
    writeFileSync(settings.jwtKeys, '{}');
    expect(await mistake()).toMatch(/keys: is no JWK: it has no kty$/);
    expect(await mistake({ jwtAudience: '' })).toMatch(/keys: JWTs need an audience and an issuer/);
  });

  test('that others may write or read is warned of', () => {
    const warnings = [0o600, 0o640, 0o400, 0o644, 0o666, 0o660].map(mode => modeWarning('tokens', mode));
    expect(warnings).toEqual([
      undefined,
      undefined,
      undefined,
      'tokens can be read by others (mode 0644); chmod 600 mends it',
      'tokens can be written by others (mode 0666); chmod 600 mends it',
      'tokens can be written by others (mode 0660); chmod 600 mends it',
    ]);
  });
});
