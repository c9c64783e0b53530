/** The file of tokens: what it says, what is refused, and that no secret is in a message. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RIGHT_NAMES, Right, type RightName, rightsOf } from '../../src/security/access.ts';
import { hashOfToken, newToken } from '../../src/security/token.ts';
import {
  type Grant,
  lineOf,
  parseTokens,
  parseTokensInTurns,
  TokenFileError,
} from '../../src/security/token-file.ts';

const HASH = 'a1'.repeat(32);
const entry = (more: object = {}) => ({
  name: 'till-3',
  sha256: HASH,
  may: ['write'],
  users: ['till3:*'],
  ...more,
});
const fileOf = (...entries: object[]) => entries.map(each => `${JSON.stringify(each)}\n`).join('');

function mistakeIn(text: string): string {
  try {
    parseTokens(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TokenFileError);
    const { message } = error as Error;
    expect(message).toMatch(/^line \d+: [^\r\n]+$/);
    return message;
  }
  throw new Error(`no mistake in ${text}`);
}

test('an entry says who, what, for whom and until when', () => {
  const text = `# the tills\r\n\r\n${fileOf(entry({ may: ['write', 'read'], expires: '2027-01-01T00:00:00Z' }))}
  {"name":"till-4","certificate":"till-4.shop","may":["admin"],"users":["*"]}`;
  const [till3, till4, ...others] = parseTokens(text);
  expect(others).toEqual([]);
  expect(till3).toMatchObject({
    line: 3,
    access: {
      name: 'token till-3',
      rights: Right.write | Right.read,
      expiresAtMs: Date.UTC(2027, 0, 1),
    },
  });
  const bytes = Buffer.from('till3:1till4:1');
  expect(till3!.access.users!.has(bytes, 0, 7)).toBe(true);
  expect(till3!.access.users!.has(bytes, 7, 7)).toBe(false);
  expect(till4).toMatchObject({
    line: 5,
    access: { name: 'certificate till-4.shop', rights: Right.admin, users: undefined, expiresAtMs: Infinity },
  });
});

test('the rights are a bit each', () => {
  expect(rightsOf(RIGHT_NAMES)).toBe(15);
  expect(RIGHT_NAMES.map(name => rightsOf([name]))).toEqual([1, 2, 4, 8]);
});

describe('refused, with the line and what is wrong', () => {
  const { sha256: _, ...without } = entry();
  test.each<[string, string, string | RegExp]>([
    ['no JSON', `${fileOf(entry())}{"name":`, 'line 2: is not JSON'],
    ['no object', '[]', 'line 1: is not an object'],
    ['null', '\n\nnull', 'line 3: is not an object'],
    [
      'an unknown key',
      fileOf(entry({ mai: 1 })),
      'line 1: has the unknown key "mai"; there are name, sha256, certificate, may, users, expires',
    ],
    ['a key of every object', fileOf(entry()).replace('"may"', '"__proto__"'), /unknown key "__proto__"/],
    ['a key twice', fileOf(entry()).replace('{', '{"may":["admin"],'), 'line 1: has the key "may" twice'],
    [
      'a key twice, escaped',
      fileOf(entry()).replace('{', '{"m\\u0061y":["admin"],'),
      /has the key "may" twice/,
    ],
    ['no name', fileOf(entry({ name: undefined })), 'line 1: has no name'],
    ['an empty name', fileOf(entry({ name: '' })), 'line 1: its name is not a text with something in it'],
    [
      'a name that is none',
      fileOf(entry({ name: 7 })),
      'line 1: its name is not a text with something in it',
    ],
    [
      'a long name',
      fileOf(entry({ name: 'é'.repeat(65) })),
      'line 1: its name has 130 bytes; 128 are the most',
    ],
    [
      'a name of two lines',
      fileOf(entry({ name: 'a\nb' })),
      'line 1: its name has characters that can not be seen',
    ],
    ['no hash', fileOf(without), 'line 1: has to have a sha256 or a certificate, and not both'],
    [
      'a hash and a certificate',
      fileOf(entry({ certificate: 'x' })),
      /sha256 or a certificate, and not both/,
    ],
    [
      'a short hash',
      fileOf(entry({ sha256: HASH.slice(1) })),
      'line 1: its sha256 is not 64 hex digits, but 63',
    ],
    [
      'a hash of other letters',
      fileOf(entry({ sha256: `g${HASH.slice(1)}` })),
      /its sha256 is not 64 hex digits, but 64/,
    ],
    ['a hash that is no text', fileOf(entry({ sha256: 7 })), 'line 1: its sha256 is not 64 hex digits'],
    [
      'a long certificate',
      fileOf({ ...without, certificate: 'x'.repeat(256) }),
      /its certificate has 256 bytes; 255 are/,
    ],
    [
      'no rights',
      fileOf(entry({ may: undefined })),
      'line 1: its may is not a list of rights: write, read, transfer, admin',
    ],
    ['an empty list of rights', fileOf(entry({ may: [] })), /its may is not a list of rights/],
    ['rights in a text', fileOf(entry({ may: 'write' })), /its may is not a list of rights/],
    [
      'an unknown right',
      fileOf(entry({ may: ['write', 'wirte'] })),
      'line 1: has the unknown right "wirte"; there are write, read, transfer, admin',
    ],
    ['a right of every object', fileOf(entry({ may: ['toString'] })), /unknown right "toString"/],
    ['a right that is no text', fileOf(entry({ may: [null] })), /unknown right object/],
    ['no users', fileOf(entry({ users: undefined })), /its users are not a list of names and prefixes/],
    [
      'users that are no texts',
      fileOf(entry({ users: ['a', 1] })),
      /its users are not a list of names and prefixes/,
    ],
    [
      'a bad pattern',
      fileOf(entry({ users: ['a*b'] })),
      'line 1: users: "a*b" has a * that is not at its end; only there it stands for any rest',
    ],
    [
      'no date',
      fileOf(entry({ expires: '2027-02-29' })),
      'line 1: its expires is no time, such as "2027-01-01T00:00:00Z"',
    ],
    ['a date that is a number', fileOf(entry({ expires: 1 })), /its expires is no time/],
    [
      'a name twice',
      fileOf(entry(), entry({ sha256: 'b2'.repeat(32) })),
      'line 2: the name "till-3" is in line 1 already',
    ],
    [
      'a hash twice',
      `#\n${fileOf(entry(), entry({ name: 'b', sha256: HASH.toUpperCase() }))}`,
      'line 3: the same sha256 is in line 2 already',
    ],
    [
      'a certificate twice',
      fileOf({ ...without, certificate: 'x' }, { ...without, name: 'b', certificate: 'x' }),
      'line 2: the certificate "x" is in line 1 already',
    ],
  ])('%s', (_name, text, said) => {
    const message = mistakeIn(text);
    if (typeof said === 'string') expect(message).toBe(said);
    else expect(message).toMatch(said);
  });
});

test('a secret in a wrong place is not repeated', () => {
  const token = newToken();
  for (const secret of [token, HASH])
    for (const text of [
      `{${JSON.stringify(secret)}`,
      fileOf(entry({ [secret]: 1 })),
      `{${JSON.stringify(secret)}:1,${JSON.stringify(secret)}:2}`,
      fileOf(entry({ may: [secret] })),
      fileOf(entry({ sha256: `${secret}x` })),
      fileOf(entry({ expires: secret })),
      fileOf(entry({ sha256: hashOfToken(token) }), entry({ name: 'b', sha256: hashOfToken(token) })),
    ]) {
      const message = mistakeIn(text);
      expect(message).not.toContain(secret.slice(6, 20));
      expect(message).not.toContain(hashOfToken(token));
    }
});

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter(text => !/[\p{C}\p{Zl}\p{Zp}]/u.test(text));
const user = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .map(text => text.replaceAll('*', '+'))
  .filter(text => Buffer.byteLength(text) <= 128);
const grant: fc.Arbitrary<Grant> = fc.record({
  name,
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex')),
  may: fc.subarray(RIGHT_NAMES as RightName[], { minLength: 1 }),
  users: fc.array(
    fc.oneof(
      user,
      user.map(text => `${text}*`),
      fc.constant('*'),
    ),
    { maxLength: 4 },
  ),
  expiresAtMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 253_402_300_799_999 })),
});
const grants = fc
  .uniqueArray(grant, { selector: each => each.name, maxLength: 5 })
  .map(all => all.map((each, at) => (at % 2 ? { ...each, sha256: undefined, certificate: `c${at}` } : each)));

test('what is written is what is read, among lines for people', async () => {
  await fc.assert(
    fc.asyncProperty(grants, fc.constantFrom('', '# a note', '   ', '\r'), async (all, between) => {
      const text = all.map(each => `${between}\n  ${lineOf(each)}\r\n`).join('');
      const entries = parseTokens(text);
      expect(entries).toMatchObject(all);
      expect(entries.map(({ line }) => line)).toEqual(all.map((_, at) => 2 * at + 2));
      expect((await parseTokensInTurns(text)).map(({ line: _, access: __, ...each }) => each)).toEqual(
        entries.map(({ line: _, access: __, ...each }) => each),
      );
    }),
    { numRuns: 200 },
  );
});

test('any text is read, or refused in one line', () => {
  const good = fileOf(entry(), { ...entry({ name: 'b', expires: '2027-01-01' }), sha256: 'b2'.repeat(32) });
  const pieces = fc.constantFrom(
    ...'{}[]":,\\\n# \ud800é',
    '"may"',
    '["*"]',
    'null',
    '1e999',
    '\\u0000',
    HASH,
  );
  const cut = fc
    .tuple(fc.nat(good.length), fc.nat(6), fc.array(pieces, { maxLength: 3 }))
    .map(([at, length, more]) => good.slice(0, at) + more.join('') + good.slice(at + length));
  const verdicts = new Set<string>();
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(pieces).map(all => all.join('')),
        cut,
      ),
      text => {
        try {
          verdicts.add(`${parseTokens(text).length} entries`);
        } catch (error) {
          expect(error).toBeInstanceOf(TokenFileError);
          expect((error as Error).message).toMatch(/^line \d+: [\x20-\x7e]+$/);
          verdicts.add((error as Error).message.replace(/\d+|".*"/g, ''));
        }
      },
    ),
    { numRuns: 3_000 },
  );
  // It has seen more than one kind of text.
  expect(verdicts.size).toBeGreaterThan(10);
});

test('a large file is read with pauses', async () => {
  const text = Array.from({ length: 5_000 }, (_, at) =>
    lineOf({
      ...parseTokens(fileOf(entry()))[0]!,
      name: `t${at}`,
      sha256: at.toString(16).padStart(64, '0'),
    }),
  ).join('\n');
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  const entries = await parseTokensInTurns(text);
  clearInterval(timer);
  expect(entries).toHaveLength(5_000);
  expect(turns).toBeGreaterThan(3);
  await expect(parseTokensInTurns(`${text}\n{}`)).rejects.toThrow('line 5001: has no name');
});
