/** `tally admin` as people and scripts call it: over TLS with a token, over a Unix socket, and against all that is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CommandError } from '../../src/cli/terminal/command.ts';
import { Asker } from '../../src/tools/admin/asking.ts';
import { type Act, readOptions } from '../../src/tools/admin/options.ts';
import { Client } from '../../src/tools/harness/client.ts';
import type { Credentials } from '../../src/tools/harness/credentials.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Administered } from '../support/administered.ts';
import { ACCEPTED, buyLine, HEALTH, HEALTHY } from '../support/asking.ts';
import { Authority } from '../support/certificates.ts';
import { type RunningServer, runCli, startServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-admin-cli-'));
const authority = new Authority();
const { cert, key } = authority.issue('localhost');
const elsewhere = authority.issue('elsewhere.example', 'DNS:elsewhere.example');
const socket = join(folder, 'tally.sock');
let its: Administered;
let open: RunningServer;
let credentials: Credentials;
const files: Record<string, string> = {};
const USERS = 1_250;

beforeAll(async () => {
  const tls = ['--tls-cert', cert, '--tls-key', key];
  [its, open] = await Promise.all([Administered.start([...tls, '--socket', socket]), startServer()]);
  for (const [name, token] of Object.entries(its.tokens)) {
    files[name] = join(folder, `${name}.token`);
    writeFileSync(files[name], `${token}\n`, { mode: 0o600 });
  }
  credentials = { tls: { ca: authority.read(authority.ca).toString() }, token: its.tokens.all };
  const filler = await Client.reach({ host: 'localhost', port: its.server.port }, credentials);
  filler.send(
    Array.from({ length: USERS }, (_, user) => buyLine(`u:${String(user).padStart(4, '0')}`, user + 1)).join(
      '',
    ),
  );
  expect(new Set(await filler.lines(USERS))).toEqual(new Set([ACCEPTED]));
  filler.send(`{"user":"w \\u001b[31m","action":"sell","amount":1234567}\n`);
  await filler.line();
  filler.close();
});
afterAll(async () => {
  await Promise.all([its.stop(), open.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const onPort = (port = its.server.port) => ['--host', 'localhost', '--port', String(port)];
const trusting = () => [...onPort(), '--tls-ca', authority.ca];

/** With TLS and the token of somebody. */
function admin(args: string[], name = 'ops') {
  return runCli(['admin', ...args, ...trusting(), '--token-file', files[name]!]);
}

/** In this process: what the one line says, behind the name of the command. */
async function whyNotDone(args: string[]): Promise<string> {
  const { act, target, credentials: mine } = readOptions(args, {}, () => {});
  let asker: Asker | undefined;
  try {
    asker = await Asker.open(target, mine);
    await asker.list(act as Act & { do: 'users' }, () => {});
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  } finally {
    asker?.close();
  }
  throw new Error('it was done');
}

const jsonIn = (text: string) =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>);

