/** What each step must say to whatever is sent, by the contract: its pain is the only thing that may be wrong. */
import { describe, expect, test } from 'vitest';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { ACCEPTED, BUSY, balanceRequest, buyLine, HEALTH, okLine } from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { startStep, withStep } from './wire/running.ts';
import { bytesOf, EVENTS, error, NO_EVENTS, OK, rejected, repliesTo, replyOf } from './wire/script.ts';

const METRICS = '{"type":"metrics"}\n';
const CONNECTIONS = 500;
const ROUNDS = 40;
const USERS_MAX = 100_000;
/** Four clients at once get so many replies in ten seconds, on two cores that are theirs. */
const LINES_MS_MAX = 60_000;
/** The steps that find the lines in the packets, and have balances. */
const FRAMED = [4, 5, 6, 7, 8, 9, 10];

describe.concurrent.each([1, 2])('step %i', number => {
  test('sends every byte back, to a client that finishes its side first', async () => {
    await withStep(number, [], async ({ port }) => {
      const sent = 'one\r\n\ntwo é €\nand no end'.repeat(5_000);
      expect(await exchange(port, sent)).toBe(sent);
      expect(await exchange(port, HEALTH)).toBe(HEALTH);
    });
  });
});

describe.concurrent('step 3', () => {
  test('answers each packet that is a line as the contract says', async () => {
    await withStep(3, [], async ({ port }) => {
      const client = await Client.open(port);
      for (const { sent, says } of NO_EVENTS) {
        client.send(Buffer.from(`${sent}\n`, 'latin1'));
        expect(await client.line(), sent.slice(0, 80)).toBe(says(replyOf(3), 3));
      }
      for (const more of ['', ',"wait":true', ',"wait":false,"x":[]'])
        expect(await client.ask(`{"user":"a","action":"buy","amount":1e2${more}}\r\n`)).toBe(
          '{"status":"accepted"}',
        );
      client.send(buyLine('last', 1).trimEnd());
      expect(await client.finish()).toBe('{"status":"accepted"}\n');
    });
  });
});

describe.concurrent.each(FRAMED)('step %i', number => {
  const says = replyOf(number);
  const script = [...EVENTS, ...NO_EVENTS, ...NO_EVENTS.slice(0, 1)];

  test('answers a whole conversation, to a client that finishes its side first', async () => {
    await withStep(number, [], async ({ port }) => {
      expect(await exchange(port, bytesOf(script))).toBe(repliesTo(script, number));
    });
  });

  test('does not care how the bytes are cut into packets', async () => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    await withStep(number, [], async ({ port }) => {
      const client = await Client.open(port);
      const bytes = bytesOf(script);
      for (let from = 0; from < bytes.length; ) {
        const to = from + 1 + Math.floor(random() * (random() < 0.1 ? 70_000 : 200));
        await new Promise(resolve => client.socket.write(bytes.subarray(from, to), resolve));
        from = to;
      }
      expect(await client.finish(), `TALLY_TEST_SEED=${seed}`).toBe(repliesTo(script, number));
    });
  });

  test(`serves ${CONNECTIONS} connections, each in its order, and keeps no answer back`, async () => {
    await withStep(number, [], async ({ port }) => {
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port)));
      for (const [at, client] of clients.entries())
        client.send(buyLine(`u${at}`, at + 1) + balanceRequest(`u${at}`) + HEALTH);
      for (const [at, client] of clients.entries())
        expect(await client.lines(3)).toEqual([says(at + 1), okLine(at + 1), OK]);
      const one = clients.pop()!;
      for (const client of clients) client.close();

      const roundsMs: number[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        const startMs = performance.now();
        one.send(buyLine('n', 1) + balanceRequest('n'));
        expect(await one.lines(2)).toEqual([says(round), okLine(round)]);
        roundsMs.push(performance.now() - startMs);
      }
      // Where a second packet waits until the first is acknowledged, nearly all rounds take 40 ms. On a busy machine some do.
      expect(quantileOf(roundsMs, 0.25)).toBeLessThan(35);
      one.close();
    });
  });
});

describe.concurrent.each([
  [9, 'padded'],
  [9, 'shared'],
  [9, 'lock'],
  [10, 'padded'],
] as const)('step %i', (number, way) => {
  test(`counts every event once, the ${way} way`, async () => {
    await withStep(number, ['--count', way], async ({ port }) => {
      const client = await Client.open(port);
      const events = EVENTS.filter(({ sent }) => sent.includes('"action"') && sent.length <= 16_385);
      const overflows = events.filter(event => event.says(() => '', number) === rejected('balance_overflow'));
      const wrong = events.filter(event => event.says(() => '', number).includes('error'));
      client.send(Buffer.concat([bytesOf(EVENTS), Buffer.from('\n')]));
      await client.lines(EVENTS.length);
      const received = events.length - wrong.length;
      const dropped = overflows.length;
      const counts = `{"received":${received},"processed":${received - dropped},"dropped":${dropped}}`;
      expect(await client.ask(METRICS)).toBe(counts);
      expect(await client.ask('{"type":"metrics","detail":true}\n')).toBe(counts);
      client.close();
    });
  });
});

test.concurrent.each([3, 4, 8])('step %i knows no metrics yet', async number => {
  await withStep(number, [], async ({ port }) => {
    expect(await exchange(port, METRICS)).toBe(`${error('unknown_type')}\n`);
  });
});

describe.concurrent.each([5, 10])('step %i', { timeout: 2 * LINES_MS_MAX }, number => {
  const usersLines = Array.from({ length: USERS_MAX }, (_, at) => buyLine(`u${at}`, 1)).join('');

  test('has room for so many users', async () => {
    await withStep(number, ['--queue', '131072'], async ({ port }) => {
      const client = await Client.open(port);
      client.send(usersLines);
      const replies = await client.lines(USERS_MAX, LINES_MS_MAX);
      expect(replies.filter(reply => reply !== ACCEPTED)).toEqual([]);
      expect(await client.ask(buyLine('one-more', 1))).toBe(rejected('too_many_users'));
      expect(await client.ask(balanceRequest('one-more'))).toBe(okLine(0));
      expect(await client.ask(`{"user":"u0","action":"buy","amount":1,"wait":true}\n`)).toBe(okLine(2));
      client.close();
    });
  });

  test('keeps no room for users whose events it refused', async () => {
    await withStep(number, ['--queue', '1', '--work-us', '50000'], async ({ port }) => {
      const client = await Client.open(port);
      client.send(usersLines);
      const replies = await client.lines(USERS_MAX, LINES_MS_MAX);
      expect(replies.filter(reply => reply !== ACCEPTED && reply !== BUSY)).toEqual([]);
      await until(async () => {
        const reply = await client.ask(buyLine('one-more', 1));
        if (reply !== BUSY) expect(reply).toBe(ACCEPTED);
        return reply === ACCEPTED;
      }, 'room in the queue');
      client.close();
    });
  });
});

test.concurrent.each([1, 5, 10])(
  'step %i ends at once on SIGTERM while it has nothing to do',
  async number => {
    const step = await startStep(number);
    step.signal('SIGTERM');
    expect(await step.ended).toEqual(
      number === 10 ? { exitCode: 0, signal: null } : { exitCode: null, signal: 'SIGTERM' },
    );
    await step.stop();
  },
);
