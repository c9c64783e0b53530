import { describe, expect, test } from 'vitest';
import { isHttpRequest } from '../../src/protocol/http-request.ts';

const BYTES_MAX = 64;
/** As if it came behind other bytes. */
const judged = (line: string) => {
  const bytes = Buffer.from(`behind\n${line}\nmore`, 'latin1');
  return isHttpRequest(bytes, 7, bytes.length - 5, BYTES_MAX);
};
const long = (before: string, behind = '') => before + 'x'.repeat(BYTES_MAX - before.length) + behind;

describe('a line is the request line of HTTP:', () => {
  test.each([
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r',
    'GET /?a={"user":"a"} HTTP/1.0\r',
    'POST http://127.0.0.1:7878/ HTTP/1.1\r',
    'OPTIONS * HTTP/1.1\r',
    'CONNECT localhost:7878 HTTP/1.1\r',
    'PRI * HTTP/2.0\r',
    'chicken /a\xe9 HTTP/1.1\r',
    "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1",
    long('POST /', ' HTTP/1.1\r'),
    long('POST /'.padEnd(BYTES_MAX - 3, 'y'), ' HTTP/1.1\r'),
    long('post HTTP://host/', 'x'.repeat(100)),
  ])('%s', line => {
    expect(judged(line)).toBe(true);
  });
});

describe('a line is not:', () => {
  test.each([
    '',
    '\r',
    'POST',
    'POST ',
    'POST /',
    'POST / HTTP',
    'POST / HTTP/1.1 ',
    'POST / http/1.1',
    'POST / HTTP/11',
    'POST  / HTTP/1.1',
    'POST /a b HTTP/1.1',
    ' POST / HTTP/1.1',
    'Host: x HTTP/1.1',
    '{"user":"GET / HTTP/1.1","action":"buy","amount":1}',
    '"GET / HTTP/1.1"',
    // Too long: only a path or an address can be.
    long('x', 'x'),
    long('POST ', 'x'),
    long('POST /a b ', 'x'),
    long('POST /a b c', ' HTTP/1.1'),
    long('{"user":"a", /', 'x'),
    ' '.repeat(BYTES_MAX + 1),
  ])('%s', line => {
    expect(judged(line)).toBe(false);
  });
});

test('of a line that is too long, the bytes beyond the limit change nothing', () => {
  for (let limit = 1; limit < 36; limit++) {
    const line = `POST /${'x'.repeat(20)} HTTP/1.1\r`;
    const verdicts = [0, 1, 10, 100].map(more =>
      isHttpRequest(Buffer.from(line.slice(0, limit + 1) + '{'.repeat(more)), 0, limit + 1 + more, limit),
    );
    expect(new Set(verdicts).size, `limit ${limit}`).toBe(1);
  }
});
