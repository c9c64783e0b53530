/** What is wrong with the arguments of `tally token` is said before anything is done. */
import { describe, expect, test } from 'vitest';
import { readExpiry } from '../../src/security/cli/expiry.ts';
import { jsonLinesOf, rowsOf } from '../../src/security/cli/listing.ts';
import { lineOf, parseTokens } from '../../src/security/token-file.ts';
import { dryRun } from '../docs/dry-run.ts';

const RIGHT = { name: 'a', may: 'read', users: 'a:*', tokens: 'tokens' };

/** Of `tally token new`, with something else than what is right. */
const newWith = (more: Record<string, string | undefined>) =>
  dryRun([
    'token',
    'new',
    ...Object.entries({ ...RIGHT, ...more }).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}`, value],
    ),
  ]);

test('what is right comes as far as doing something', async () => {
  for (const more of [
    {},
    { may: 'write, admin,write' },
    { users: '' },
    { expires: '30d' },
    { certificate: 'a' },
  ])
    expect(await newWith(more)).toMatchObject({ hasBegun: true, stdout: '' });
});

test.each<[Record<string, string | undefined>, string]>([
  [{ tokens: undefined }, '--tokens FILE is missing; tally token new needs it'],
  [{ name: undefined }, '--name NAME is missing; tally token new needs it'],
  [{ may: undefined }, '--may RIGHTS (write, read, transfer and admin) is missing; tally token new needs it'],
  [{ users: undefined }, "--users PATTERNS ('*' for every user) is missing; tally token new needs it"],
  [{ may: 'write,raed' }, '--may: unknown right raed (read?); there are write, read, transfer and admin'],
  [{ may: ',' }, '--may is empty; there are write, read, transfer and admin'],
  [{ users: 'a*b' }, '--users: "a*b" has a * that is not at its end; only there it stands for any rest'],
  [{ name: 'a\nb' }, '--name "a\\nb" has characters that can not be seen'],
  [{ certificate: '' }, '--certificate "" is not a text with something in it'],
  [{ expires: '2001-01-01' }, '--expires 2001-01-01 is over: it was 2001-01-01T00:00:00Z'],
  [{ token: 'x' }, 'unknown flag --token (--tokens?); tally token new --help lists the flags'],
])('new with %j', async (more, said) => {
  expect(await newWith(more)).toEqual({
    exitCode: 2,
    hasBegun: false,
    stdout: '',
    stderr: `tally token: ${said}\n`,
  });
});

test.each([
  [[], 'new, list or revoke? tally token --help says more'],
  [['--tokens', 'a'], 'new, list or revoke? tally token --help says more'],
  [['nwe'], 'unknown command: nwe (new?); tally token --help lists them'],
  [['list'], '--tokens FILE is missing; tally token list needs it'],
  [['list', '--json=1'], '--json takes no value'],
  [['list', '--tokens'], '--tokens needs a value; tally token list --help shows how'],
  [['list', 'tokens'], 'tokens is no flag; tally token --help shows how. (Is a * quoted for the shell?)'],
  [['revoke', '--name', 'a'], '--tokens FILE is missing; tally token revoke needs it'],
  [['revoke', '--tokens', 'a'], '--name NAME is missing; tally token revoke needs it'],
])('%j', async (args, said) => {
  expect(await dryRun(['token', ...args])).toEqual({
    exitCode: 2,
    hasBegun: false,
    stdout: '',
    stderr: `tally token: ${said}\n`,
  });
});

describe('--expires', () => {
  const nowMs = Date.parse('2026-11-29T12:00:00.250Z');
  test.each([
    ['30d', '2026-12-29T12:00:01.000Z'],
    ['12h', '2026-11-30T00:00:01.000Z'],
    ['1m', '2026-11-29T12:01:01.000Z'],
    ['2027-01-01', '2027-01-01T00:00:00.000Z'],
    ['2026-11-29T13:30:00+01:00', '2026-11-29T12:30:00.000Z'],
  ])('%s', (text, end) => expect(new Date(readExpiry(text, nowMs)).toISOString()).toBe(end));

  test.each(['0d', '30', '1y', '999999999d', 'soon', ''])('%j is refused', text => {
    expect(() => readExpiry(text, nowMs)).toThrow(/is no time, such as 30d/);
  });

  test('what is over is refused', () => {
    expect(() => readExpiry('2026-11-29T12:00Z', nowMs)).toThrow(/is over: it was 2026-11-29T12:00:00Z/);
  });
});

test('a list for people shows what a terminal would not, as JSON does', () => {
  const nowMs = Date.UTC(2027, 0);
  const grant = { may: ['read' as const], sha256: 'a1'.repeat(32), expiresAtMs: Infinity };
  const entries = parseTokens(
    [
      lineOf({ ...grant, name: 'a', users: ['b', 'c,d:*', ' e', '\u001b[31m', 'é'], expiresAtMs: nowMs }),
      lineOf({
        ...grant,
        name: 'bé',
        sha256: undefined,
        certificate: 'CN',
        users: ['*', 'b'],
        expiresAtMs: nowMs + 1,
      }),
    ].join('\n'),
  );
  expect(rowsOf(entries, nowMs)).toBe(
    'a    token            read   b, "c,d:*", " e", "\\u001b[31m", é   expired 2027-01-01T00:00:00Z\n' +
      'bé   certificate CN   read   every user                          until 2027-01-01T00:00:00.001Z\n',
  );
  expect(
    jsonLinesOf(entries, nowMs)
      .split('\n')
      .map(line => line.slice(-14)),
  ).toEqual(['expired":true}', 'xpired":false}', '']);
});
