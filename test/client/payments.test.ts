/** The programs of the documents do what the documents say, and the one that pays does it while its server is killed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { start } from '../../src/tools/harness/process.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { allPages } from '../docs/pages.ts';
import { newFolder } from '../support/folders.ts';
import { startServer } from '../support/server.ts';

/** Ten with TALLY_TEST_CYCLES=10: each is a start more. */
const KILLS = Number(process.env.TALLY_TEST_CYCLES ?? 3);
const PAUSE_MS = 5;
const LIMIT_MS = 120_000;
const PROGRAM = 'docs/client/payments.mjs';

const blocksOf = (page: string) => allPages().find(({ path }) => path === page)!.blocks;

test('a thousand payments are made once each, though the server is killed in the midst', {
  timeout: LIMIT_MS,
}, async () => {
  const flags = [
    '--port',
    String(await freePort()),
    '--data',
    newFolder(),
    '--workers',
    '1',
    '--users',
    '1024',
  ];
  let server = await startServer(flags);
  const lines: string[] = [];
  const program = start({
    name: PROGRAM,
    program: process.execPath,
    args: [PROGRAM, String(server.port), String(PAUSE_MS)],
    cwd: ROOT,
    onLine: line => lines.push(line),
  });
  for (let kill = 0; kill < KILLS; kill++) {
    await until(() => lines.length >= kill || program.hasEnded, `${kill}00 payments`);
    await sleep(Math.random() * 5 * PAUSE_MS);
    expect(program.errors()).toBe('');
    await server.stop('SIGKILL');
    server = await startServer(flags);
  }
  expect(await program.ended).toEqual({ exitCode: 0, signal: null });
  const hundreds = Array.from({ length: 10 }, (_, hundred) => `${hundred + 1}00 payments`);
  expect(lines).toEqual([...hundreds, 'erin has 0, frank has 1000']);
  await server.stop();
});

test('the README shows that program', () => {
  const program = readFileSync(join(ROOT, PROGRAM), 'utf8');
  expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  const [shown] = blocksOf('README.md').filter(({ language }) => language === 'js');
  expect(shown!.text).toBe(program.slice(program.indexOf('import')));
});

test('the programs in docs/client.md print what it says', async () => {
  const server = await startServer(['--workers', '1']);
  const blocks = blocksOf('docs/client.md');
  const textOf = (wanted: string) =>
    blocks.filter(({ language, mark }) => language === wanted && mark === '').map(({ text }) => text);
  const code = textOf('js').join('').replace('7878', String(server.port));
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toBe(textOf('text').join(''));
  await server.stop();
});
