/**
 * How the bytes are cut into packets never changes a reply, and a pipeline as long as it likes is answered in
 * order.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, balanceRequest, okLine } from '../support/asking.ts';
import { Choices } from '../support/lines.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const LINE_BYTES_MAX = 512;
/** Runs under way at a time. */
const RUNS_MAX = 50;
const BALANCE_MAX = 2n ** 53n - 1n;

const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;
const HEALTHY = '{"status":"ok"}';
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}';
const METRICS = '{"received":N,"processed":N,"dropped":N}';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(['--line-bytes-max', String(LINE_BYTES_MAX)]);
});
afterAll(() => server.stop());

/** A line of so many bytes, its line end not counted. */
const longLine = (bytes: number, lineEnd: string) => {
  const [before, behind] = ['{"user":"USERID","action":"buy","amount":1,"x":"', `"}${lineEnd}`];
  return `${before}${'x'.repeat(bytes + 1 - before.length - behind.length)}${behind}`;
};

/** Requests and their replies; USERID stands for a name of as many bytes that each run has for itself. */
const BATCH: [request: string, reply: string][] = [
  ['{"user":"éUSERID","action":"buy","amount":100}\n', ACCEPTED],
  ['{"user":"éUSERID","action":"sell","amount":30,"wait":true}\r\n', okLine(70)],
  ['\n', error('invalid_json')],
  ['{"type":"balance","user":"éUSERID"}\n', okLine(70)],
  ['{"user":"\\u00e9USERID","action":"b\\u0075y","amount":1e2}\r\n', ACCEPTED],
  [' { "amount" : 1.0 , "action" : "buy" , "user" : "éUSERID" } \n', ACCEPTED],
  ['{"\\u0074ype":"balance","user":"\\u00e9USERID"}\n', okLine(171)],
  ['{"user":"USERID😀","action":"buy","amount":5,"wait":true}\n', okLine(5)],
  ['{"user":"USERID","action":"sell","amount":9}\n', ACCEPTED],
  ['{"user":"USERID\xff","action":"buy","amount":1}\n', error('invalid_json')],
  ['\r\n', error('invalid_json')],
  [longLine(LINE_BYTES_MAX + 1, '\n'), error('line_too_long')],
  ['{"type":"health"}\n', HEALTHY],
  [longLine(LINE_BYTES_MAX, '\r\n'), ACCEPTED],
  [longLine(LINE_BYTES_MAX + 1, '\r\n'), error('line_too_long')],
  ['{"user":"USERID","user":"USERID","action":"buy","amount":1}\n', error('invalid_event')],
  ['{"type":"nothing","user":"USERID"}\n', error('unknown_type')],
  ['{"type":"metrics"}\n', METRICS],
  [
    '{"user":"\\ud83d\\ude00USERID","action":"sell","amount":9007199254740991,"wait":true}\n',
    okLine(-9007199254740991),
  ],
  ['{"user":"😀USERID","action":"sell","amount":1,"wait":true}\n', OVERFLOW],
  ['[[["\\ud800"]]]\n', error('invalid_event')],
  ['{"type":"balance","user":"USERID"}\n', okLine(-8)],
  ['{"user":"USERID\\ude00","action":"buy","amount":1}\n', error('invalid_event')],
  ['{"user":"USERID","action":"buy","amount":4,"wait":true}', okLine(-4)],
];
const REPLIES = BATCH.map(([, reply]) => `${reply}\n`).join('');

let runs = 0;

/** The batch for a user of its own. Names are of one length, so a position is the same place in each. */
function nextBatch(): Buffer {
  const user = String(runs++).padStart(6, '0');
  // The one byte that is no UTF-8 is written as ÿ.
  const lines = BATCH.map(([request]) => {
    const [before, ...behind] = request.replaceAll('USERID', user).split('\xff');
    return Buffer.concat([
      Buffer.from(before!),
      ...behind.flatMap(part => [Buffer.from([0xff]), Buffer.from(part)]),
    ]);
  });
  return Buffer.concat(lines);
}

function withoutCounts(replies: string): string {
  return replies.replace(/"received":\d+,"processed":\d+,"dropped":\d+/, METRICS.slice(1, -1));
}

/** Sends the batch cut at these places; each packet leaves when all lines before it were answered. */
async function sendCut(cuts: number[], pauseMs = 1): Promise<string> {
  const batch = nextBatch();
  const client = await Client.open(server.port);
  let replies = '';
  let from = 0;
  for (const cut of cuts) {
    const packet = batch.subarray(from, cut);
    client.send(packet);
    for (const line of await client.lines(packet.filter(byte => byte === 0x0a).length))
      replies += `${line}\n`;
    // Bytes without a line end bring no reply to wait for: the server is left a moment to read them.
    await sleep(pauseMs);
    from = cut;
  }
  client.send(batch.subarray(from));
  return withoutCounts(replies + (await client.finish()));
}

/** Runs all, some at a time. */
async function runAll<T>(inputs: T[], run: (input: T) => Promise<void>): Promise<void> {
  const left = [...inputs];
  const runner = async () => {
    for (let input = left.pop(); input !== undefined; input = left.pop()) await run(input);
  };
  await Promise.all(Array.from({ length: RUNS_MAX }, runner));
}

