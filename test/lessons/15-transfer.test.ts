import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { balanceRequest, buyLine, okLine } from '../support/asking.ts';
import { runCli } from '../support/server.ts';
import { testsOf } from './lesson-tests.ts';

testsOf(15, {
  faults: [
    {
      name: 'locks the sender first',
      file: 'transfer.ts',
      from: 'from < to ? from : to',
      to: 'from',
    },
    {
      name: 'does not look at its start for what is on its way',
      file: 'server.ts',
      from: 'await resume(pool, bank);',
      to: '',
    },
    {
      name: 'brings it with another id each time',
      file: 'transfer.ts',
      from: 'wait: true, id }',
      to: 'wait: true, id: randomUUID() }',
    },
    {
      name: 'gives back where it got no answer',
      file: 'transfer.ts',
      from: 'id }).catch(() => undefined)',
      to: "id }).catch(() => ({ status: 'error', reason: 'no_answer' }))",
    },
    {
      name: 'gives nothing back',
      file: 'transfer.ts',
      from: '? ARRIVED : GIVEN_BACK',
      to: '? ARRIVED : ARRIVED',
    },
  ],
});

const lesson = lessonOf(15)!;
const isMissing = whatIsMissing(lesson.engines) !== undefined;

/** The first row that leaves `transit` stays there. Who writes the account `cut` loses the connection. */
const FAILURES = `
  CREATE SEQUENCE deletions;
  CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('deletions') = 1 THEN RAISE EXCEPTION 'not this time'; END IF;
    RETURN OLD;
  END $$;
  CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER fail_once BEFORE DELETE ON transit FOR EACH ROW EXECUTE FUNCTION fail_once();
  CREATE TRIGGER cut_off BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION cut_off()`;

describe.skipIf(isMissing)('where the database of lesson 15 fails', () => {
  const right = subjectsOf(lesson).find(({ side }) => side === 'right')!;
  let place: Place;
  let server: Server;
  let database: pg.Client;
  beforeAll(async () => {
    place = await Place.open(lesson);
    server = await ofSubject(right, place).start();
    database = new pg.Client(place.engine('postgres').url);
    await database.connect();
    await database.query(FAILURES);
  }, 60_000);
  afterAll(async () => {
    await database.end();
    await server.stop();
    await place.close();
  });

  const transfer = (from: string, to: string, more = '') =>
    `{"type":"transfer","from":"${from}","to":"${to}","amount":30${more}}\n`;

  test('what the other bank has taken is not refused: it is struck out at the second try', async () => {
    const lines =
      buyLine('alice', 100) + transfer('alice', 'eve', ',"abroad":true') + balanceRequest('alice');
    expect(await exchange(server.port, lines)).toBe(`{"status":"accepted"}\n${`${okLine(70)}\n`.repeat(2)}`);
    expect(await exchange(place.companion('bank').port, balanceRequest('eve'))).toBe(`${okLine(30)}\n`);
    const { rows } = await database.query('SELECT nextval($1), (SELECT count(*) FROM transit)', [
      'deletions',
    ]);
    expect(rows).toEqual([{ nextval: '3', count: '0' }]);
  });

  test.each([
    ['an event', buyLine('cut', 100)],
    ['a transfer', transfer('bob', 'cut')],
  ])('%s whose connection breaks gets no reply, and all others go on', async (_, line) => {
    await exchange(server.port, buyLine('bob', 100));
    expect(await exchange(server.port, line + balanceRequest('bob'))).toBe('');
    expect(await exchange(server.port, balanceRequest('cut'))).toBe(`${okLine(0)}\n`);
  });

  test('what would be too much is refused', async () => {
    const lines = buyLine('carol', Number.MAX_SAFE_INTEGER) + buyLine('carol', 1);
    expect(await exchange(server.port, lines)).toBe(
      '{"status":"accepted"}\n{"status":"rejected","reason":"balance_overflow"}\n',
    );
  });
});

describe.skipIf(isMissing)('a server of a reader', () => {
  const of = (side: string) =>
    fileURLToPath(new URL(`../../steps/15-transfer/${side}/server.ts`, import.meta.url));

  test.each([
    ['wrong', 1, 'present'],
    ['right', 0, 'absent'],
  ])('is told of database and bank in the command: %s', async (side, exitCode, observed) => {
    const command = `${process.execPath} --import tsx ${of(side)} --port {port} --postgres-url {postgres_url} --bank-url {bank_url}`;
    const ran = await runCli(['pain', '15', '--json', '--cmd', command]);
    expect(ran, ran.stderr).toMatchObject({ exitCode });
    expect(JSON.parse(ran.stdout)).toMatchObject({ pain: 15, step: command, observed });
  });
});
