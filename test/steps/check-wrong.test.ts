/** The checker is itself checked: on servers that are wrong on purpose it must fail where they are wrong. */
import { describe, expect, test } from 'vitest';
import { SILENT } from '../../steps/kit/check/report.ts';
import { runStage } from '../../steps/kit/check/run.ts';
import { stageOf } from '../../steps/kit/check/stages.ts';
import { ofCommand } from '../../steps/kit/server.ts';
import { check, type Found, findings, wrong } from './check-run.ts';

/**
 * The name of the fault in servers/wrong.mjs, then what the transcript shows: what was expected and received, the first
 * byte that differs, counted from 1, which has a mark (0: none has), and words that are in it.
 */
type Fault = [name: string, expected: string, received: string, at: number, says?: string];

const ACCEPTED = '{"status":"accepted"}\\n';
const OK = (balance: number) => `{"status":"ok","balance":${balance}}\\n`;
const HEALTHY = '{"status":"ok"}\\n';
const ERROR = (reason: string) => `{"status":"error","reason":"${reason}"}\\n`;
const [BAD_JSON, BAD_EVENT] = [ERROR('invalid_json'), ERROR('invalid_event')];
const MORE = 'nothing more';
/** What is received of one that is mute, or hangs up. */
const NOTHING = 'nothing';
const HUNG_UP = 'problem   no reply: the server ended the connection';
const HANGS = 'problem   no reply: nothing came within 5 s';
const TWICE = 'exactly one reply';

// biome-ignore format: a table
const FAULTS: readonly (readonly [step: number, check: string, ...Fault[]])[] = [
  // Those that take longest come first.
  [5, 'more than fits is refused, one reply for each, and the balance is the sum of what was accepted',
    ['bounds-nothing', 'for some of 100 events {"status":"rejected","reason":"server_busy"}', '100 × {"status":"accepted"}', 0],
    ['forgets-the-unwatched', OK(136), OK(129), 27]],
  [5, 'health answers within 200 ms while the queue is full',
    ['queues-health', '{"status":"ok"} within 200 ms', 'the same, after', 0]],
  [3, 'accepted: buy', ['puts-spaces', ACCEPTED, '{"status": "accepted"}\\n', 11, 'no spaces'],
    ['writes-no-newline', ACCEPTED, '{"status":"accepted"}', 22, 'it ends with \\n'],
    ['ends-lines-with-cr', ACCEPTED, '{"status":"accepted"}\\r\\n', 22, 'without \\r'],
    ['answers-without-end', MORE, ACCEPTED, 1, TWICE]],
  [3, 'invalid_json: what is not JSON',
    ['orders-keys-otherwise', BAD_JSON, '{"reason":"invalid_json","status":"error"}\\n', 3, 'have an order'],
    ['hangs-up-on-errors', BAD_JSON, NOTHING, 0, HUNG_UP]],
  [3, 'health', ['answers-twice', MORE, HEALTHY, 1, TWICE]],
  [3, 'unknown_type: a type that nobody knows',
    ['says-another-reason', ERROR('unknown_type'), ERROR('unknown_event'), 37]],
  [3, 'invalid_json: a byte order mark',
    ['hangs-on-a-mark', BAD_JSON, NOTHING, 0, `${HANGS}\nsent      \\xef\\xbb\\xbf{"user"`]],
  [3, 'invalid_json: an empty line', ['skips-empty-lines', BAD_JSON, NOTHING, 0, 'sent      \\n\n']],
  [3, 'invalid_event: JSON that is not an object',
    ['hangs-where-it-throws', BAD_EVENT, NOTHING, 0,
      `The server printed meanwhile:
          [] is no null
              at the line of null
          TypeError: no fields
hint `],
    ['dies-of-null', BAD_EVENT, NOTHING, 0, "The server's process has ended, with exit code 1.\n          It printed last:\n"]],
  [3, 'invalid_event: a known field that comes twice', ['takes-the-last-of-two', BAD_EVENT, ACCEPTED, 12]],
  [3, 'invalid_json: bytes that are not UTF-8', ['decodes-with-loss', BAD_JSON, ACCEPTED, 12, '"user":"U\\xff"']],
  [3, 'invalid_event: a user that is not a name of 1 to 128 bytes', ['counts-characters', BAD_EVENT, ACCEPTED, 12]],
  [3, 'a client that has ended its side gets its reply, and then the end of the connection',
    ['never-hangs-up', 'the end of the connection, once every reply was sent', 'no end: the connection stays open', 0, '(and ended its side)']],
  [4, 'applied: buy', ['applies-loudly', MORE, OK(100), 1, TWICE]],
  [4, 'applied: sell', ['adds-sales', OK(-100), OK(100), 26]],
  [4, 'a line in two packets',
    ['takes-packets-for-lines', MORE, BAD_JSON, 1, 'a reply came before its line had ended']],
  [4, 'two clients, each with half a line at the same time', ['shares-the-rest', HEALTHY, BAD_JSON, 12]],
  [4, 'a last line without a newline, from a client that ends its side',
    ['forgets-the-last-line', OK(5), NOTHING, 0, HUNG_UP], ['hangs-up-at-once', OK(5), NOTHING, 0, HUNG_UP]],
  [4, 'lines that end with \\r\\n', ['answers-when-it-likes', OK(5), HEALTHY, 15, 'answers   {"user":']],
  [4, 'a line of exactly 16384 bytes is not too long',
    ['counts-the-newline', OK(5), ERROR('line_too_long'), 12, '(16385 bytes)']],
  [4, 'a line that is far too long, in many packets, is answered once',
    ['answers-long-lines-often', OK(5), ERROR('line_too_long'), 12, '(8000 bytes), 12 times']],
  [4, 'a balance never passes 2^53-1',
    ['overflows', '{"status":"rejected","reason":"balance_overflow"}\\n', OK(2 ** 53), 12]],
  [4, 'names are compared byte by byte', ['normalises-names', OK(20), OK(21), 27, 'e\\xcc\\x81']],
];

