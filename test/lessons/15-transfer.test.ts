import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
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
      from: '.catch(() => undefined)',
      to: ".catch(() => ({ status: 'error', reason: 'no_answer' }))",
    },
    {
      name: 'gives nothing back',
      file: 'transfer.ts',
      from: '? ARRIVED : GIVEN_BACK',
      to: '? ARRIVED : ARRIVED',
    },
  ],
});

describe.skipIf(whatIsMissing(lessonOf(15)!.engines) !== undefined)('a server of a reader', () => {
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
