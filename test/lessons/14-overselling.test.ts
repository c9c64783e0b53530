import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { sellOut } from '../../steps/14-overselling/witness.ts';
import { Scene } from '../../steps/kit/witnesses/scene.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { ACCEPTED, balanceRequest, buyLine, okLine } from '../support/asking.ts';
import { runCli } from '../support/server.ts';
import { testsOf } from './lesson-tests.ts';

const lesson = lessonOf(14)!;

testsOf(14, {
  faults: [
    {
      name: 'reads the row without locking it',
      way: 'for-update',
      file: 'ways.ts',
      from: ' FOR UPDATE`',
      to: '`',
    },
    {
      name: 'writes whatever the version is',
      way: 'version',
      file: 'ways.ts',
      from: 'AND version = $3',
      to: 'AND version >= $3',
    },
    {
      name: 'leaves the isolation as it is',
      way: 'serializable',
      file: 'ways.ts',
      from: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
      to: 'BEGIN',
    },
    {
      name: 'tells whoever was slower that it has one, too',
      way: 'serializable',
      file: 'ways.ts',
      from: 'return undefined;',
      to: 'return 0;',
    },
    {
      name: 'awaits something between the read and the write of its owner',
      way: 'owner',
      file: 'ways.ts',
      from: 'item.balance = decided;',
      to: "await pool.query('SELECT 1');\n    item.balance = decided;",
    },
  ],
});

describe.skipIf(whatIsMissing(lesson.engines) !== undefined)(
  'two servers of lesson 14 on one database',
  () => {
    test.each([
      ['for-update', 0],
      ['owner', 1],
    ])('%s', async (way, oversoldMin) => {
      const place = await Place.open(lesson);
      const source = ofSubject({ lesson, side: 'right', way }, place);
      const servers = [await source.start(), await source.start()];
      const scenes = servers.map(server => new Scene(server));
      const both = {
        openAll: async (count: number) =>
          (await Promise.all(scenes.map(scene => scene.openAll(count / 2)))).flat(),
      } as Scene;
      try {
        const oversold = (await sellOut(both, 32, 100)).sold - 100;
        expect(Math.min(oversold, 1)).toBe(oversoldMin);
      } finally {
        for (const scene of scenes) scene.close();
        for (const server of servers) await server.stop();
        await place.close();
      }
    });
  },
);

/** Who sells `cut` loses the connection to the database. */
const CUTS = `
  CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER cut_off BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION cut_off()`;

test.skipIf(whatIsMissing(lesson.engines) !== undefined)(
  'a connection to the database that breaks ends who waited for it, and nobody else',
  async () => {
    const place = await Place.open(lesson);
    const right = ofSubject({ lesson, side: 'right', way: 'for-update' }, place);
    const server = await right.start();
    const database = new pg.Client(place.engine('postgres').url);
    try {
      await database.connect();
      await database.query(CUTS);
      expect(await exchange(server.port, buyLine('there', 1))).toBe(`${ACCEPTED}\n`);
      expect(await exchange(server.port, buyLine('cut', 1))).toBe('');
      await database.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
      );
      const balance = () => exchange(server.port, balanceRequest('there')).catch(() => '');
      await until(async () => (await balance()) === `${okLine(1)}\n`, 'others are served');
    } finally {
      await database.end();
      await server.stop();
      await place.close();
    }
  },
  60_000,
);

const isLeftOut =
  spawnSync('python3', ['--version']).status !== 0 || whatIsMissing(lesson.engines) !== undefined;

describe.skipIf(isLeftOut)('a server in another language, and without the database', () => {
  const server = fileURLToPath(new URL('servers/overselling.py', import.meta.url));

  test.each([
    ['looks, thinks and writes', 'look', 1, 'present'],
    ['does so with the item locked', 'lock', 0, 'absent'],
  ])('that %s', async (_, word, exitCode, observed) => {
    const command = `python3 ${server} ${word}`;
    const ran = await runCli(['pain', '14', '--json', '--cmd', command]);
    expect(ran, ran.stderr).toMatchObject({ exitCode });
    expect(JSON.parse(ran.stdout)).toMatchObject({ pain: 14, step: command, observed });
  });
});
