import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Lru } from '../../steps/17-stampede/right/lru.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { balanceRequest, okLine } from '../support/asking.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(17, {
  faults: [
    {
      name: 'asks for everybody who misses',
      file: 'server.ts',
      from: 'flights.get(user) ?? ',
      to: '',
    },
    {
      name: 'asks in the background for everybody',
      file: 'server.ts',
      from: 'void fetched(user);',
      to: "void database.ask('get', { user }).then(row => keep(user, row));",
    },
    { name: 'has no jitter', file: 'server.ts', from: '(0.5 + 0.5 * Math.random())', to: '1' },
    {
      name: 'lets an older version replace a newer one',
      file: 'server.ts',
      from: 'if (kept !== undefined && kept.version > row.version) return row;',
      to: '',
    },
    {
      name: 'throws away what it has changed, as the wrong one does',
      file: 'server.ts',
      from: 'keep(user, row);\n  return wait',
      to: 'cache.delete(user);\n  return wait',
    },
    {
      name: 'keeps values for ever',
      way: 'time',
      file: 'server.ts',
      from: 'performance.now() + ttlMs',
      to: 'Number.POSITIVE_INFINITY + ttlMs',
    },
  ],
});

const lesson = lessonOf(17)!;

describe.each(['event', 'version', 'time'])('--way %s of lesson 17', way => {
  test(`${way === 'time' ? 'keeps for a while' : 'does not keep'} what was asked for before somebody else changed it`, async () => {
    const place = await Place.open(lesson);
    const subject = subjectsOf(lesson).find(each => each.way === way)!;
    const server = await ofSubject(subject, place).start({ own: { 'ttl-ms': 60_000 } });
    const [reader, database] = await Promise.all([
      Client.open(server.port),
      Client.open(place.companion('database').port),
    ]);
    try {
      const first = reader.ask(balanceRequest('alice'));
      const question = '{"n":1,"type":"calls"}\n';
      await until(async () => (await database.ask(question)).includes('"gets":1'), 'the query to begin');
      const added = await database.ask('{"n":1,"type":"add","user":"alice","amount":5}\n');
      expect(added).toBe('{"n":1,"balance":5,"version":1}');
      // Whoever asked before may get either.
      await first;
      expect(await reader.ask(balanceRequest('alice'))).toBe(okLine(way === 'time' ? 0 : 5));
    } finally {
      for (const client of [reader, database]) client.close();
      await server.stop();
      await place.close();
    }
  });
});

test('the table has room for 10,000, and forgets what was not used for longest', () => {
  const table = new Lru<number>();
  for (let key = 1; key <= 10_000; key += 1) table.set(String(key), key);
  expect(table.get('1')).toBe(1);
  table.set('one more', 0);
  expect(table.size).toBe(10_000);
  expect(['1', '2', '3', 'one more'].map(key => table.get(key))).toEqual([1, undefined, 3, 0]);
});
