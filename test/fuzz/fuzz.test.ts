/** The fuzzers find what is wrong, make it small and keep it; and the command that runs them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { Kind } from '../../src/protocol/request.ts';
import { Choices, LineMaker } from '../support/lines.ts';
import { oracle, Subject } from '../support/oracle.ts';
import { seedOf, sharesOf } from './crew.ts';
import { examineBatch, type Replayer } from './cuts.ts';
import { foundBatch, foundLine, keepBatch, keepLine, readFound } from './found.ts';
import { expectedOf } from './ledger.ts';
import { readOptions, UsageError } from './options.ts';
import { examineCuts, examineLines } from './share.ts';
import { LINE_BYTES_MAX, type Replay } from './wire.ts';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tally-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const share = (count: number) => ({ subject: 'lines', seed: 7, count, secondsMax: 60 }) as const;
const quiet = () => {};

/** A judge that is wrong about some lines. */
class WrongSubject extends Subject {
  readonly #isWrong: (line: Uint8Array) => boolean;

  constructor(isWrong: (line: Uint8Array) => boolean) {
    super(20_000);
    this.#isWrong = isWrong;
  }

  override examine(line: Uint8Array) {
    return { kind: oracle(line).kind, complaint: this.#isWrong(line) ? 'wrong on purpose' : undefined };
  }

  override complaint(line: Uint8Array) {
    return this.examine(line).complaint;
  }
}

/** A server made of the ledger, which is wrong in the way that `answer` is. */
function wrongServer(answer: (packets: Buffer[]) => Buffer): () => Replayer {
  let balances = new Map<string, bigint>();
  return () => ({
    async replay(bytes, cuts): Promise<Replay> {
      const packets = [...cuts, bytes.length].map((cut, index, all) =>
        bytes.subarray(index === 0 ? 0 : all[index - 1], cut),
      );
      const said = expectedOf(answer(packets), LINE_BYTES_MAX);
      balances = said.balances;
      return { ...said, replies: Buffer.from(said.replies), receivedBefore: 0, isHanging: false };
    },
    balance: name => Number(balances.get(name.toString('latin1')) ?? 0),
  });
}

describe('the fuzzer of lines', () => {
  test('finds a judge that is wrong about one amount, and shrinks the line to that', async () => {
    const wrong = new WrongSubject(line => Math.abs(oracle(line).amount) === 100);
    const { difference, done } = await examineLines(share(20_000), quiet, wrong);
    expect(difference).toMatchObject({ seed: 7, nth: done });
    expect(difference!.report).toMatch(/^line \d+ of seed 7 \(offset \d+\): wrong on purpose\n/);
    const small = Buffer.from(difference!.hex!, 'hex');
    expect(Math.abs(oracle(small).amount)).toBe(100);
    expect(small.length).toBeLessThan(45);
  });

  test('finds the same line again by its seed and number', async () => {
    const isWrong = (line: Uint8Array) => oracle(line).kind === Kind.balance;
    const first = await examineLines(share(20_000), quiet, new WrongSubject(isWrong));
    const again = await examineLines(share(first.done), quiet, new WrongSubject(isWrong));
    expect(again).toEqual(first);
  });

  test('says so if it depends on what was judged before', async () => {
    let calls = 0;
    const { difference } = await examineLines(share(20), quiet, new WrongSubject(() => ++calls === 9));
    expect(difference).toMatchObject({ nth: 9, hex: undefined });
    expect(difference!.report).toContain('does not happen again');
  });

  test('ends when its time is over', async () => {
    const { done, difference } = await examineLines({ ...share(1e9), secondsMax: 0.05 }, quiet);
    expect(difference).toBeUndefined();
    expect(done).toBeLessThan(200_000);
  });

  test('makes lines that do not come again: seeds that are alike give other lines', () => {
    const lines = new Map<string, number>();
    for (const seed of [0, 1, 2, 2 ** 31, 2 ** 32 - 1, seedOf(0, 1), seedOf(1, 1)]) {
      const maker = new LineMaker(Choices.seeded(seed));
      for (let made = 0; made < 200; made++) {
        const line = maker.next().toString('latin1');
        if (line.length > 40) lines.set(line, (lines.get(line) ?? 0) + 1);
      }
    }
    const repeated = [...lines.values()].filter(times => times > 1).length;
    expect(repeated / lines.size).toBeLessThan(0.01);
  });
});

describe('the fuzzer of cuts', () => {
  const cuts = (answer: (packets: Buffer[]) => Buffer) =>
    examineCuts({ subject: 'cuts', seed: 7, count: 50, secondsMax: 60 }, quiet, wrongServer(answer));

  test('finds a server that takes the end of a packet for the end of a line', async () => {
    const { difference } = await cuts(packets =>
      Buffer.from(packets.map(packet => packet.toString('latin1')).join('\n'), 'latin1'),
    );
    expect(difference!.report).toMatch(/^batch 1 of seed 7, cut at 1: reply 1 is /);
    expect(Buffer.from(difference!.hex!, 'hex').length).toBeLessThan(5);
  });

  test('finds a server that forgets a last line without an end', async () => {
    const { difference } = await cuts(packets => {
      const bytes = Buffer.concat(packets);
      return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    });
    expect(Buffer.from(difference!.hex!, 'hex').length).toBe(1);
  });

  test('finds a server that loses a carriage return at the end of a packet', async () => {
    const replayers = wrongServer(packets =>
      Buffer.concat(packets.map(packet => (packet.at(-1) === 0x0d ? packet.subarray(0, -1) : packet))),
    );
    const right = await examineBatch(Buffer.from('{"type":"health"}\r\n'), replayers, 7);
    expect(right.failure).toBeUndefined();
    const { failure } = await examineBatch(Buffer.from('{"type":"health"}\n"\r"'), replayers, 7);
    expect(failure).toMatchObject({ cuts: [20] });
  });
});

describe('what is kept', () => {
  test('is in the file once, with what the oracle says', () => {
    const file = join(folder, 'found.json');
    expect(readFound(file)).toEqual({ lines: [], batches: [] });
    const [line, batch] = [Buffer.from('{"type":"health"}'), Buffer.from('[\n{')];
    expect(keepLine(line, 'a test', file)).toBe(true);
    expect(keepLine(line, 'another', file)).toBe(false);
    expect(keepBatch(batch, 'a test', file)).toBe(true);
    expect(keepBatch(batch, 'another', file)).toBe(false);
    expect(readFound(file)).toEqual({
      lines: [foundLine(line, 'a test')],
      batches: [foundBatch(batch, 'a test')],
    });
    expect(foundLine(line, '').verdict).toBe('health');
    expect(foundBatch(batch, '').replies).toBe('{"status":"error","reason":"invalid_json"}\n'.repeat(2));
  });
});

describe('npm run fuzz', () => {
  const fuzz = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', CLI, ...args]);
  const read = (line: string) => readOptions(line === '' ? [] : line.split(' '));

  test.each([
    ['lines --lines 3000 --threads 2', /^3000 lines, no difference \(.*event \d+.*\), seed 7, [\d.]+ s\n$/],
    ['cuts --batches 3', /^3 batches, no difference \(lines \d+, replays \d{3,}\), seed 7, [\d.]+ s\n$/],
  ])('prints one line when there is no difference: %s', async (args, line) => {
    expect((await fuzz(...args.split(' '), '--seed', '7')).stdout).toMatch(line);
  });

  test('wrong usage exits with 2, and says what would be right', async () => {
    await expect(fuzz('--seed', '-1')).rejects.toMatchObject({ code: 2, stdout: '' });
  });

  test.each([
    ['--lines 0', '--lines 0 is not a whole number from 1 to'],
    ['--lines 1e3', '--lines 1e3 is not a whole number from 1 to'],
    ['--batches 5', '--batches does not go with lines; --lines says how many'],
    ['cuts --lines 5', '--lines does not go with cuts; --batches says how many'],
    ['--threads 9 --lines 8', '--threads 9 is more than --lines 8'],
    ['--seconds 0', '--seconds 0 is not a whole number from 1 to'],
    ['more', 'more is nothing to fuzz: lines or cuts'],
    ['lines cuts', 'lines cuts is nothing to fuzz: lines or cuts'],
    ['--sed 1', "Unknown option '--sed'"],
    ['--seed', "Option '--seed <value>' argument missing"],
  ])('refuses %s', (args, message) => {
    expect(() => read(args)).toThrow(UsageError);
    expect(() => read(args)).toThrow(message);
  });

  test('knows the command that gives a run again', () => {
    expect(read('--seed 7').command).toBe('npm run fuzz -- lines --lines 1000000 --seed 7');
    expect(read('cuts --seconds 5 --seed 7 --threads 2 --keep').command).toBe(
      'npm run fuzz -- cuts --seconds 5 --seed 7 --threads 2 --keep',
    );
    expect(read('').seed).toBeGreaterThanOrEqual(0);
  });

  test('shares the work out, each thread with a seed of its own and the first with the one given', () => {
    const shares = sharesOf(read('--lines 10 --seed 7 --threads 3'));
    expect(shares.map(({ count }) => count)).toEqual([4, 3, 3]);
    expect(shares[0]!.seed).toBe(7);
    expect(new Set(shares.map(({ seed }) => seed)).size).toBe(3);
  });
});
