/** Clients as bad as they come, at the steps whose pain they are not. */
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { residentMiB } from '../support/abuse.ts';
import { ACCEPTED, BUSY, balanceRequest, buyLine, HEALTH, okLine } from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { floodUntilStuck } from './wire/flood.ts';
import { withStep } from './wire/running.ts';
import { OK, waitLine } from './wire/script.ts';

const RESETS = 60;
const COMERS = 500;
const AT_A_TIME = 50;
/** What a step may take for a client that sends and never reads: some buffers, and what Node leaves uncollected. */
const GROWTH_MIB_MAX = 120;

/** Until the first bytes come, or none can come because the line has no end. */
function answered({ socket }: Client): Promise<void> {
  return new Promise(resolve => {
    socket.once('data', () => resolve());
    setTimeout(resolve, 20);
  });
}

describe.concurrent.each([4, 5, 10])('step %i', number => {
  test('does not grow for a client that never reads', async () => {
    await withStep(number, [], async ({ port, pid }) => {
      const before = residentMiB(pid!);
      const client = await Client.open(port);
      // Every byte is an empty line, whose answer has 43 of them.
      let peakMiB = 0;
      await floodUntilStuck(client, Buffer.alloc(65_536, '\n'), () => {
        peakMiB = Math.max(peakMiB, residentMiB(pid!) ?? 0);
      });
      if (before !== undefined) expect(peakMiB - before).toBeLessThan(GROWTH_MIB_MAX);
      const other = await Client.open(port);
      other.send(HEALTH);
      // On a busy machine it may still be at work on what it has taken.
      expect(await other.lines(1, 30_000)).toEqual([OK]);
      client.reset();
      other.close();
    });
  });
});

describe.concurrent.each([3, 4, 5, 6, 7, 8, 9, 10])('step %i', number => {
  test('outlives clients that reset in the middle of everything, and serves those who come and go', async () => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    const pick = <Value>(...values: Value[]) => values[Math.floor(random() * values.length)]!;
    await withStep(number, [], async ({ port, output }) => {
      const other = await Client.open(port);
      for (let reset = 0; reset < RESETS; reset++) {
        const client = await Client.open(port);
        client.send(
          pick(
            buyLine('r', 1).repeat(1_000),
            (balanceRequest('r') + waitLine('r')).repeat(200),
            HEALTH.repeat(2_000),
            waitLine('r').slice(0, 20),
          ),
        );
        if (random() < 0.3) client.socket.end();
        // Before, while or after the server answers.
        const moment = pick('at once', 'in the next turn', 'when something comes');
        if (moment === 'in the next turn') await new Promise(resolve => setImmediate(resolve));
        if (moment === 'when something comes') await answered(client);
        client.reset();
      }
      expect(await other.ask(HEALTH), `TALLY_TEST_SEED=${seed}`).toBe(OK);
      for (let come = 0; come < COMERS; come += AT_A_TIME) {
        const clients = await Promise.all(Array.from({ length: AT_A_TIME }, () => Client.open(port)));
        for (const client of clients) client.send(HEALTH);
        for (const client of clients) expect(await client.finish()).toBe(`${OK}\n`);
      }
      expect(output(), `TALLY_TEST_SEED=${seed}`).toBe(`listening on 127.0.0.1:${port}`);
      other.close();
    });
  });
});

const SIZES: Record<number, number[]> = {
  4: [0],
  5: [1, 1024],
  6: [16],
  7: [4],
  8: [1, 64],
  9: [16],
  10: [1],
};

describe.concurrent.each([4, 5, 6, 7, 8, 9, 10])('step %i', number => {
  const isQueued = number !== 4;

  test.each(SIZES[number]!)(
    'gives everybody his own answers, in order, in a flood of everything, with a queue of %i',
    async queue => {
      const seed = pickSeed();
      const random = randomFrom(seed);
      const flags = isQueued ? ['--queue', String(queue), '--work-us', '1', '--work', 'cpu'] : [];
      await withStep(number, flags, async ({ port }) => {
        const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(port)));
        const sent = clients.map((_, at) =>
          Array.from({ length: 400 }, () => {
            const draw = random();
            if (draw < 0.1) return HEALTH;
            if (draw < 0.3) return balanceRequest(`u${at}`);
            return draw < 0.5 ? waitLine(`u${at}`) : buyLine(`u${at}`, 1);
          }),
        );
        for (const [at, client] of clients.entries()) client.send(sent[at]!.join(''));
        for (const [at, client] of clients.entries()) {
          const replies = (await client.finish(20_000)).split('\n');
          expect(replies.pop()).toBe('');
          const what = `TALLY_TEST_SEED=${seed}, client ${at}`;
          expect(replies.length, what).toBe(sent[at]!.length);
          let balance = 0;
          for (const [line, reply] of replies.entries()) {
            const request = sent[at]![line]!;
            const isEvent = request.includes('"action"');
            const isAnswered = request === waitLine(`u${at}`) || number === 4 || number === 8;
            if (isEvent && !(isQueued && reply === BUSY)) balance += 1;
            if (isEvent && isQueued && reply === BUSY) continue;
            const expected = isEvent ? (isAnswered ? okLine(balance) : ACCEPTED) : okLine(balance);
            expect(reply, `${what}, line ${line}`).toBe(request === HEALTH ? OK : expected);
          }
        }
      });
    },
  );
});
