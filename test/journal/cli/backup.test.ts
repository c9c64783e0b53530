/** `tally backup`: a copy that can be served, of a server that stands still or does not. */
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { askBalances } from '../../support/asking.ts';
import { runCli } from '../../support/server.ts';
import { backUpBeside } from './beside.ts';
import { balancesOf, eventsOf, filesIn, flipByte, freshFolder, pay, purchases, serve } from './folder.ts';

/** A mistake is one line, and leaves nothing. */
async function expectRefusal(args: string[], exitCode: number, said: RegExp): Promise<void> {
  const refused = await runCli(['backup', ...args]);
  expect(refused).toMatchObject({ exitCode, stdout: '' });
  expect(refused.stderr).toMatch(/^tally backup: [^\n]+\n$/);
  expect(refused.stderr).toMatch(said);
}

// One copy of what a start needs, and one of all that is kept.
test.each([
  ['1', 'none'],
  ['3', 'none'],
  ['3', 'all'],
])('of a server under load, with %s workers, that keeps %s', (workers, keep) =>
  backUpBeside(workers, keep, 2),
);

test('of a server that has stopped, with all that is kept, or only what a start needs', async () => {
  const data = freshFolder();
  for (const workers of ['2', '1']) {
    const server = await serve(data, '--workers', workers, '--journal-keep', 'all');
    await pay(server.port, ...purchases(20_000, 40));
    await server.stop(workers === '2' ? 'SIGKILL' : 'SIGTERM');
  }
  const copies = freshFolder();
  const all = await runCli(['backup', data, `${copies}/all`, '--all']);
  expect(all).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: expect.stringMatching(
      /^\S+: 40 users, and 40,000 events behind the first snapshot, in [\d,]+ bytes; verified\nserve it: {2}tally serve --data \S+\n$/,
    ) as string,
  });
  expect(await eventsOf(`${copies}/all`)).toEqual(await eventsOf(data));
  const newest = await runCli(['backup', data, `${copies}/newest`, '--json']);
  expect(JSON.parse(newest.stdout)).toMatchObject({ data, to: `${copies}/newest`, users: 40 });
  for (const copy of ['all', 'newest'])
    expect(await balancesOf(`${copies}/${copy}`)).toEqual(await balancesOf(data));
  expect(filesIn(`${copies}/newest`, /snapshot/)).toHaveLength(1);
  expect(filesIn(copies, /lock|tmp/)).toEqual([]);
  for (const path of filesIn(copies, /./))
    expect(statSync(path).mode & 0o777).toBe(statSync(path).isDirectory() ? 0o700 : 0o600);
});

test('back to a backup, as docs/operations.md has it', async () => {
  const place = freshFolder();
  const [data, monday] = [`${place}/data`, `${place}/backups/monday`];
  let server = await serve(data, '--workers', '2');
  await pay(server.port, ...purchases(3_000, 3));
  expect((await runCli(['backup', data, monday])).exitCode).toBe(0);
  await pay(server.port, ...purchases(300, 3));
  await server.stop('SIGKILL');
  flipByte(filesIn(data, /lane-0\/000000\.log$/)[0]!, 3);

  renameSync(data, `${data}.damaged`);
  expect((await runCli(['backup', monday, data])).exitCode).toBe(0);
  server = await serve(data, '--workers', '1');
  expect(await askBalances(server.port, ['u0', 'u1', 'u2'])).toEqual([1_000, 1_000, 1_000]);
  await server.stop();
  expect(await balancesOf(monday)).toEqual({ u0: 1_000, u1: 1_000, u2: 1_000 });
  expect((await runCli(['journal', 'events', `${data}.damaged`])).exitCode).toBe(1);
});

test('what is refused leaves both folders as they were', async () => {
  const data = freshFolder();
  const server = await serve(data, '--workers', '1');
  await pay(server.port, ...purchases(3_000, 40));
  await server.stop();
  const copies = freshFolder();
  writeFileSync(`${copies}/file`, '');
  await expectRefusal([data, copies], 2, / is not empty: a backup needs a folder of its own$/m);
  await expectRefusal([data, `${copies}/file`], 1, /not a directory$/m);
  await expectRefusal([data, `${data}/a/copy`], 2, / is inside \S+: a backup needs a folder elsewhere$/m);
  await expectRefusal([data], 2, /two folders are needed: tally backup DIR TO/);
  await expectRefusal([`${copies}/none`, `${copies}/to`], 1, /no such file or directory$/m);
  await expectRefusal([copies, `${copies}/to`], 1, /is no journal: it has no meta\.json$/m);
  expect(readdirSync(copies)).toEqual(['file']);
  expect(readdirSync(data).sort()).toEqual(['epoch-000001', 'meta.json']);

  flipByte(filesIn(data, /000000\.log$/)[0]!, 164);
  mkdirSync(`${copies}/empty`);
  await expectRefusal(
    [data, `${copies}/empty`],
    1,
    /byte \d+: .*; tally journal verify \S+ says what can be done$/m,
  );
  await expectRefusal([data, `${copies}/none`], 1, /byte \d+: /);
  expect(readdirSync(copies).sort()).toEqual(['empty', 'file']);
  expect(readdirSync(`${copies}/empty`)).toEqual([]);
});
