/** Tokens, how they are looked up, and until when. */
import { describe, expect, test } from 'vitest';
import { momentText, readMoment } from '../../src/security/moments.ts';
import { hashOfToken, isToken, newToken } from '../../src/security/token.ts';
import { TokenBook } from '../../src/security/token-book.ts';
import { parseTokens } from '../../src/security/token-file.ts';

const entry = (more: object) =>
  JSON.stringify({ name: 'till-3', may: ['write'], users: ['till3:*'], ...more });

describe('moments', () => {
  test.each([
    ['2027-01-01', '2027-01-01T00:00:00Z'],
    ['2027-01-01T12:00', '2027-01-01T12:00:00Z'],
    ['2027-01-01 12:00:01.5+02:00', '2027-01-01T10:00:01.500Z'],
    ['2028-02-29T23:59:59Z', '2028-02-29T23:59:59Z'],
  ])('%s', (text, written) => expect(momentText(readMoment(text)!)).toBe(written));

  test.each([
    '',
    '2027',
    '2027-02-29',
    '2027-13-01',
    '2027-01-01T25:00Z',
    '2027-01-01T12',
    '1.1.2027',
    '2027-01-01Z',
    ' 2027-01-01',
  ])('%j is none', text => expect(readMoment(text)).toBeUndefined());
});

describe('tokens', () => {
  const token = newToken();
  const text = `${entry({ sha256: hashOfToken(token) })}\n${entry({ name: 'b', certificate: 'CN' })}`;
  const book = new TokenBook(parseTokens(text));

  test('are new each time, and known by their form', () => {
    expect(token).toMatch(/^tally_[A-Za-z0-9_-]{43}$/);
    expect(new Set(Array.from({ length: 100 }, newToken)).size).toBe(100);
    expect([isToken(token), isToken(`${token}a`), isToken(`${token}\n`), isToken(token.slice(1))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('are found by the whole of them', () => {
    expect(book.ofToken(token)).toMatchObject({ name: 'token till-3' });
    for (let at = 0; at < token.length; at += 1) {
      const other = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(book.ofToken(other)).toBeUndefined();
    }
    expect(book.ofToken(hashOfToken(token))).toBeUndefined();
    expect(book.ofCertificate('CN')).toMatchObject({ name: 'certificate CN' });
    expect(book.ofCertificate('cn')).toBeUndefined();
  });

  test('are found by all of their hash, not by its first digits', () => {
    const start = hashOfToken(token).slice(0, 16);
    const others = ['a', 'b'].map(end => entry({ name: end, sha256: start + end.repeat(48) }));
    expect(new TokenBook(parseTokens(others.join('\n'))).ofToken(token)).toBeUndefined();
    const all = [others[0], text, others[1]!.replace('"b"', '"c"')].join('\n');
    expect(new TokenBook(parseTokens(all)).ofToken(token)).toMatchObject({ name: 'token till-3' });
  });
});
