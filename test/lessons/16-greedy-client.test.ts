import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/tools/harness/client.ts';
import { attack, LIMIT, WINDOW_MS, withInstances } from '../../steps/16-greedy-client/witness.ts';
import type { Source } from '../../steps/kit/server.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { runCli } from '../support/server.ts';
import { testsOf } from './lesson-tests.ts';
import { onMutant } from './mutant.ts';

const lesson = lessonOf(16)!;
const [SOME, NOTHING] = lesson.cases.map(({ name }) => name) as [string, string];

testsOf(16, {
  faults: [
    {
      name: 'fills its bucket by the clock of its own machine',
      way: 'bucket',
      file: 'ways.ts',
      from: '(await redis.eval(BUCKET, 1,',
      to: "(await redis.eval(BUCKET.replace(NOW, 'local nowMs = ' + Date.now()), 1,",
    },
    {
      name: 'has a bucket for each instance',
      way: 'bucket',
      file: 'ways.ts',
      from: '(await redis.eval(BUCKET, 1,',
      to: "(await redis.eval(BUCKET.replaceAll('KEYS[1]', 'KEYS[1] .. ' + process.pid), 1,",
    },
    {
      name: 'reads the bucket and writes it in two round trips',
      way: 'bucket',
      file: 'ways.ts',
      from: 'bucket: (redis, limit, windowMs) => async user =>',
      to: `bucket: (redis, limit, windowMs) => async user => {
        const left = Number((await redis.get(user)) ?? limit);
        if (left > 0) await redis.set(user, left - 1, 'PX', windowMs);
        return left > 0;
      },
      unused: (redis, limit, windowMs) => async user =>`,
    },
    {
      name: 'has a window that begins with the first event of a user, in Redis',
      way: 'bucket',
      file: 'ways.ts',
      from: 'bucket: (redis, limit, windowMs) => async user =>',
      to: `bucket: (redis, limit, windowMs) => async user => {
        const count = await redis.incr(user);
        if (count === 1) await redis.pexpire(user, windowMs);
        return count <= limit;
      },
      unused: (redis, limit, windowMs) => async user =>`,
    },
    {
      name: 'looks at a part of its window only',
      way: 'sliding',
      file: 'ways.ts',
      from: 'nowMs - backMs < windowMs then',
      to: 'nowMs - backMs < windowMs / 20 then',
    },
    {
      name: 'takes the times of its events from its own machine',
      way: 'sliding',
      file: 'ways.ts',
      from: '(await redis.eval(SLIDING, 1,',
      to: "(await redis.eval(SLIDING.replace(NOW, 'local nowMs = ' + Date.now()), 1,",
    },
    {
      name: 'does not tell what it has spent of its share',
      way: 'share',
      file: 'ways.ts',
      from: 'limit, windowMs, told, -Infinity)',
      to: 'limit, windowMs, 0, -Infinity)',
    },
    {
      name: 'takes itself for the only instance',
      way: 'share',
      file: 'ways.ts',
      from: "redis.call('ZCARD', KEYS[1])",
      to: '1',
    },
  ],
  mistakes: [
    {
      name: 'has no limit',
      case: SOME,
      file: 'server.ts',
      from: 'if (!(await mayPass(user)))',
      to: 'if (false)',
    },
    {
      name: 'does not look at LIMIT',
      case: SOME,
      file: 'server.ts',
      from: 'Number(flags.limit)',
      to: '1000',
    },
    {
      name: 'applies what it refuses',
      case: SOME,
      file: 'server.ts',
      from: "return rejected('rate_limited');",
      to: "return balances.set(user, (balances.get(user) ?? 0) + amount) && rejected('rate_limited');",
    },
    {
      name: 'gives a new user nothing at first',
      case: SOME,
      file: 'ways.ts',
      from: '(tokens or limit)',
      to: '(tokens or 0)',
    },
    {
      name: 'counts lines that are wrong',
      case: NOTHING,
      file: 'serve.ts',
      from: "typeof request === 'string' ? request : await answer(request)",
      to: "typeof request === 'string' ? (await answer({ type: 'event', ...JSON.parse(line) }), request) : await answer(request)",
    },
    {
      name: 'has one limit for all users',
      case: NOTHING,
      file: 'server.ts',
      from: 'mayPass(user)',
      to: "mayPass('all')",
    },
  ],
});

