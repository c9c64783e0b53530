import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import type { Bank } from '../../steps/19-poison/witness.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(19, {
  faults: [
    {
      name: 'never puts a bad one aside, and tries it again at once',
      file: 'queue.ts',
      from: 'const TRIES_MAX = 4;\nconst BACKOFF_MS = 50;',
      to: 'const TRIES_MAX = 1e9;\nconst BACKOFF_MS = 0;',
    },
    {
      name: 'tells the bank no key',
      file: 'queue.ts',
      from: 'pay(bank, { user, amount, key })',
      to: 'pay(bank, { user, amount })',
    },
    {
      name: 'takes a payout from the queue before it is paid',
      file: 'queue.ts',
      from: 'const beat =',
      to: 'message.ack();\n    const beat =',
    },
    {
      name: 'forgets a payout after its last try',
      file: 'queue.ts',
      from: "if (!isPaid) await put('dead', payout);",
      to: '',
    },
  ],
});

const lesson = lessonOf(19)!;

describe.skipIf(whatIsMissing(lesson.engines) !== undefined)('the queue of lesson 19', () => {
  const right = subjectsOf(lesson).find(({ side }) => side === 'right')!;
  let place: Place;
  let server: Server;
  let client: Client;
  let bank: Client;
  beforeAll(async () => {
    place = await Place.open(lesson);
    server = await ofSubject(right, place).start();
    client = await Client.open(server.port);
    bank = await Client.open(place.companion('bank').port);
  }, 60_000);
  afterAll(async () => {
    for (const each of [client, bank]) each.close();
    await server.stop();
    await place.close();
  });

  const put = async (user: string, more = '') =>
    expect(await client.ask(`{"type":"payout","id":"${user}","user":"${user}","amount":30${more}}\n`)).toBe(
      '{"status":"accepted"}',
    );
  const report = async (): Promise<Bank> => JSON.parse(await bank.ask('{"report":true}\n'));
  const paid = (user: string, deadlineMs?: number) =>
    until(async () => (await report()).accounts[user]?.paid === 1, `${user} to be paid`, deadlineMs);

  test('does few at a time while few wait, and more when many do', async () => {
    for (let index = 0; index < 5; index += 1) {
      await put(`few-${index}`);
      await paid(`few-${index}`);
    }
    expect((await report()).atOnceMax).toBe(1);
    for (let index = 0; index < 200; index += 1) await put(`many-${index}`);
    await paid('many-199', 30_000);
    const { atOnceMax } = await report();
    expect(atOnceMax).toBeGreaterThan(1);
    expect(atOnceMax).toBeLessThanOrEqual(8);
  });

  test('pays a delayed one when its time has come, and once', async () => {
    const startMs = Date.now();
    await put('later', ',"delay_ms":700');
    await paid('later');
    const { orders, firstPaidMs } = (await report()).accounts.later!;
    expect(orders).toBe(1);
    expect(firstPaidMs! - startMs).toBeGreaterThanOrEqual(690);
  });

  test('pays an urgent one before those that wait', async () => {
    for (let index = 0; index < 150; index += 1)
      client.send(`{"type":"payout","id":"w${index}","user":"w${index}","amount":1}\n`);
    const urgent = client.ask('{"type":"payout","id":"now","user":"now","amount":1,"priority":"high"}\n');
    await client.lines(150);
    await urgent;
    await paid('w149', 30_000);
    const { accounts } = await report();
    expect(accounts.now!.firstPaidMs).toBeLessThan(accounts.w149!.firstPaidMs!);
  });

  test('keeps what the bank takes long for, and gives it to nobody else', async () => {
    await bank.ask('{"user":"slow","manner":"slow"}\n');
    await put('slow');
    await paid('slow');
    // Longer than the bank takes, and so longer than a payout may be silent.
    await sleep(2_500);
    expect((await report()).accounts.slow).toMatchObject({ orders: 1, paid: 1 });
  });

  test('tries again what the bank never answers, and its worker goes on', async () => {
    await bank.ask('{"user":"mute","manner":"silent"}\n');
    await put('mute');
    await put('behind');
    await paid('behind');
    await paid('mute');
    expect((await report()).accounts.mute!.orders).toBe(2);
  });

  test('puts aside what the bank refuses, and goes on', async () => {
    await bank.ask('{"user":"bad","manner":"refuses"}\n');
    await put('bad');
    await put('good');
    await paid('good');
    const counts = () => client.ask('{"type":"payouts"}\n');
    await until(async () => (await counts()) === '{"status":"ok","waiting":0,"dead":1}', 'a dead one');
    expect((await report()).accounts.bad!.orders).toBe(4);
  });
});