/** The row of a transcript with that label, from where its text starts. */
const rowOf = ({ rows }: Found, label: string) =>
  rows.find(row => row.startsWith(`${label} `))?.slice(10) ?? '';

/** Where the mark stands, on the same columns as `rowOf`. -1 if there is none. */
function markOf({ rows }: Found): number {
  const row = rows.find(text => /^ +\^ byte /.test(text));
  return row === undefined ? -1 : row.indexOf('^') - 10;
}

describe.concurrent('without a fault it passes', () => {
  test.each([3, 5])('check %i', async step => {
    expect(await findings(step, wrong())).toMatchObject({ failed: undefined, rows: [] });
  });
});

const faults = FAULTS.flatMap(([step, check, ...list]) =>
  list.map(fault => ({ name: fault[0], step, check, fault })),
);

describe.concurrent('a server that', () => {
  test.each(faults)('$name', async ({ step, check, fault: [name, expected, received, at, says = ''] }) => {
    const found = await findings(step, wrong(name));
    expect(found.failed).toBe(check);
    expect(rowOf(found, 'expected')).toBe(expected);
    const shown = rowOf(found, 'received');
    expect(at === 0 ? shown.slice(0, received.length) : shown).toBe(received);
    // Nothing before it is escaped in these replies: a byte is a column.
    expect(markOf(found)).toBe(at - 1);
    if (at > 0) {
      expect(found.rows.join('\n')).toContain(`^ byte ${at}: expected `);
      expect(expected.slice(0, at - 1)).toBe(received.slice(0, at - 1));
      expect(expected.slice(at - 1, at + 1)).not.toBe(received.slice(at - 1, at + 1));
    }
    expect(found.rows.join('\n')).toContain(says);
    expect(rowOf(found, 'hint')).not.toBe('');
  });
});

describe.concurrent('what a JSON library decides', () => {
  const name = 'your JSON library: half a surrogate pair in a user: invalid_event';

  test('is a note, and no mistake', async () => {
    const { checks, passed } = await runStage(
      stageOf(3),
      ofCommand(wrong('refuses-half-pairs')),
      true,
      SILENT,
    );
    expect(passed).toBe(true);
    const { note = [], ...result } = checks.find(check => check.name === name)!;
    expect(result).toMatchObject({ passed: true });
    expect(note.map(row => row.slice(0, 10).trim())).toEqual([
      'problem',
      'sent',
      'expected',
      'received',
      '',
      'note',
    ]);
    expect(note[1]).toMatch(/\\ud800/);
    expect(checks.filter(check => check.note !== undefined)).toHaveLength(1);
  });

  test('is a mistake for who asks for it', async () => {
    const run = await check('3', '--strict', '--json', '--cmd', wrong('refuses-half-pairs'));
    expect(JSON.parse(run.stdout).checks.at(-1)).toMatchObject({ name, passed: false });
    expect(run.exitCode).toBe(1);
  });
});

describe.concurrent('an echo that', () => {
  test.each([
    [
      'echoes-decoded-packets',
      'characters that are cut by the end of a packet come back as they are',
      // Which byte depends on where the packets really end: on busy cores, two may arrive as one.
      /^ +\^ byte \d+: expected \\x[\da-f]{2}, got \\xef$/m,
    ],
    [
      'echoes-decoded-text',
      'bytes that are not UTF-8 come back as they are',
      /^ {14}\^ byte 2: expected \\xff, got \\xef$/m,
    ],
    ['echoes-without-end', 'a line comes back', /^ {10}\^ byte 1: expected nothing, got 'h'$/m],
  ])('%s', async (fault, check, mark) => {
    const found = await findings(1, wrong(fault));
    expect(found.failed).toBe(check);
    expect(found.rows.join('\n')).toMatch(mark);
  });
});
