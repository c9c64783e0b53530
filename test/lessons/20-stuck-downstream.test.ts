import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(20, {
  faults: [
    {
      name: 'has no old rate to give',
      file: 'server.ts',
      from: 'const last = known.get(currency);',
      to: 'const last: Rate | undefined = undefined;',
    },
    {
      name: 'never closes its breaker again',
      file: 'guard.ts',
      from: 'const OPEN_MS = 500;',
      to: 'const OPEN_MS = 1e9;',
    },
    {
      name: 'has as many calls under way as there are questions',
      file: 'guard.ts',
      from: 'const CALLS_MAX = 10;',
      to: 'const CALLS_MAX = 1000;',
    },
    {
      name: 'asks again and again, and nothing keeps it from it',
      file: 'guard.ts',
      from: 'if (underWay >= CALLS_MAX || performance.now() < openUntilMs || (isRetry && retries < 1)) return false;',
      to: '',
    },
  ],
});

interface Call {
  withinMs: number;
  /** How long its connection was open. */
  openMs?: number;
}

describe('the guard of lesson 20', () => {
  const lesson = lessonOf(20)!;
  const right = subjectsOf(lesson).find(({ side }) => side === 'right')!;
  let calls: Call[] = [];
  let answer = (_: Socket, _call: number) => {};
  const service = createServer(socket => {
    const startMs = performance.now();
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', line => {
      const call: Call = { withinMs: JSON.parse(line).within_ms };
      calls.push(call);
      socket.on('close', () => {
        call.openMs = performance.now() - startMs;
      });
      answer(socket, calls.length);
    });
  });
  let place: Place;
  beforeAll(async () => {
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    place = await Place.open({ ...lesson, companions: [] });
  });
  afterAll(async () => {
    service.close();
    await place.close();
  });

  const rate = (socket: Socket) => socket.end('{"rate":1,"as_of_ms":1}\n');
  const refuse = (socket: Socket) => socket.end();
  const question = (withinMs: number) => `{"type":"rate","currency":"EUR","within_ms":${withinMs}}\n`;

  /** On a new server, whose downstream answers like this. */
  async function asking(
    how: typeof answer,
    use: (client: Client, server: Server) => Promise<void>,
  ): Promise<void> {
    calls = [];
    answer = how;
    const { port } = service.address() as AddressInfo;
    const server = await ofSubject(right, place).start({ own: { 'rates-url': `tcp://127.0.0.1:${port}` } });
    const client = await Client.open(server.port);
    try {
      await use(client, server);
    } finally {
      client.close();
      await server.stop();
    }
  }

  test('passes on what is left of the time, and leaves when it is over', () =>
    asking(
      () => {},
      async client => {
        expect(await client.ask(question(800))).toBe('{"status":"rejected","reason":"rate_unknown"}');
        const [first, second] = calls;
        expect([first!.withinMs, second!.withinMs]).toEqual([400, 200]);
        await until(() => first!.openMs !== undefined, 'the connection to be closed');
        expect(first!.openMs).toBeLessThan(800);
      },
    ));

  test('makes a tenth of its calls again, and a few more', () =>
    asking(
      (socket, call) => (call % 2 === 0 ? rate(socket) : refuse(socket)),
      async client => {
        const questions = 200;
        for (let asked = 0; asked < questions; asked += 1) await client.ask(question(2_000));
        expect(calls.length).toBeGreaterThan(questions);
        expect(calls.length).toBeLessThanOrEqual(questions * 1.1 + 5);
      },
    ));

  test('leaves in peace who refuses five calls, and looks after a while whether it is well again', () =>
    asking(refuse, async client => {
      for (let asked = 0; asked < 50; asked += 1) await client.ask(question(2_000));
      expect(calls.length).toBeLessThanOrEqual(6);
      answer = rate;
      const isWell = async () => (await client.ask(question(2_000))).includes('"rate":1');
      await until(isWell, 'a fresh rate');
      expect(calls.length).toBeLessThanOrEqual(8);
    }));
});
