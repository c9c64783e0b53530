/**
 * The ledger, by which the fuzzer of cuts judges, is right; and in one thread, in which every cut is quick, the batches
 * that were found and a slow client are answered as it says. (Over the wire: test/wire/cuts.test.ts; by chance, as long
 * as one likes: `npm run fuzz -- cuts`.)
 */
import { describe, expect, test } from 'vitest';
import { Choices } from '../support/lines.ts';
import { pickSeed } from '../support/load.ts';
import { examineBatch, wires } from './cuts.ts';
import { foundBatch, readFound } from './found.ts';
import { expectedOf, linesOf, withoutProgress } from './ledger.ts';
import { LINE_BYTES_MAX, Wire } from './wire.ts';

const error = (reason: string) => `{"status":"error","reason":"${reason}"}\n`;
const repliesTo = (text: string) => expectedOf(Buffer.from(text, 'latin1'), LINE_BYTES_MAX).replies;

describe('the ledger', () => {
  test('knows the lines of a batch, and whether the last has an end', () => {
    const lines = (text: string) =>
      linesOf(Buffer.from(text)).map(({ line, hasEnd }) => `${line}${hasEnd ? '|' : ''}`);
    expect(lines('')).toEqual([]);
    expect(lines('a\nb')).toEqual(['a|', 'b']);
    expect(lines('\n\na\r\n')).toEqual(['|', '|', 'a\r|']);
  });

  // By hand: the ledger is judged here.
  test('says what the contract says', () => {
    const buy = (amount: string, wait = true) =>
      `{"user":"a","action":"buy","amount":${amount}${wait ? ',"wait":true' : ''}}\n`;
    expect(repliesTo(`${buy('5', false)}${buy('2')}{"type":"balance","user":"\\u0061"}`)).toBe(
      '{"status":"accepted"}\n{"status":"ok","balance":7}\n{"status":"ok","balance":7}\n',
    );
    expect(repliesTo(`${buy('9007199254740991')}${buy('1')}`)).toBe(
      '{"status":"ok","balance":9007199254740991}\n{"status":"rejected","reason":"balance_overflow"}\n',
    );
    expect(repliesTo('\n\r\n\r')).toBe(error('invalid_json').repeat(3));
    expect(repliesTo('{}\n{"type":"debug"}\n{"type":"health"}')).toBe(
      `${error('invalid_event')}${error('unknown_type')}{"status":"ok"}\n`,
    );
    const [most, more] = ['x'.repeat(LINE_BYTES_MAX), 'x'.repeat(LINE_BYTES_MAX + 1)];
    expect(repliesTo(`${most}\n${more}\n${more}`)).toBe(
      error('invalid_json') + error('line_too_long').repeat(2),
    );
    expect(repliesTo(`${most}\r\n`)).toBe(error('line_too_long'));
  });

  test('counts metrics from what was counted before, and leaves out how far the workers are', () => {
    const found = expectedOf(
      Buffer.from('{"type":"metrics","detail":true}\n{"type":"metrics"}'),
      LINE_BYTES_MAX,
    );
    expect(found).toMatchObject({ hasMetrics: true, received: 0, invalid: 0 });
    const replies =
      '{"received":40,"processed":39,"dropped":0,"queued":1}\n{"received":40,"processed":40,"dropped":0}\n';
    expect(withoutProgress(replies, 40)).toBe(found.replies);
    expect(withoutProgress(replies, 39)).not.toBe(found.replies);
  });
});

describe('the shipped way from packets to replies', () => {
  test('gives the same replies for every cut of the batches that were found', async () => {
    const { batches } = readFound();
    expect(batches.length).toBeGreaterThan(0);
    const replayers = wires();
    for (const found of batches) {
      const bytes = Buffer.from(found.hex, 'hex');
      expect(found).toEqual(foundBatch(bytes, found.why));
      const { failure } = await examineBatch(bytes, replayers, pickSeed());
      expect(failure, found.why).toBeUndefined();
    }
  });

  test('keeps and stops serving for a slow client, whose replies are the same', async () => {
    const wire = new Wire(true);
    const bytes = Buffer.from(
      '{"user":"a","action":"buy","amount":1,"wait":true}\n{"type":"health"}\n'.repeat(40),
    );
    const expected = expectedOf(bytes, LINE_BYTES_MAX);
    for (const cuts of [[], [1], [1_000], Array.from({ length: bytes.length - 1 }, (_, at) => at + 1)]) {
      const replay = await wire.replay(bytes, cuts, Choices.seeded(cuts.length));
      expect(replay.replies.toString()).toBe(expected.replies);
      expect(replay).toMatchObject({ received: 40, invalid: 0, dropped: 0, isHanging: false });
    }
  });
});
