import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replyJudgeFor } from '../../src/tools/load/protocols.ts';
import { pageOf, REPLY_BYTES_MAX, ReplyReader } from '../../src/tools/load/replies.ts';
import { VERDICTS } from '../../src/tools/load/result.ts';

type Protocol = 'tally' | 'redis';

/** What the sink was told: a verdict's name for each reply, or `other: ` and the line. */
class Told {
  readonly list: string[] = [];
  readonly reader: ReplyReader;
  readonly judge;

  constructor(protocol: Protocol, judge = replyJudgeFor(protocol)) {
    this.judge = judge;
    this.reader = new ReplyReader(judge, pageOf(judge), {
      take: (verdict, count) => {
        for (let reply = 0; reply < count; reply++) this.list.push(VERDICTS[verdict] ?? 'not taken');
      },
      takeOther: line => this.list.push(`other: ${line.toString('latin1')}`),
    });
  }

  /** Hands the bytes over in pieces, always in the same buffer, as sockets do. */
  feed(bytes: Buffer, cuts: readonly number[]): this {
    const chunk = Buffer.alloc(1 << 16);
    const edges = [...new Set([0, ...cuts.map(cut => cut % (bytes.length + 1)), bytes.length])].sort(
      (a, b) => a - b,
    );
    for (let index = 1; index < edges.length; index++) {
      for (let at = edges[index - 1]!; at < edges[index]!; at += chunk.length) {
        const length = bytes.copy(chunk, 0, at, Math.min(edges[index]!, at + chunk.length));
        this.reader.read(chunk, length);
        chunk.fill(0x58);
      }
    }
    return this;
  }
}

const number = fc.integer({ min: -1_000_000, max: 1_000_000 });
const TALLY: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string[]>(['accepted', '{"status":"accepted"}']) },
  fc.constant<string[]>(['busy', '{"status":"rejected","reason":"server_busy"}']),
  number.map(balance => ['ok', `{"status":"ok","balance":${balance}}`]),
  fc.constantFrom<string[][]>(
    ['ok', '{"status":"ok"}'],
    ['ok', '{"status":"draining"}'],
    ['ok', '{"status":"degraded"}'],
    ['ok', '{"received":12,"processed":11,"dropped":1}'],
    ['ok', '{"received":12,"processed":11,"dropped":1,"queued":0,"refused":{"server_busy":1}}'],
    ['not taken', '{"status":"rejected","reason":"shutting_down"}'],
    ['insufficient', '{"status":"rejected","reason":"insufficient_balance"}'],
    ['refused', '{"status":"rejected","reason":"too_many_users"}'],
    ['error', '{"status":"error","reason":"invalid_json"}'],
    ['error', '{"status":"error","reason":"line_too_long"}'],
    ['other: ', ''],
    ['other: hello', 'hello'],
    ['other: {"status":"accepted"} ', '{"status":"accepted"} '],
    ['other: {"status":"accepted"}\r', '{"status":"accepted"}\r'],
    ['other: {"status":"accepteD"}', '{"status":"accepteD"}'],
    ['other: {"status":"rejected"}', '{"status":"rejected"}'],
    ['other: {"user":"a","action":"buy","amount":1}', '{"user":"a","action":"buy","amount":1}'],
  ),
);
const REDIS: fc.Arbitrary<string[]> = fc.oneof(
  number.map(balance => ['ok', `:${balance}\r`]),
  number.map(balance => ['ok', `$${String(balance).length}\r\n${balance}\r`]),
  fc.constantFrom<string[][]>(
    ['ok', '+PONG\r'],
    ['ok', '$-1\r'],
    // A value that looks like something else.
    ['ok', '$2\r\n-E\r'],
    ['ok', '$2\r\n$9\r'],
    ['error', '-ERR value is not an integer or out of range\r'],
    ['other: hello\r', 'hello\r'],
  ),
);
const streams: Record<Protocol, fc.Arbitrary<string[][]>> = {
  tally: fc
    .array(fc.tuple(TALLY, fc.constantFrom(1, 1, 1, 5, 40)), { maxLength: 30 })
    .map(runs => runs.flatMap(([reply, times]) => Array.from({ length: times }, () => reply))),
  redis: fc.array(REDIS, { maxLength: 40 }),
};