describe('over TLS, with a token', () => {
  test('lists users as rows, as far as is asked for, and says where it goes on', async () => {
    const { exitCode, stdout, stderr } = await admin(['users', '--prefix', 'u:', '--limit', '3']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '1   u:0000\n2   u:0001\n3   u:0002\n' });
    expect(stderr).toBe('tally admin: there are more users: --after u:0002, or --all\n');
    const last = await admin(['users', '--after', 'u:1248']);
    expect(last).toEqual({
      exitCode: 0,
      stdout: '     1,250   u:1249\n-1,234,567   "w \\u001b[31m"\n',
      stderr: '',
    });
  });

  test('follows the pages, and prints JSON for machines', async () => {
    const all = await admin(['users', '--prefix', 'u:', '--all', '--json']);
    expect({ exitCode: all.exitCode, stderr: all.stderr }).toEqual({ exitCode: 0, stderr: '' });
    const users = jsonIn(all.stdout);
    expect(users.length).toBe(USERS);
    expect(users.every(({ balance }, at) => balance === at + 1)).toBe(true);
    const some = await admin(['users', '--prefix', 'u:', '--limit', '1100', '--json']);
    expect(jsonIn(some.stdout)).toEqual(users.slice(0, 1_100));
    expect(some.stderr).toContain('--after u:1099');
    expect(await admin(['users', '--prefix', 'nobody'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('lists connections, and ends one of them', async () => {
    const client = await Client.reach({ host: 'localhost', port: its.server.port }, credentials);
    const stranger = await Client.reach({ path: socket }, {});
    const { stdout } = await admin(['connections', '--all']);
    const rows = stdout.split('\n');
    expect(rows.some(row => /^ *\d+ {3}127\.0\.0\.1 +token all +for /.test(row))).toBe(true);
    expect(rows.some(row => /^ *\d+ {3}a Unix socket +has not said who it is +for /.test(row))).toBe(true);
    const listed = jsonIn((await admin(['connections', '--json'])).stdout);
    const { client: number } = listed.find(({ name }) => name === 'token all')!;
    const closed = await admin(['close', String(number)]);
    expect(closed).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining(`connection ${number} is being ended`),
      stderr: '',
    });
    await client.over();
    expect(await stranger.ask(HEALTH)).toBe(HEALTHY);
    stranger.close();
    client.close();
    expect(await admin(['close', String(number), '--json'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `tally admin: there is no connection ${number}; tally admin connections lists them\n`,
    });
  });

  test('changes the level of the log, and makes a snapshot', async () => {
    expect(await admin(['log-level', 'warn'])).toEqual({
      exitCode: 0,
      stdout: 'the server logs by the level warn\n',
      stderr: '',
    });
    expect(await admin(['snapshot', '--json'])).toEqual({
      exitCode: 0,
      stdout: '{"status":"ok"}\n',
      stderr: '',
    });
    await until(
      () => its.actsSince(0).some(({ act }) => (act as { do: string }).do === 'snapshot'),
      'the log',
    );
    expect(its.actsSince(0).at(-1)).toMatchObject({ name: 'token ops', act: { do: 'snapshot' } });
  });

  test('takes the token from the variable, too, and that is no setting of a server', async () => {
    const env = { TALLY_TOKEN: its.tokens.ops };
    const args = ['admin', 'users', '--limit', '1', '--prefix', 'u:', ...trusting()];
    expect(await runCli(args, env)).toMatchObject({ exitCode: 0, stdout: '1   u:0000\n' });
    const server = await startServer([], env);
    await server.stop();
    expect(server.events.map(({ event }) => event)).not.toContain('unknown_variable');
    expect(JSON.stringify(server.events)).not.toContain(its.tokens.ops);
  });
});

test('over a Unix socket, without TLS', async () => {
  const args = ['admin', 'users', '--limit', '1', '--prefix', 'u:', '--socket', socket];
  expect(await runCli([...args, '--token-file', files.ops!])).toMatchObject({
    exitCode: 0,
    stdout: '1   u:0000\n',
  });
});

describe.concurrent('says in one line why it is not done', () => {
  const MAY_NOT = 'the right admin is missing: tally token new --may admin makes a token that has it';
  const WHO = 'the server wants to know who you are: --token-file FILE, or the variable TALLY_TOKEN';
  const NOT_TAKEN = 'the server does not take the token: it is wrong, has expired or was revoked';
  const NO_ADMIN =
    'the server asks nobody who they are (tally serve --tokens FILE), so nobody may administer it';

  test.each<[string, () => string[], string | RegExp]>([
    ['without the right', () => [...trusting(), '--token-file', files.till!], MAY_NOT],
    ['without a token', () => trusting(), WHO],
    ['with a wrong one', () => [...trusting(), '--token-file', wrongToken()], NOT_TAKEN],
    ['where nobody is asked', () => onPort(open.port), NO_ADMIN],
    [
      'where nobody listens',
      () => onPort(1),
      /^nothing listens on localhost:1; npx tally serve starts a server$/,
    ],
    ['where there is no socket', () => ['--socket', join(folder, 'none')], /^nothing listens on .*none/],
    [
      'with TLS where there is none',
      () => ['--tls', ...onPort(open.port)],
      /^localhost:\d+ does not speak TLS$/,
    ],
    ['without TLS where there is', () => onPort(), /^localhost:\d+ hung up; does it speak TLS\? \(--tls\)$/],
    [
      'trusting nobody in particular',
      () => ['--tls', ...onPort()],
      /^the certificate of localhost:\d+ is of no authority that is known here; --tls-ca FILE says whom to trust$/,
    ],
    [
      'trusting somebody else',
      () => ['--tls-ca', elsewhere.cert, ...onPort()],
      /no authority that is known here/,
    ],
  ])('%s', async (_, flags, why) => {
    const said = await whyNotDone(['users', ...flags()]);
    if (typeof why === 'string') expect(said).toBe(why);
    else expect(said).toMatch(why);
  });

  function wrongToken(): string {
    const path = join(folder, 'wrong.token');
    writeFileSync(path, `tally_${'x'.repeat(43)}`, { mode: 0o600 });
    return path;
  }

  test('where something else listens, which says anything', async () => {
    const says = [
      '{"status":"ok","users":[{"user":1}]}',
      'hello',
      '{"status":"error","reason":"dance"}',
      '[]',
    ];
    const said: string[] = [];
    const foreign = createServer(client => {
      client.on('data', () => client.write(`${says[said.length]}\n`)).on('error', () => {});
    });
    await new Promise<void>(resolve => foreign.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void foreign.close());
    const { port } = foreign.address() as { port: number };
    while (said.length < says.length) {
      said.push(await whyNotDone(['users', '--port', String(port)]));
    }
    expect(said).toEqual([
      'the server sends no list of users',
      'the server says hello',
      'the server says {"status":"error","reason":"dance"}',
      'the server says []',
    ]);
  });
});

test('a certificate for another name is not taken for that of the server', async () => {
  const server = await startServer(['--tls-cert', elsewhere.cert, '--tls-key', elsewhere.key]);
  const { port } = server;
  expect(await whyNotDone(['users', ...onPort(port), '--tls-ca', authority.ca])).toBe(
    `the certificate of localhost:${port} is for other names: DNS:elsewhere.example`,
  );
  await server.stop();
});

test('a certificate of its own says who it is, where the server asks for one', async () => {
  const mine = authority.issue('ops.shop.example');
  const entries = join(folder, 'certificates.jsonl');
  writeFileSync(entries, `{"name":"ops","certificate":"ops.shop.example","may":["admin"],"users":[]}\n`, {
    mode: 0o600,
  });
  const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', authority.ca];
  const server = await startServer([...tls, '--tokens', entries]);
  const args = ['connections', '--json', ...onPort(server.port), '--tls-ca', authority.ca];
  const { exitCode, stdout } = await runCli([
    'admin',
    ...args,
    '--tls-cert',
    mine.cert,
    '--tls-key',
    mine.key,
  ]);
  expect({ exitCode, names: jsonIn(stdout).map(({ name }) => name) }).toEqual({
    exitCode: 0,
    names: ['certificate ops.shop.example'],
  });
  // What the server says of it may be lost when it hangs up.
  expect(await whyNotDone(args)).toMatch(
    /wants a certificate that it trusts: --tls-cert FILE and --tls-key FILE$|hung up; does it want a certificate\? \(--tls-cert FILE\)$/,
  );
  await server.stop();
});
