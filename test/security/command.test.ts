/** `tally token`, as a process of its own: what it writes, prints and refuses, and that two at once lose nothing. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { Authority } from '../../src/security/authority.ts';
import { FILE_BYTES_MAX } from '../../src/security/small-file.ts';
import { lineOf } from '../../src/security/token-file.ts';
import { newFolder } from '../support/folders.ts';
import { CLI, runCli } from '../support/server.ts';

const execute = promisify(execFile);
const TOKEN = /^tally_[\w-]{43}\n$/;
const token = (command: string, tokens: string, ...more: string[]) =>
  runCli(['token', command, '--tokens', tokens, ...more]);
const REMINDER = 'tally token: a running server takes this at SIGHUP: kill -HUP PID\n';
const till = (name: string, users = `${name}:*`) => ['--name', name, '--may', 'write,read', '--users', users];

const authorityOf = (tokens: string) =>
  Authority.open({ tokens, jwtKeys: '', jwtAudience: '', jwtIssuer: '' });

test('from a new token to its end', async () => {
  const folder = newFolder();
  const tokens = `${folder}/tokens`;
  const made = await token('new', tokens, ...till('till-3'), '--expires', '2100-01-01');
  expect(made).toEqual({ exitCode: 0, stdout: expect.stringMatching(TOKEN), stderr: REMINDER });
  const secret = made.stdout.trim();
  expect(readFileSync(tokens, 'utf8')).toBe(
    `{"name":"till-3","sha256":"${createHash('sha256').update(secret).digest('hex')}","may":["write","read"],` +
      `"users":["till-3:*"],"expires":"2100-01-01T00:00:00Z"}\n`,
  );
  expect(statSync(tokens).mode & 0o777).toBe(0o600);
  expect((await authorityOf(tokens)).check(secret)).toMatchObject({ name: 'token till-3' });

  // By hand: a line for people, none of the last end, and a mode of its own.
  writeFileSync(tokens, `# by hand\n${readFileSync(tokens, 'utf8').trim()}`);
  chmodSync(tokens, 0o640);
  const named = ['--name', 'till-4', '--certificate', 'till-4.shop'];
  const certificate = await token('new', tokens, ...named, '--may', 'write', '--users', '*');
  expect(certificate).toEqual({ exitCode: 0, stdout: '', stderr: REMINDER });
  expect((await authorityOf(tokens)).ofCertificate('till-4.shop')).toMatchObject({ users: undefined });
  await token('new', tokens, '--name', 'ops', '--may', 'admin', '--users', '');

  const [rows, json] = await Promise.all([token('list', tokens), token('list', tokens, '--json')]);
  expect(rows).toEqual({
    exitCode: 0,
    stderr: '',
    stdout:
      'till-3   token                     write, read   till-3:*     until 2100-01-01T00:00:00Z\n' +
      'till-4   certificate till-4.shop   write         every user   never expires\n' +
      'ops      token                     admin         no user      never expires\n',
  });
  const listed = json.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(listed).toHaveLength(3);
  expect(listed[0]).toEqual({
    name: 'till-3',
    kind: 'token',
    may: ['write', 'read'],
    users: ['till-3:*'],
    expires: '2100-01-01T00:00:00Z',
    expired: false,
  });
  expect(listed[1]).toMatchObject({ kind: 'certificate', certificate: 'till-4.shop', expires: null });
  expect(rows.stdout + json.stdout).not.toMatch(/[0-9a-f]{20}/);

  const revoked = await token('revoke', tokens, '--name', 'till-3');
  expect(revoked).toEqual({ exitCode: 0, stdout: '', stderr: REMINDER });
  expect(readFileSync(tokens, 'utf8')).toMatch(
    /^# by hand\n\{"name":"till-4",[^\n]+\n\{"name":"ops",[^\n]+\n$/,
  );
  expect(statSync(tokens).mode & 0o777).toBe(0o640);
  expect((await authorityOf(tokens)).check(secret)).toBeUndefined();
  expect(readdirSync(folder).sort()).toEqual(['tokens']);
});

test('several at once lose nothing, through a symbolic link too', async () => {
  const folder = newFolder();
  writeFileSync(`${folder}/real`, '');
  symlinkSync('real', `${folder}/link`);
  const names = ['a', 'b', 'c', 'd'];
  const made = await Promise.all(
    names.map((name, at) => token('new', `${folder}/${at % 2 ? 'link' : 'real'}`, ...till(name))),
  );
  expect(made.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    names.map(() => ({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^(?:tally token: [^\n]* \(mode 0644\); [^\n]*\n)?tally token: a running server [^\n]*\n$/,
      ),
    })),
  );
  expect(new Set(made.map(({ stdout }) => stdout)).size).toBe(4);
  const authority = await authorityOf(`${folder}/real`);
  expect(made.map(({ stdout }) => authority.check(stdout.trim()))).toEqual(
    names.map(name => expect.objectContaining({ name: `token ${name}` })),
  );
  expect(lstatSync(`${folder}/link`).isSymbolicLink()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['link', 'real']);
});

describe('refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-test-'));
  writeFileSync(
    `${folder}/FILE`,
    `${lineOf({ name: 'till-3', sha256: 'a1'.repeat(32), may: ['read'], users: [], expiresAtMs: Infinity })}\n` +
      `${lineOf({ name: 'till-4', certificate: 'CN', may: ['read'], users: [], expiresAtMs: 1 })}\n`,
    { mode: 0o600 },
  );
  writeFileSync(`${folder}/BROKEN`, '\n{', { mode: 0o600 });
  writeFileSync(`${folder}/LOCKED.lock`, '1\n');
  writeFileSync(`${folder}/FULL`, Buffer.alloc(FILE_BYTES_MAX - 100, '#'), { mode: 0o600 });
  const before = filesIn(folder);
  afterAll(() => {
    const after = filesIn(folder);
    rmSync(folder, { recursive: true });
    expect(after).toEqual(before);
  });

  // biome-ignore format: a table
  test.concurrent.each<[string, string[], RegExp]>([
    ['a name that is taken', ['new', '--tokens', 'FILE', ...till('till-3')],
      /FILE has an entry till-3 already; revoke it first/],
    ['a certificate that is taken', ['new', '--tokens', 'FILE', ...till('b'), '--certificate', 'CN'],
      /FILE has this certificate already, in the entry till-4/],
    ['to revoke what is not there', ['revoke', '--tokens', 'FILE', '--name', 'til-3'],
      /FILE has no entry til-3 \(till-3\?\); tally token list lists them/],
    ['a file that is not there', ['revoke', '--tokens', 'FILE.none', '--name', 'a'],
      /FILE\.none: no such file or directory/],
    ['a folder that is not there', ['new', '--tokens', 'FILE.none/a', ...till('a')],
      /FILE\.none\/a: no such file or directory/],
    ['a file with a mistake', ['new', '--tokens', 'BROKEN', ...till('a')], /BROKEN: line 2: is not JSON/],
    ['a file that is full', ['new', '--tokens', 'FULL', ...till('a')], /FULL would have more than 8388608 bytes/],
    ['a file that is locked', ['new', '--tokens', 'LOCKED', ...till('a')],
      /: LOCKED\.lock is there: another tally token changes the file, or was killed while it did\. If none runs: rm \S*LOCKED\.lock$/m],
  ])('%s', async (_, args, said) => {
    const paths = args.map(arg => arg.replace(/^(?=FILE|BROKEN|LOCKED|FULL)/, `${folder}/`));
    const { exitCode, stdout, stderr } = await runCli(['token', ...paths]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^tally token: [^\n]+\n$/);
    expect(stderr).toMatch(said);
  });
});

/** With their modes and contents. */
function filesIn(folder: string): unknown[] {
  return readdirSync(folder).map(name => {
    const { mode, ino } = statSync(`${folder}/${name}`);
    return [name, mode, ino, readFileSync(`${folder}/${name}`, 'utf8')];
  });
}

