import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { balanceLine, Replies, Reply, replyLine } from '../../src/protocol/replies.ts';

const rejected = (reason: string) => `{"status":"rejected","reason":"${reason}"}\n`;
const error = (reason: string) => `{"status":"error","reason":"${reason}"}\n`;

/** The fixed replies as the contract has them. */
const LINES: Record<Reply, string> = {
  [Reply.accepted]: '{"status":"accepted"}\n',
  [Reply.insufficientBalance]: rejected('insufficient_balance'),
  [Reply.idReused]: rejected('id_reused'),
  [Reply.serverBusy]: rejected('server_busy'),
  [Reply.tooManyUsers]: rejected('too_many_users'),
  [Reply.shuttingDown]: rejected('shutting_down'),
  [Reply.diskFull]: '{"status":"rejected","reason":"disk_full"}\n',
  [Reply.balanceOverflow]: rejected('balance_overflow'),
  [Reply.rateLimited]: rejected('rate_limited'),
  [Reply.unauthorized]: error('unauthorized'),
  [Reply.forbidden]: error('forbidden'),
  [Reply.noSuchClient]: error('no_such_client'),
  [Reply.noJournal]: error('no_journal'),
  [Reply.journalDamaged]: error('journal_damaged'),
  [Reply.ok]: '{"status":"ok"}\n',
  [Reply.healthDraining]: '{"status":"draining"}\n',
  [Reply.healthDegraded]: '{"status":"degraded"}\n',
  [Reply.invalidJson]: error('invalid_json'),
  [Reply.invalidEvent]: error('invalid_event'),
  [Reply.unknownType]: error('unknown_type'),
  [Reply.lineTooLong]: error('line_too_long'),
  [Reply.tooManyConnections]: rejected('too_many_connections'),
};

/** A page holds so many bytes, and what is copied starts with room for two pages. */
const PAGE_BYTES = 65_536;
const fitting = (reply: Reply) => Math.floor(PAGE_BYTES / LINES[reply].length);

type Step = { reply: Reply; count: number } | { line: string } | 'take';

const reply = fc.constantFrom(...Object.values(Reply));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ reply, count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ reply, count: fc.integer({ min: 1, max: 8_000 }) }) },
  // Around what a page holds.
  {
    weight: 1,
    arbitrary: fc
      .tuple(reply, fc.integer({ min: -1, max: 1 }))
      .map(([of, more]) => ({ reply: of, count: fitting(of) + more })),
  },
  { weight: 2, arbitrary: fc.maxSafeInteger().map(balance => ({ line: balanceLine(balance) })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 200_000 }).map(bytes => ({ line: `${'x'.repeat(bytes - 1)}\n` })),
  },
  { weight: 2, arbitrary: fc.constant('take' as const) },
);

/** Does the steps with replies and with a string, and compares at every take. */
function follow(replies: Replies, steps: Step[]): void {
  const taken: { buffer: Buffer; text: string }[] = [];
  let expected = '';
  for (const step of [...steps, 'take' as const, 'take' as const]) {
    if (step === 'take') {
      const buffer = replies.take();
      expect(buffer === undefined).toBe(expected === '');
      if (buffer !== undefined) taken.push({ buffer, text: expected });
      expected = '';
    } else if ('line' in step) {
      replies.addLine(step.line);
      expected += step.line;
    } else {
      for (let count = 0; count < step.count; count++) replies.add(step.reply);
      expected += LINES[step.reply].repeat(step.count);
    }
    expect(replies.bytes).toBe(expected.length);
  }
  // Only now: nothing that came later has changed what was taken before.
  for (const { buffer, text } of taken) expect(buffer.equals(Buffer.from(text))).toBe(true);
}

describe('the lines', () => {
  test.each(Object.entries(Reply))('%s is what the contract says', (_, of) => {
    expect(replyLine(of).toString()).toBe(LINES[of]);
  });

  test('every reply has one, and each its own', () => {
    expect(new Set(Object.values(Reply).map(of => replyLine(of).toString())).size).toBe(
      Object.values(Reply).length,
    );
  });

  test.each([0, -0, 1, -100, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'a balance of %d in full',
    balance => {
      expect(balanceLine(balance)).toBe(`{"status":"ok","balance":${BigInt(balance)}}\n`);
    },
  );
});

describe('replies of a visit', () => {
  test('none make no buffer', () => {
    const replies = new Replies();
    expect(replies.bytes).toBe(0);
    expect(replies.take()).toBeUndefined();
  });

  test('come out as they went in, whatever they are, and stay as they were taken', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), steps => follow(new Replies(), steps)),
      { numRuns: 200 },
    );
  });

  test('of one visit do not reach into the next', () => {
    const replies = new Replies();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), steps => follow(replies, steps)),
      { numRuns: 100 },
    );
  });

  test.each(Object.values(Reply))('reply %d as often as a page holds it, and around that', of => {
    for (const count of [
      1,
      2,
      31,
      32,
      33,
      fitting(of) - 1,
      fitting(of),
      fitting(of) + 1,
      2 * fitting(of),
      3 * fitting(of) + 1,
    ])
      follow(new Replies(), [{ reply: of, count }, 'take', { reply: of, count: 1 }]);
  });

  test('of a single kind cost no copy: the same bytes are handed out again', () => {
    const replies = new Replies();
    const take = (count: number) => {
      for (let done = 0; done < count; done++) replies.add(Reply.accepted);
      return replies.take()!;
    };
    expect(take(1)).toBe(take(1));
    expect(take(100).buffer).toBe(take(200).buffer);
  });
});
