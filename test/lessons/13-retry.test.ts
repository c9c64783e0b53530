import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { freePort, type Server, startOnPort } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { type Side, subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { runCli } from '../support/server.ts';
import { testsOf } from './lesson-tests.ts';
import { onMutant } from './mutant.ts';

const BY_ID_ALONE = {
  file: 'server.ts',
  from: 'JSON.stringify([user, id])',
  to: 'JSON.stringify([typeof user, id])',
};

testsOf(13, {
  faults: [
    {
      name: 'looks, applies and remembers in three commands',
      file: 'server.ts',
      from: ', ...ids];',
      to: `];
        if (ids[0] !== undefined) {
          const first = await redis.get(ids[0]);
          if (first !== null) return first;
          const made = await apply(event, []);
          await redis.set(ids[0], made, 'PX', idsMs);
          return made;
        }`,
    },
    {
      name: 'forgets ids after a millisecond',
      file: 'server.ts',
      from: "const idsMs = Number(flags['ids-ms']);",
      to: 'const idsMs = 1;',
    },
    {
      name: 'remembers ids for itself',
      file: 'server.ts',
      from: '(user: string, id: string) => ',
      to: '(user: string, id: string) => process.pid + ',
    },
    { name: 'takes the id of one user for that of another, and leaves the other out', ...BY_ID_ALONE },
    {
      name: 'says that another amount under a known id is done',
      file: 'server.ts',
      from: 'asked.some((word, at) => word !== outcome[at])',
      to: 'false',
    },
    {
      name: 'makes the reply anew',
      file: 'server.ts',
      from: 'replyTo(event, Number(outcome[2]))',
      to: 'replyTo(event, await balanceOf(event.user))',
    },
    {
      name: 'marks the id first, and then applies',
      file: 'server.ts',
      from: '  const asked = ',
      to: "  if (ids[0] !== undefined && (await redis.set('mark' + ids[0], '1', 'NX')) === null) return replyTo(event, await balanceOf(event.user));\n  const asked = ",
    },
  ],
  mistakes: [
    {
      name: 'does not look at ids',
      case: 'an event with an id that is sent again gets its first reply, and is applied once',
      file: 'server.ts',
      from: 'if (id === undefined)',
      to: 'if (id === undefined || isId(id))',
    },
    {
      name: 'answers a retry with what it has',
      case: 'an event with an id that is sent again gets its first reply, and is applied once',
      file: 'server.ts',
      from: "rejected('balance_overflow') : replyTo(event, Number(outcome[2]))",
      to: "rejected('balance_overflow') : reply('ok', { balance: Number(outcome[2]) })",
    },
    {
      name: 'takes the id of one user for that of another',
      case: 'an id belongs to its user: others may have the same',
      ...BY_ID_ALONE,
    },
    {
      name: 'applies another amount under a known id',
      case: 'the same id with another amount is not applied',
      file: 'server.ts',
      from: 'return isId(id) ? apply(request, [keyOf(request.user, id)])',
      to: 'return isId(id) ? apply(request, [keyOf(request.user, id + request.amount)])',
    },
    {
      name: 'takes ids of any length',
      case: 'an id is a string of 1 to 64 bytes, and stands once',
      file: 'server.ts',
      from: 'const ID_BYTES_MAX = 64;',
      to: 'const ID_BYTES_MAX = 128;',
    },
    {
      name: 'makes a string of whatever an id is',
      case: 'an id is a string of 1 to 64 bytes, and stands once',
      file: 'server.ts',
      from: 'const { id } = request.fields;',
      to: 'const id = request.fields.id && String(request.fields.id);',
    },
  ],
  refused: { none: 'an event with an id that is sent again gets its first reply, and is applied once' },
});

const lesson = lessonOf(13)!;
const missing = whatIsMissing(lesson.engines);
const folder = mkdtempSync(join(tmpdir(), 'tally-retry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const buy = (amount: number, more: string) => `{"user":"alice","action":"buy","amount":${amount}${more}}\n`;
const BALANCE = '{"type":"balance","user":"alice"}\n';
const BUSY = '{"status":"rejected","reason":"server_busy"}\n';
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;

/** Starts a server of the lesson, and has `use` talk to it and to Redis. */
async function onSide<T>(
  side: Side,
  own: Record<string, string | number>,
  use: (server: Server, redis: Redis) => Promise<T>,
): Promise<T> {
  const place = await Place.open(lesson);
  const redis = new Redis(place.engine('redis').url);
  const server = await ofSubject(subjectsOf(lesson).find(subject => subject.side === side)!, place).start({
    own,
  });
  try {
    return await use(server, redis);
  } finally {
    await server.stop();
    redis.disconnect();
    await place.close();
  }
}

/** A way to Redis that breaks once, between the execution of a script and its reply. */
async function onBreakingLink(use: (url: string, redis: Redis) => Promise<void>): Promise<void> {
  const place = await Place.open(lesson);
  const { url } = place.engine('redis');
  const redis = new Redis(url);
  let isBroken = false;
  const link = createServer(near => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    let isBreaking = false;
    near.on('data', bytes => {
      isBreaking = !isBroken && bytes.includes('eval');
      isBroken ||= isBreaking;
      far.write(bytes);
    });
    far.on('data', bytes => void (isBreaking ? near.destroy() : near.write(bytes)));
    near.on('close', () => far.destroy()).on('error', () => {});
  });
  await once(link.listen(0, '127.0.0.1'), 'listening');
  try {
    await use(`redis://127.0.0.1:${(link.address() as AddressInfo).port}`, redis);
    expect(isBroken).toBe(true);
  } finally {
    link.close();
    redis.disconnect();
    await place.close();
  }
}

describe.skipIf(missing !== undefined)('the ids of lesson 13', () => {
  test('are answered with the same bytes as by the finished server', async () => {
    const lines = [
      buy(5, ',"id":"a","wait":true'),
      buy(7, ''),
      buy(5, ',"id":"a","wait":true'),
      buy(6, ',"id":"a","wait":true'),
      buy(5, ',"id":"a"'),
      '{"user":"alice","action":"sell","amount":5,"wait":true,"id":"a"}\n',
      '{"user":"bob","action":"buy","amount":1,"id":"a"}\n'.repeat(2),
      '{"type":"balance","user":"bob"}\n',
      ...['""', '1', 'null', '"\\ud800"', `"${'x'.repeat(65)}"`, '"a","id":"a"'].map(id =>
        buy(1, `,"id":${id}`),
      ),
      buy(1, `,"id":"${'é'.repeat(32)}"`).repeat(2),
      buy(2 ** 53 - 1, ',"id":"much","wait":true').repeat(2),
      BALANCE,
    ].join('');
    const [ours, finished] = await Promise.all(
      (['right', 'src'] as const).map(side => onSide(side, {}, ({ port }) => exchange(port, lines))),
    );
    expect(ours).toBe(finished);
    expect(ours).toContain(
      `${ok(5)}{"status":"accepted"}\n${ok(5)}{"status":"rejected","reason":"id_reused"}\n`,
    );
    expect(ours?.endsWith(ok(13))).toBe(true);
  });

  test('are forgotten after their time, and take no memory any more', async () => {
    await onSide('right', { 'ids-ms': 300 }, async ({ port }, redis) => {
      const line = buy(5, ',"id":"a","wait":true');
      expect(await exchange(port, line.repeat(2))).toBe(ok(5).repeat(2));
      expect(await redis.dbsize()).toBe(2);
      await until(async () => (await redis.dbsize()) === 1, 'the id to be forgotten');
      expect(await exchange(port, line)).toBe(ok(10));
    });
  });

  test('are kept where memory is full: a new one is refused, and an old one gets its first reply', async () => {
    await onSide('right', {}, async ({ port }, redis) => {
      const first = buy(5, ',"id":"a","wait":true');
      await exchange(port, first);
      await redis.config('SET', 'maxmemory', '1');
      expect(await exchange(port, first + buy(7, ',"id":"b"') + BALANCE)).toBe(`${ok(5)}${BUSY}${ok(5)}`);
      await redis.config('SET', 'maxmemory', '0');
      expect(await exchange(port, buy(7, ',"id":"b","wait":true'))).toBe(ok(12));
    });
  });

  test.each([
    ['wrong' as const, 10],
    ['right' as const, 5],
  ])(
    'the client of Redis sends again by itself when its connection breaks: %s makes %d of 5',
    async (side, balance) => {
      await onBreakingLink(async (url, redis) => {
        await onSide(side, { 'redis-url': url }, async ({ port }) => {
          expect(await exchange(port, buy(5, ',"id":"a","wait":true'))).toBe(ok(balance));
          expect(await redis.get('balance:alice')).toBe(String(balance));
        });
      });
    },
  );

  test('outlive kill -9 of Redis together with the balances, where Redis syncs what it writes', async () => {
    const port = await freePort();
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const start = () =>
      startOnPort(
        {
          name: 'redis-server',
          program: 'redis-server',
          args: [...flags, '--appendonly', 'yes', '--appendfsync', 'always'],
        },
        port,
        20_000,
      );
    const line = buy(5, ',"id":"a","wait":true');
    let engine = await start();
    const own = { 'redis-url': `redis://127.0.0.1:${port}` };
    const answered: string[] = [];
    try {
      await onSide('right', own, async server => {
        answered.push(await exchange(server.port, line));
        engine.signal('SIGKILL');
        await engine.ended;
        engine = await start();
        // It has lost its connection to Redis, and finds it again.
        answered.push(await exchange(server.port, line + BALANCE));
      });
    } finally {
      await engine.stop();
    }
    expect(answered).toEqual([ok(5), ok(5) + ok(5)]);
  });
});

test.skipIf(missing !== undefined)(
  'ids of all users in one are seen as that, and as nothing else',
  async () => {
    const place = await Place.open(lesson);
    const subject = { lesson, side: 'right' as const, way: undefined };
    try {
      const { evidence, sentence } = await onMutant(
        subject,
        { name: 'by id alone', ...BY_ID_ALONE },
        place,
        source => lesson.witness.run(source, () => {}, place),
      );
      expect(sentence).toContain('; an event was taken for that of another user');
      expect(evidence).toMatchObject({
        chargedTwice: 0,
        neverCharged: 0,
        otherReplies: 0,
        hasIdsByUser: false,
        isReuseRefused: true,
        instances: 2,
      });
    } finally {
      await place.close();
    }
  },
);

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log('left out: python3 is not installed');

describe.skipIf(!hasPython || missing !== undefined)('a server in another language', () => {
  const server = fileURLToPath(new URL('servers/retry.py', import.meta.url));

  test.concurrent.each([
    ['is told of Redis by a variable, and charges twice', `python3 ${server} wrong`, 1, 'present'],
    [
      'is told of it in the command, and charges once',
      `env -i PORT={port} REDIS_URL={redis_url} $(which python3) ${server} right`,
      0,
      'absent',
    ],
  ])('%s', async (_, command, exitCode, observed) => {
    const ran = await runCli(['pain', '13', '--json', '--cmd', command], { XDG_STATE_HOME: folder });
    expect(ran, ran.stderr).toMatchObject({ exitCode });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      pain: 13,
      step: command,
      observed,
      evidence: { instances: 2 },
    });
  });
});
