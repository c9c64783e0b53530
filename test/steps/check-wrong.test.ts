/** The checker is itself checked: on servers that are wrong on purpose it must fail where they are wrong. */
import { describe, expect, test } from 'vitest';
import { check, markOf, rowOf, serverFile } from './check-run.ts';

interface Found {
  step: number;
  check: string;
  /** As the transcript shows them. A mark stands under the first byte that differs, which is `at`, counted from 1. */
  expected: string;
  received: string;
  at?: number;
  /** Words of the transcript. */
  says?: string;
}

const ACCEPTED = '{"status":"accepted"}\\n';
const OK = (balance: number) => `{"status":"ok","balance":${balance}}\\n`;
const ERROR = (reason: string) => `{"status":"error","reason":"${reason}"}\\n`;
/** What is received of one that is mute, or hangs up. */
const NOTHING = 'nothing';
const HUNG_UP = 'problem   no reply: the server ended the connection';
const HANGS = 'problem   no reply: nothing came within 2 s';

/** By the name of the fault in servers/wrong.mjs. */
const FAULTS: Record<string, Found> = {
  'puts-spaces': {
    step: 3,
    check: 'accepted: buy',
    expected: ACCEPTED,
    received: '{"status": "accepted"}\\n',
    at: 11,
    says: 'no spaces',
  },
  'writes-no-newline': {
    step: 3,
    check: 'accepted: buy',
    expected: ACCEPTED,
    received: '{"status":"accepted"}',
    at: 22,
    says: 'it ends with \\n',
  },
  'ends-lines-with-cr': {
    step: 3,
    check: 'accepted: buy',
    expected: ACCEPTED,
    received: '{"status":"accepted"}\\r\\n',
    at: 22,
    says: 'without \\r',
  },
  'orders-keys-otherwise': {
    step: 3,
    check: 'invalid_json: what is not JSON',
    expected: ERROR('invalid_json'),
    received: '{"reason":"invalid_json","status":"error"}\\n',
    at: 3,
    says: 'The keys of a reply have an order',
  },
  'answers-twice': {
    step: 3,
    check: 'health',
    expected: 'nothing more',
    received: '{"status":"ok"}\\n',
    at: 1,
    says: 'exactly one reply',
  },
  'says-another-reason': {
    step: 3,
    check: 'unknown_type: a type that nobody knows',
    expected: ERROR('unknown_type'),
    received: ERROR('unknown_event'),
    at: 37,
  },
  'hangs-on-a-mark': {
    step: 3,
    check: 'invalid_json: a byte order mark',
    expected: ERROR('invalid_json'),
    received: NOTHING,
    says: `${HANGS}\nsent      \\xef\\xbb\\xbf{"user"`,
  },
  'skips-empty-lines': {
    step: 3,
    check: 'invalid_json: an empty line',
    expected: ERROR('invalid_json'),
    received: NOTHING,
    says: 'sent      \\n\n',
  },
  'hangs-where-it-throws': {
    step: 3,
    check: 'invalid_event: JSON that is not an object',
    expected: ERROR('invalid_event'),
    received: NOTHING,
    says: `The server printed meanwhile:
          [] is no null
              at the line of null
          TypeError: no fields
hint `,
  },
  'answers-without-end': {
    step: 3,
    check: 'accepted: buy',
    expected: 'nothing more',
    received: ACCEPTED,
    at: 1,
    says: 'exactly one reply',
  },
  'applies-loudly': {
    step: 4,
    check: 'applied: buy',
    expected: 'nothing more',
    received: OK(100),
    at: 1,
    says: 'exactly one reply',
  },
  'dies-of-null': {
    step: 3,
    check: 'invalid_event: JSON that is not an object',
    expected: ERROR('invalid_event'),
    received: NOTHING,
    says: "The server's process has ended, with exit code 1.\n          It printed last:\n",
  },
  'hangs-up-on-errors': {
    step: 3,
    check: 'invalid_json: what is not JSON',
    expected: ERROR('invalid_json'),
    received: NOTHING,
    says: HUNG_UP,
  },
  'takes-the-last-of-two': {
    step: 3,
    check: 'invalid_event: a known field that comes twice',
    expected: ERROR('invalid_event'),
    received: ACCEPTED,
    at: 12,
  },
  'decodes-with-loss': {
    step: 3,
    check: 'invalid_json: bytes that are not UTF-8',
    expected: ERROR('invalid_json'),
    received: ACCEPTED,
    at: 12,
    says: '"user":"U\\xff"',
  },
  'counts-characters': {
    step: 3,
    check: 'invalid_event: a user that is not a name of 1 to 128 bytes',
    expected: ERROR('invalid_event'),
    received: ACCEPTED,
    at: 12,
  },
  'never-hangs-up': {
    step: 3,
    check: 'a client that has ended its side gets its reply, and then the end of the connection',
    expected: 'the end of the connection, once every reply was sent',
    received: 'no end: the connection stays open',
    says: '(and ended its side)',
  },
  'adds-sales': { step: 4, check: 'applied: sell', expected: OK(-100), received: OK(100), at: 26 },
  'takes-packets-for-lines': {
    step: 4,
    check: 'a line in two packets',
    expected: 'nothing more',
    received: ERROR('invalid_json'),
    at: 1,
    says: 'a reply came before its line had ended',
  },
  'shares-the-rest': {
    step: 4,
    check: 'two clients, each with half a line at the same time',
    expected: '{"status":"ok"}\\n',
    received: ERROR('invalid_json'),
    at: 12,
  },
  'forgets-the-last-line': {
    step: 4,
    check: 'a last line without a newline, from a client that ends its side',
    expected: OK(5),
    received: NOTHING,
    says: HUNG_UP,
  },
  'hangs-up-at-once': {
    step: 4,
    check: 'a last line without a newline, from a client that ends its side',
    expected: OK(5),
    received: NOTHING,
    says: HUNG_UP,
  },
  'answers-when-it-likes': {
    step: 4,
    check: 'lines that end with \\r\\n',
    expected: OK(5),
    received: '{"status":"ok"}\\n',
    at: 15,
    says: 'answers   {"user":',
  },
  'counts-the-newline': {
    step: 4,
    check: 'a line of exactly 16384 bytes is not too long',
    expected: OK(5),
    received: ERROR('line_too_long'),
    at: 12,
    says: '(16385 bytes)',
  },
  'answers-long-lines-often': {
    step: 4,
    check: 'a line that is far too long, in many packets, is answered once',
    expected: OK(5),
    received: ERROR('line_too_long'),
    at: 12,
    says: '(8000 bytes), 12 times',
  },
  overflows: {
    step: 4,
    check: 'a balance never passes 2^53-1',
    expected: '{"status":"rejected","reason":"balance_overflow"}\\n',
    received: OK(2 ** 53),
    at: 12,
  },
  'normalises-names': {
    step: 4,
    check: 'names are compared byte by byte',
    expected: OK(20),
    received: OK(21),
    at: 27,
    says: 'e\\xcc\\x81',
  },
  'bounds-nothing': {
    step: 5,
    check: 'more than fits is refused, one reply for each, and the balance is the sum of what was accepted',
    expected: 'for some of 100 events {"status":"rejected","reason":"server_busy"}',
    received: '100 × {"status":"accepted"}',
  },
  'forgets-the-unwatched': {
    step: 5,
    check: 'more than fits is refused, one reply for each, and the balance is the sum of what was accepted',
    expected: OK(136),
    received: OK(129),
    at: 27,
  },
  'queues-health': {
    step: 5,
    check: 'health answers within 200 ms while the queue is full',
    expected: '{"status":"ok"} within 200 ms',
    received: 'the same, after',
  },
};