test('others that may read the file are warned of, each time; a file of another user stays theirs', async () => {
  const tokens = `${newFolder()}/tokens`;
  writeFileSync(tokens, '', { mode: 0o644 });
  const isRoot = process.getuid!() === 0;
  if (isRoot) chownSync(tokens, 1234, 5678);
  for (const [command, ...args] of [['new', ...till('a')], ['list'], ['revoke', '--name', 'a']])
    expect((await token(command!, tokens, ...args)).stderr).toBe(
      `tally token: ${tokens} can be read by others (mode 0644); chmod 600 mends it\n${command === 'list' ? '' : REMINDER}`,
    );
  if (isRoot) expect(statSync(tokens)).toMatchObject({ uid: 1234, gid: 5678 });
  expect(await token('list', tokens)).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: expect.stringContaining(`tally token: ${tokens} has no entry\n`),
  });
});

test('what can not be put in the place of the file leaves it as it was', async () => {
  const folder = newFolder();
  writeFileSync(`${folder}/tokens`, '# nobody\n', { mode: 0o600 });
  const busy = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    fs.renameSync = () => { throw new Error('EBUSY: resource busy or locked, rename') }; syncBuiltinESMExports()`;
  const preload = `data:text/javascript,${encodeURIComponent(busy)}`;
  const before = filesIn(folder);
  const ran = await runCli(['token', 'new', '--tokens', `${folder}/tokens`, ...till('a')], {
    NODE_OPTIONS: `--import "${preload}"`,
  });
  expect(ran).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `tally token: ${folder}/tokens: resource busy or locked\n`,
  });
  expect(filesIn(folder)).toEqual(before);
});

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

test.skipIf(!hasScript)('on a terminal, what is shown once is said to be', async () => {
  const tokens = `${newFolder()}/tokens`;
  const run = async (args: string) =>
    (
      await execute('script', [
        '-qec',
        `${process.execPath} ${CLI} token new --tokens ${tokens} ${args}`,
        '/dev/null',
      ])
    ).stdout.replace(/\s+/g, ' ');
  const reminder = REMINDER.trim();
  const shown = await run(till('a').join(' '));
  expect(shown).toMatch(/^The token of a\. It is shown once: .* tally_[\w-]{43} $/);
  expect(shown).toContain(reminder);
  expect(await run(`${till('b').join(' ')} --certificate CN --expires 2100-01-01`)).toBe(
    `Whoever connects with the certificate CN is b until 2100-01-01T00:00:00Z. ${reminder} `,
  );
});
