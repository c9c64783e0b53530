/** What is wrong with certificates, tokens and addresses is said in one line, before anything starts. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addressesOf } from '../../src/config/addresses.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { readSettings } from '../../src/config/read.ts';
import { Log, type LogStream } from '../../src/log.ts';
import { openSecurity } from '../../src/server/security.ts';
import { Authority } from '../support/certificates.ts';

const authority = new Authority();
const { cert, key } = authority.issue('localhost');
const other = authority.issue('localhost');
const both = join(authority.dir, 'both.pem');
writeFileSync(both, Buffer.concat([authority.read(cert), authority.read(key)]));
const tokens = join(authority.dir, 'tokens');
writeFileSync(tokens, '{"name":"till"}\n');

afterAll(() => rmSync(authority.dir, { recursive: true }));

const silent = {
  isTTY: false,
  write: () => true,
  writableNeedDrain: false,
  on: () => {},
} as unknown as LogStream;

async function open(flags: string[], env: NodeJS.ProcessEnv = {}) {
  const settings = readSettings(flags, {});
  return {
    addresses: addressesOf(settings, env),
    security: await openSecurity(settings, new Log(settings, silent)),
  };
}

test.each([
  [['--tls-cert', 'nowhere.pem'], '--tls-cert nowhere.pem is not there'],
  [['--tls-cert', authority.dir], /--tls-cert .* can't be read: EISDIR/],
  [['--tls-cert', key], /--tls-cert .* holds no certificate \(PEM/],
  [['--tls-cert', cert], /--tls-key .* holds no private key that can be used/],
  [['--tls-cert', cert, '--tls-key', other.key], /is not that of the certificate in/],
  [['--tls-key', key], '--tls-key needs the certificate: --tls-cert FILE'],
  [['--tls-client-ca', cert], '--tls-client-ca is about TLS; say with --tls-cert FILE who the server is'],
  [['--tls-cert', both, '--tls-client-ca', key], /--tls-client-ca .* holds no certificate/],
  [['--listen', 'tls://127.0.0.1:0'], '--listen tls://127.0.0.1:0 needs a certificate'],
  [['--listen', 'http://127.0.0.1:0'], '--listen http://127.0.0.1:0 is no address; one is tcp://HOST:PORT'],
  [['--listen', 'tcp://127.0.0.1:65536'], 'is no address'],
  [['--listen', 'tcp://a:1,tcp://::1:2'], '--listen tcp://::1:2 is no address'],
  [['--socket', 'x', '--socket-mode', '888'], '--socket-mode 888 is no mode'],
  [['--tokens', 'nowhere'], /nowhere/],
  [['--tokens', tokens], /tokens.*1/],
  [['--jwt-keys', 'x'], '--jwt-keys needs --jwt-audience and --jwt-issuer'],
  [['--jwt-audience', 'x'], '--jwt-audience is about JSON Web Tokens'],
  [['--rate-token', '5'], '--rate-token is about tokens'],
])('a mistake: %s', async (flags, message) => {
  const mistake = open(flags);
  await expect(mistake).rejects.toThrow(ConfigError);
  await expect(mistake).rejects.toThrow(message);
  await expect(mistake).rejects.not.toThrow(/\n/);
});

test('key and certificate may be in one file', async () => {
  const { security } = await open(['--tls-cert', both]);
  expect(security.tls).toBeDefined();
});

test('without any of it, there is nothing to ask, and nothing to read again', async () => {
  const { security, addresses } = await open([]);
  expect(security).toMatchObject({ tls: undefined, participants: [] });
  expect(addresses).toEqual([{ is: 'tcp', host: '127.0.0.1', port: 7878, isTls: false, isProxied: false }]);
});

test('addresses: IPv6, behind a balancer, of systemd', async () => {
  const flags = ['--tls-cert', both, '--listen', 'tcp://[::1]:1,tls+proxy://example.org:2'];
  const env = { LISTEN_PID: String(process.pid), LISTEN_FDS: '2' };
  expect((await open(flags, env)).addresses).toEqual([
    { is: 'descriptor', fd: 3, isTls: true, isProxied: false },
    { is: 'descriptor', fd: 4, isTls: true, isProxied: false },
    { is: 'tcp', host: '::1', port: 1, isTls: false, isProxied: false },
    { is: 'tcp', host: 'example.org', port: 2, isTls: true, isProxied: true },
  ]);
  // Those of another process are not ours.
  expect((await open([], { ...env, LISTEN_PID: '1' })).addresses).toHaveLength(1);
});