const bytes = nextBatch().length;
const everyPlace = Array.from({ length: bytes - 1 }, (_, at) => at + 1);

describe('the same bytes give the same replies', () => {
  test('in one packet', async () => {
    expect(await sendCut([])).toBe(REPLIES);
  });

  test('cut in two, at every place', async () => {
    await runAll(everyPlace, async cut => {
      expect(await sendCut([cut]), `cut at ${cut}`).toBe(REPLIES);
    });
  });

  test('byte by byte, on five connections at a time', async () => {
    await runAll([0, 0, 0, 1, 1], async pauseMs => {
      expect(await sendCut(everyPlace, pauseMs)).toBe(REPLIES);
    });
  });

  test('in packets of one size', async () => {
    await runAll([2, 3, 4, 7, 64, 511, 512, 513, 514], async size => {
      expect(await sendCut(everyPlace.filter(at => at % size === 0)), `packets of ${size} bytes`).toBe(
        REPLIES,
      );
    });
  });

  test('cut wherever chance has it', async () => {
    const seeds = Array.from({ length: 200 }, () => randomInt(2 ** 32 - 1));
    await runAll(seeds, async seed => {
      const choices = Choices.seeded(seed);
      const rate = 2 + choices.below(200);
      const cuts = everyPlace.filter(() => choices.oneIn(rate));
      expect(await sendCut(cuts), `seed ${seed}`).toBe(REPLIES);
    });
  });
});

/** Balances as the contract has them, counted on their own. */
class Ledger {
  readonly #balances = new Map<string, bigint>();

  balance(user: string): bigint {
    return this.#balances.get(user) ?? 0n;
  }

  /** False if the event is not applied: the balance would leave its range. */
  apply(user: string, amount: bigint): boolean {
    const sum = this.balance(user) + amount;
    if (sum > BALANCE_MAX || sum < -BALANCE_MAX) return false;
    this.#balances.set(user, sum);
    return true;
  }
}

// biome-ignore format: a table
const ODD_LINES: [string, string][] = [
  ['', error('invalid_json')], ['\r', error('invalid_json')], ['{', error('invalid_json')], ['[]', error('invalid_event')],
  ['{"user":"x","action":"buy","amount":0}', error('invalid_event')], ['{"type":"what"}', error('unknown_type')],
  ['{"type":"health"}', HEALTHY], ['{"type":"metrics"}', METRICS], ['z'.repeat(LINE_BYTES_MAX + 1), error('line_too_long')],
  [' '.repeat(LINE_BYTES_MAX - 1), error('invalid_json')],
];

/** A request that chance picks, and the reply that it must get after all those before. */
function nextRequest(choices: Choices, ledger: Ledger, run: string): [request: string, reply: string] {
  const draw = choices.below(100);
  if (draw < 10) return choices.pick(ODD_LINES);
  const number = choices.below(50);
  const user = `${run}-${number % 3 === 0 ? 'é😀' : 'user'}-${number}`;
  if (draw < 15) return [balanceRequest(user).trimEnd(), okLine(Number(ledger.balance(user)))];
  const isBuy = choices.oneIn(2);
  const amount = choices.oneIn(50)
    ? BALANCE_MAX - BigInt(choices.below(1000))
    : BigInt(1 + choices.below(10 ** 9));
  const isApplied = ledger.apply(user, isBuy ? amount : -amount);
  const isWaiting = choices.oneIn(20);
  const name = choices.oneIn(4) ? user.replace('é', '\\u00e9').replace('😀', '\\ud83d\\uDE00') : user;
  const action = isBuy ? 'buy' : 'sell';
  const wait = isWaiting ? ',"wait":true' : choices.oneIn(10) ? ',"wait":false' : '';
  const request = choices.oneIn(5)
    ? ` {"amount":${amount}.0 ,"action":"${action}","user":"${name}"${wait}}`
    : `{"user":"${name}","action":"${action}","amount":${amount}${wait}}`;
  if (!isWaiting) return [request, ACCEPTED];
  return [request, isApplied ? okLine(Number(ledger.balance(user))) : OVERFLOW];
}

describe('a pipeline', () => {
  test('of 100,000 mixed lines is answered line by line, in order, with exact balances', async () => {
    const seed = randomInt(2 ** 32 - 1);
    const choices = Choices.seeded(seed);
    const ledger = new Ledger();
    const requests = Array.from({ length: 100_000 }, () => nextRequest(choices, ledger, `p${seed}`));
    const client = await Client.open(server.port);
    client.send(requests.map(([request]) => `${request}${choices.oneIn(10) ? '\r' : ''}\n`).join(''));
    const replies = (await client.finish(25_000)).split('\n');
    expect(replies.pop(), `seed ${seed}`).toBe('');
    expect(replies.length, `seed ${seed}`).toBe(requests.length);
    for (const [at, [request, reply]] of requests.entries()) {
      const got = withoutCounts(replies[at]!);
      if (got !== reply) throw new Error(`seed ${seed}, line ${at}: ${request} got ${got}, not ${reply}`);
    }
  });
});