const isMissing = whatIsMissing(lesson.engines) !== undefined;

/** On every connection of every instance. */
async function onAll<T>(way: string, use: (clients: Client[], place: Place) => Promise<T>): Promise<T> {
  const place = await Place.open(lesson);
  try {
    const source = ofSubject({ lesson, side: 'right', way }, place);
    return await withInstances(source, async scenes => {
      const clients = await Promise.all(scenes.map(scene => scene.openAll(4)));
      // Meanwhile they hear of one another.
      await attack([clients.flat()], 'before', WINDOW_MS);
      return use(clients.flat(), place);
    });
  } finally {
    await place.close();
  }
}

describe.skipIf(isMissing)('the right servers of lesson 16', () => {
  test.each(['bucket', 'sliding'])(
    'by %s give not one event too much, and all that are allowed',
    async way => {
      const { accepted, allowed, atMs } = await onAll(way, clients =>
        attack([clients], way, 1.5 * WINDOW_MS),
      );
      expect(accepted).toBeLessThanOrEqual(allowed);
      expect(atMs.length).toBeGreaterThan(LIMIT);
    },
  );

  test('by share give too much for an instant only, and take it back', async () => {
    const { atMs } = await onAll('share', clients => attack([clients], 'share', 3 * WINDOW_MS));
    const tooMany = atMs.map((ms, index) => index + 1 - LIMIT * (1 + ms / WINDOW_MS));
    expect(Math.max(...tooMany)).toBeLessThanOrEqual(LIMIT / 2);
    expect(tooMany.at(-1)).toBeLessThanOrEqual(LIMIT / 8);
    expect(atMs.length).toBeGreaterThan(2 * LIMIT);
  });

  test('by share go on while Redis stands still, each with its part', async () => {
    const { accepted, allowed } = await onAll('share', async (clients, place) => {
      const redis = place.engine('redis');
      redis.signal('SIGSTOP');
      try {
        return await attack([clients], 'meanwhile', WINDOW_MS);
      } finally {
        redis.signal('SIGCONT');
      }
    });
    expect(accepted).toBeGreaterThan(LIMIT / 2);
    expect(accepted).toBeLessThanOrEqual(allowed);
  });
});

test.skipIf(isMissing).each([
  [
    'a bucket that rounds tokens down',
    'if tokens < least then return false end',
    "tokens = math.floor(tokens) if tokens < least then redis.call('HSET', KEYS[1], 'tokens', tokens, 'atMs', nowMs) return false end",
  ],
  ['a bucket that fills ten times too slowly', 'windowMs, 1, 1)) !== null', 'windowMs * 10, 1, 1)) !== null'],
])('%s has no pain, and is not right: it can’t be told', async (name, from, to) => {
  const place = await Place.open(lesson);
  const subject = { lesson, side: 'right' as const, way: 'bucket' };
  const run = (source: Source) => lesson.witness.run(source, () => {}, place);
  try {
    await expect(onMutant(subject, { name, file: 'ways.ts', from, to }, place, run)).rejects.toThrow(
      /^it (?:refuses a user of whom it has accepted \d+ events within 1500 ms, when 50 are allowed|accepts nothing more of a user)/,
    );
  } finally {
    await place.close();
  }
});

const isLeftOut = isMissing || spawnSync('python3', ['--version']).status !== 0;

describe.skipIf(isLeftOut)('a server in another language', () => {
  const server = fileURLToPath(new URL('servers/greedy.py', import.meta.url));

  test.each([
    ['counts in windows, in its memory', 'wrong', 1, 'present'],
    ['has a script in Redis', 'right', 0, 'absent'],
  ])('that %s', async (_, word, exitCode, observed) => {
    const command = `python3 ${server} ${word}`;
    const ran = await runCli(['pain', '16', '--json', '--cmd', command]);
    expect(ran, ran.stderr).toMatchObject({ exitCode });
    expect(JSON.parse(ran.stdout)).toMatchObject({ pain: 16, step: command, observed });
  });
});
