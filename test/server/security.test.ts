/** What is wrong with certificates, tokens and addresses is said in one line, before anything starts. */
import { createPrivateKey } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
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
const encrypted = join(authority.dir, 'encrypted.pem');
const secret = createPrivateKey(authority.read(key));
writeFileSync(
  encrypted,
  secret.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
);
const broken = join(authority.dir, 'broken.pem');
writeFileSync(broken, authority.read(key).toString().replace(/\w{8}/g, 'AAAAAAAA'));
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
  [['--tls-cert', authority.dir], /--tls-cert .* is not a file/],
  [['--tls-cert', key], /--tls-cert .* holds no certificate \(PEM/],
  [['--tls-cert', cert], /--tls-cert \S+ holds no private key; --tls-key FILE says where it is$/],
  [['--tls-cert', cert, '--tls-key', cert], /--tls-key \S+ holds no private key \(PEM/],
  [['--tls-cert', cert, '--tls-key', encrypted], /--tls-key \S+ holds a private key that is encrypted/],
  [['--tls-cert', cert, '--tls-key', broken], /--tls-key \S+ holds no private key that can be used$/],
  [['--tls-cert', cert, '--tls-key', other.key], /is not that of the certificate in/],
  [['--tls-key', key], '--tls-key needs the certificate: --tls-cert FILE'],
  [['--tls-client-ca', cert], '--tls-client-ca is about TLS; say with --tls-cert FILE who the server is'],
  [['--tls-cert', both, '--tls-client-ca', key], /--tls-client-ca .* holds no certificate/],
  [['--listen', 'tls://127.0.0.1:0'], '--listen tls://127.0.0.1:0 needs a certificate'],
  [['--listen', 'http://127.0.0.1:0'], '--listen http://127.0.0.1:0 is no address; one is tcp://HOST:PORT'],
  [['--listen', 'tcp://127.0.0.1:65536'], 'is no address'],
  [['--listen', 'tcp://a:1,tcp://::1:2'], '--listen tcp://::1:2 is no address'],
  [['--socket', 'x', '--socket-mode', '888'], '--socket-mode 888 is no mode'],
  [['--tokens', 'nowhere'], /^--tokens nowhere: no such file or directory$/],
  [
    ['--jwt-keys', 'nowhere', '--jwt-audience', 'a', '--jwt-issuer', 'i'],
    /^--jwt-keys nowhere: no such file or directory$/,
  ],
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

describe('what is doubtful about files is said at the start, and after each reload', () => {
  const lines: Record<string, unknown>[] = [];
  const log = { write: (line: string) => lines.push(JSON.parse(line)), isTTY: false, on: () => {} };
  /** What is said at the start; then `change` is made, and what is said after a reload. */
  async function said(flags: string[], change = () => {}): Promise<[unknown[], unknown[]]> {
    const settings = readSettings(flags, {});
    const { warn, participants } = await openSecurity(settings, new Log(settings, log as never));
    const saidBy = (work: () => void) => {
      lines.length = 0;
      work();
      return lines.map(({ level, time, ...rest }) => ({ ...rest, level }));
    };
    const first = saidBy(warn);
    change();
    const commits: (() => void)[] = [];
    for (const participant of participants) commits.push(await participant.prepare(settings, {}));
    const then = saidBy(() => {
      for (const commit of commits) commit();
    });
    return [first, then];
  }
  const own = authority.issue('localhost');
  const withTls = ['--tls-cert', own.cert, '--tls-key', own.key];

  test('others may read the key', async () => {
    const [first, then] = await said(withTls, () => chmodSync(own.key, 0o644));
    chmodSync(own.key, 0o600);
    expect(first).toEqual([]);
    const reason = expect.stringMatching(/can be read by others \(mode 0644\); chmod 600 mends it$/);
    expect(then).toEqual([{ event: 'file_mode', level: 'warn', flag: '--tls-key', reason }]);
  });

  test('the certificate holds no longer, or not yet', async () => {
    for (const [years, isSaid] of [
      [1, true],
      [0, false],
      [-1, true],
    ] as const) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + years * 365 * 86_400_000 });
      const [first] = await said(withTls);
      vi.useRealTimers();
      const dates = {
        from: expect.stringMatching(/^\d{4}-.*Z$/),
        until: expect.stringMatching(/^\d{4}-.*Z$/),
      };
      const line = { event: 'certificate_dates', level: 'warn', flag: '--tls-cert', ...dates };
      expect(first).toEqual(isSaid ? [line] : []);
    }
  });

  test('others may write who is let in; nobody is', async () => {
    const path = join(authority.dir, 'written');
    writeFileSync(path, `{"name":"a","sha256":"${'0'.repeat(64)}","may":["read"],"users":[]}\n`);
    chmodSync(path, 0o666);
    const reason = expect.stringMatching(/can be written by others/);
    const written = { event: 'file_mode', level: 'warn', flag: '--tokens', reason };
    const [first, then] = await said(['--tokens', path], () => {
      chmodSync(path, 0o600);
      writeFileSync(path, '# nobody\n');
    });
    expect(first).toEqual([written]);
    expect(then).toEqual([{ event: 'nobody_let_in', level: 'warn', flag: '--tokens' }]);
  });
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