const wrong = (fault: string) => `node ${serverFile('wrong.mjs')} ${fault}`;

describe.concurrent('without a fault it passes', () => {
  for (const step of ['3', '5'])
    test(`check ${step}`, async () => {
      const run = await check(step, '--cmd', wrong('none'), '--quick');
      expect(run.stdout).not.toContain('✗');
      expect(run.exitCode).toBe(0);
    });
});

describe.concurrent('a server that', () => {
  for (const [fault, found] of Object.entries(FAULTS))
    test(fault, async () => {
      const run = await check(String(found.step), '--cmd', wrong(fault), '--quick');
      expect(run.failed).toBe(found.check);
      expect(run.exitCode).toBe(1);
      const [expected, received] = [rowOf(run, 'expected'), rowOf(run, 'received')];
      expect(expected).toBe(found.expected);
      if (found.at === undefined) expect(received.startsWith(found.received)).toBe(true);
      else expect(received).toBe(found.received);
      // Nothing before it is escaped in these replies: a byte is a column.
      expect(markOf(run)).toBe((found.at ?? 0) - 1);
      if (found.at !== undefined) {
        expect(run.stdout).toContain(`^ byte ${found.at}: expected `);
        if (found.at > 1) expect(expected.slice(0, found.at - 1)).toBe(received.slice(0, found.at - 1));
        expect(
          expected[found.at - 1] === received[found.at - 1] && expected[found.at] === received[found.at],
        ).toBe(false);
      }
      expect(run.rows.join('\n')).toContain(found.says ?? '');
      expect(rowOf(run, 'hint')).not.toBe('');
      expect(run.stdout).toMatch(
        /\n\d+ passed, 1 failed(?:, \d+ skipped)?(?:, \d+ not run yet: first this one)?\n$/,
      );
    });
});

describe.concurrent('an echo that', () => {
  const cases: readonly (readonly [fault: string, check: string, mark: string])[] = [
    [
      'echoes-decoded-packets',
      'characters that are cut by the end of a packet come back as they are',
      '^ byte 1: expected \\xc3, got \\xef',
    ],
    [
      'echoes-decoded-text',
      'bytes that are not UTF-8 come back as they are',
      '    ^ byte 2: expected \\xff, got \\xef',
    ],
    ['echoes-without-end', 'a line comes back', "^ byte 1: expected nothing, got 'h'"],
  ];
  for (const [fault, name, mark] of cases)
    test(fault, async () => {
      const run = await check('1', '--cmd', wrong(fault));
      expect(run.failed).toBe(name);
      expect(run.rows).toContain(`          ${mark}`);
    });
});