describe.each(['tally', 'redis'] as const)('replies of %s', protocol => {
  test('get the same verdicts, however they are cut', () => {
    fc.assert(
      fc.property(streams[protocol], fc.array(fc.nat(), { maxLength: 20 }), (replies, cuts) => {
        const bytes = Buffer.from(replies.map(([, text]) => `${text}\n`).join(''));
        const expected = replies.map(([verdict]) => verdict);
        expect(new Told(protocol).feed(bytes, cuts).list).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('get the same verdicts byte by byte', () => {
    fc.assert(
      fc.property(streams[protocol], replies => {
        const bytes = Buffer.from(replies.map(([, text]) => `${text}\n`).join(''));
        const cuts = Array.from({ length: bytes.length }, (_, at) => at);
        expect(new Told(protocol).feed(bytes, cuts).list).toEqual(replies.map(([verdict]) => verdict));
      }),
      { numRuns: 30 },
    );
  });

  test('of several connections may be cut and come in turns, with one judge for all of them', () => {
    fc.assert(
      fc.property(streams[protocol], fc.array(fc.nat(200), { maxLength: 40 }), (replies, pieces) => {
        const judge = replyJudgeFor(protocol);
        const told = [new Told(protocol, judge), new Told(protocol, judge)];
        let rest = Buffer.from(replies.map(([, text]) => `${text}\n`).join(''));
        for (const piece of pieces) {
          for (const { reader } of told) reader.read(rest, Math.min(piece, rest.length));
          rest = rest.subarray(piece);
        }
        for (const { reader, list } of told) {
          reader.read(rest, rest.length);
          expect(list).toEqual(replies.map(([verdict]) => verdict));
        }
      }),
    );
  });
});

test('random bytes are never taken for a reply without an end of a line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      const text = Buffer.from(bytes.map(byte => (byte === 10 ? 11 : byte)));
      expect(new Told('tally').feed(text, [100, 200]).list).toEqual([]);
      expect(new Told('tally').feed(Buffer.concat([text, Buffer.from('\n')]), [100]).list).toEqual([
        `other: ${text.toString('latin1')}`,
      ]);
    }),
  );
});

test('a long run of accepted is taken whole, in chunks of any size', () => {
  const bytes = Buffer.from('{"status":"accepted"}\n'.repeat(20_000));
  for (const cut of [1, 21, 22, 23, 65_535, 65_536]) {
    const { list } = new Told('tally').feed(bytes, [cut]);
    expect(list).toHaveLength(20_000);
    expect(new Set(list)).toEqual(new Set(['accepted']));
  }
});

describe('a reply that does not end', () => {
  test('is told of once it is too long, and not before', () => {
    const told = new Told('tally');
    told.feed(Buffer.alloc(REPLY_BYTES_MAX, 'x'), []);
    expect(told.list).toEqual([]);
    told.feed(Buffer.from('x'), []);
    expect(told.list.map(text => text.length)).toEqual(['other: '.length + REPLY_BYTES_MAX + 1]);
  });

  test('does not pile up', () => {
    const told = new Told('tally');
    for (let times = 0; times < 100; times++) told.feed(Buffer.alloc(REPLY_BYTES_MAX, 'x'), []);
    for (const text of told.list) expect(text.length).toBeLessThan(3 * REPLY_BYTES_MAX);
  });
});

describe('the reasons of refusals and errors', () => {
  test('are counted, server_busy apart', () => {
    const told = new Told('tally');
    const reply = (status: string, reason: string) => `{"status":"${status}","reason":"${reason}"}\n`;
    const replies = [
      reply('rejected', 'shutting_down').repeat(3),
      reply('rejected', 'server_busy').repeat(5),
      reply('error', 'invalid_json').repeat(2),
    ];
    told.feed(Buffer.from(replies.join('')), []);
    expect(Object.fromEntries(told.judge.reasons)).toEqual({ shutting_down: 3, invalid_json: 2 });
  });

  test('are no way to fill the memory', () => {
    const told = new Told('tally');
    const replies = Array.from(
      { length: 1_000 },
      (_, reason) => `{"status":"error","reason":"r${reason}"}\n`,
    );
    told.feed(Buffer.from(replies.join('')), []);
    expect(told.judge.reasons.size).toBeLessThan(100);
    expect([...told.judge.reasons.values()].reduce((sum, times) => sum + times, 0)).toBe(1_000);
  });
});

describe('balances are read from replies', () => {
  test.each([
    ['{"status":"ok","balance":100}', 100],
    ['{"status":"ok","balance":-9007199254740991}', -9007199254740991],
    ['{"status":"ok"}', undefined],
    ['{"status":"accepted"}', undefined],
    ['{"status":"ok","balance":1.5}', undefined],
    ['', undefined],
  ])('%s', (line, balance) => expect(replyJudgeFor('tally').balanceOf(line)).toBe(balance));

  test.each([
    ['$-1\r', 0],
    ['$3\r', 'next line'],
    ['100\r', 100],
    ['-50\r', -50],
    ['-ERR no\r', undefined],
    ['hello\r', undefined],
  ])('of Redis: %s', (line, balance) => expect(replyJudgeFor('redis').balanceOf(line)).toBe(balance));
});
