/** The arguments of `tally admin`: what they mean, and the one line that says what is wrong with them. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readOptions } from '../../src/tools/admin/options.ts';
import { runCli } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-admin-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};
const TOKEN = `tally_${'a'.repeat(43)}`;
const token = file('token', `${TOKEN}\n`);
const PEM = '-----BEGIN CERTIFICATE-----\n';
const pem = file('pem', PEM);

function read(args: string, env: NodeJS.ProcessEnv = {}) {
  const warnings: string[] = [];
  const options = readOptions(
    args.split(' ').filter(word => word !== ''),
    env,
    what => void warnings.push(what),
  );
  return { ...options, warnings };
}

const LOCAL = { host: '127.0.0.1', port: 7878 };

describe('what is asked for', () => {
  test.each([
    ['users', { do: 'users', prefix: '', after: '', limit: 100 }],
    [
      'users --prefix till3: --after till3:17 --limit 5k',
      { do: 'users', prefix: 'till3:', after: 'till3:17', limit: 5_000 },
    ],
    ['users --all', { do: 'users', prefix: '', after: '', limit: Infinity }],
    ['connections', { do: 'connections', after: 0, limit: 100 }],
    ['connections --after 17 --limit 1', { do: 'connections', after: 17, limit: 1 }],
    ['close 17', { do: 'close', client: 17 }],
    ['log-level debug', { do: 'log_level', level: 'debug' }],
    ['snapshot', { do: 'snapshot' }],
  ])('%s', (args, act) => {
    expect(read(args)).toEqual({ act, target: LOCAL, credentials: {}, json: false, warnings: [] });
  });
});

describe('where, and as whom', () => {
  test.each([
    ['--host [::1] --port 9000 --json', { target: { host: '::1', port: 9_000 }, json: true }],
    ['--socket /run/tally.sock', { target: { path: '/run/tally.sock' } }],
    ['--tls', { credentials: { tls: {} } }],
    [`--tls-ca ${pem}`, { credentials: { tls: { ca: PEM } } }],
    // The key may be in the same file.
    [`--tls-cert ${pem}`, { credentials: { tls: { cert: PEM, key: PEM } } }],
    [
      `--tls --tls-cert ${pem} --tls-key ${token}`,
      { credentials: { tls: { cert: PEM, key: `${TOKEN}\n` } } },
    ],
    [`--token-file ${token}`, { credentials: { token: TOKEN } }],
  ])('%s', (args, expected) => {
    expect(read(`snapshot ${args}`)).toMatchObject({ ...expected, warnings: [] });
  });

  test('the token of the variable is taken where no file has one', () => {
    expect(read('snapshot', { TALLY_TOKEN: 'a.b.c' }).credentials).toEqual({ token: 'a.b.c' });
    expect(read('snapshot', { TALLY_TOKEN: '' }).credentials).toEqual({});
    expect(read(`snapshot --token-file ${token}`, { TALLY_TOKEN: 'a.b.c' }).credentials).toEqual({
      token: TOKEN,
    });
  });

  test('what may be a mistake is said', () => {
    const common = file('common', TOKEN, 0o644);
    expect(read(`snapshot --token-file ${common}`).warnings).toEqual([
      `${common} can be read by others; chmod 600 mends it`,
    ]);
  });

  test('a token goes to another machine over TLS only, unless that is meant', async () => {
    const env = { TALLY_TOKEN: 'abc' };
    const far = '--host shop.example';
    for (const host of ['shop.example', '192.0.2.2', '127.0.0.1.example', '::2'])
      expect(() => read(`snapshot --host ${host}`, env)).toThrow(
        `without TLS the token would go to ${host} as it is, and whoever is on the way could read it; --tls or ` +
          `--tls-ca FILE encrypts it, --token-in-clear sends it all the same`,
      );
    for (const near of ['--host localhost', '--host 127.1.2.3', '--host ::1', '--socket /a/b'])
      expect(read(`snapshot ${near}`, env).credentials).toEqual({ token: 'abc' });
    expect(read(`snapshot ${far} --tls`, env).credentials).toEqual({ tls: {}, token: 'abc' });
    expect(read(`snapshot ${far} --token-in-clear`, env).credentials).toEqual({ token: 'abc' });
    expect(read(`snapshot ${far}`).credentials).toEqual({});
  });

  test.each([
    ['admin', 'snapshot', '--host', '192.0.2.2', '--port', '1'],
    ['watch', '192.0.2.2:1'],
    ['load', '--host', '192.0.2.2', '--port', '1'],
  ])('so it is with tally %s, which connects to nobody', async (...args) => {
    expect(await runCli(args, { TALLY_TOKEN: TOKEN })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^tally \w+: without TLS the token would go to 192\.0\.2\.2 as it is[^\n]+\n$/,
      ),
    });
  });
});

describe('a mistake is one line', () => {
  test.each([
    ['', 'users, connections, close, log-level or snapshot? tally admin --help says more'],
    ['user', 'unknown command: user (users?); tally admin --help lists them'],
    ['toString', 'unknown command: toString; tally admin --help lists them'],
    ['users u1', 'u1 is one word too many'],
    ['close', 'which? tally admin close N'],
    ['close 17 18', '18 is one word too many'],
    ['close all', 'all is not the number of a connection; tally admin connections lists them'],
    ['close 1e3', '1e3 is not the number of a connection; tally admin connections lists them'],
    [
      'connections --after u1',
      '--after u1 is not the number of a connection; tally admin connections lists them',
    ],
    ['connections --prefix u', '--prefix is not for tally admin connections'],
    ['snapshot --all', '--all is not for tally admin snapshot'],
    ['log-level', 'which? tally admin log-level LEVEL'],
    ['log-level warning', 'warning is no level (warn?); there are error, warn, info and debug'],
    ['users --limit 0', '--limit 0: a whole number from 1 on is needed'],
    ['users --limit 1.5', '--limit 1.5: a whole number from 1 on is needed'],
    ['users --limit 5 --all', '--all has no limit; leave --limit out'],
    ['users --sockt x', 'unknown flag --sockt (--socket?); tally admin --help lists the flags'],
    ['users --port 0', '--port 0: a whole number from 1 to 65535 is needed'],
    ['users --host a/b', '--host a/b is not a host, such as 127.0.0.1, localhost or [::1]'],
    ['users --socket /a --port 1', '--socket is a path on this machine; leave --host and --port out'],
    ['users --socket /a --tls', '--socket: there is no TLS on a Unix socket'],
    [`users --tls-ca ${token}`, `--tls-ca ${token} holds no certificate (PEM: -----BEGIN CERTIFICATE-----)`],
    ['users --tls-ca ./none', '--tls-ca ./none cannot be read: no such file or directory'],
    [`users --tls-key ${pem}`, '--tls-key is the key of --tls-cert FILE, which is missing'],
    [
      `users --token-file ${file('none', '\n')}`,
      `--token-file ${folder}/none holds no token: one word of printable ASCII, and nothing else`,
    ],
    [
      `users --token-file ${file('two', 'a b\n')}`,
      `--token-file ${folder}/two holds no token: one word of printable ASCII, and nothing else`,
    ],
    [
      `users --token-file ${folder}`,
      `--token-file ${folder} cannot be read: illegal operation on a directory`,
    ],
  ])('%s', (args, message) => {
    expect(() => read(args)).toThrow(new Error(message));
  });

  test('a variable that holds no token', () => {
    expect(() => read('users', { TALLY_TOKEN: 'two words' })).toThrow(
      'TALLY_TOKEN is no token: one word of printable ASCII',
    );
  });

  // Also of what has no other business with a token.
  test.each([['admin'], ['watch'], ['load']])(
    'a token in the command line of tally %s, and it is not repeated',
    async name => {
      for (const given of [[`--token=${TOKEN}`], ['--token', TOKEN]]) {
        const { exitCode, stdout, stderr } = await runCli([name, ...given, '--port', '1']);
        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
        expect(stderr).toBe(
          `tally ${name}: a token in a command line can be seen by others (ps); put it into a file and give --token-file FILE, or into the variable TALLY_TOKEN\n`,
        );
      }
    },
  );
});
