/**
 * TLS before the port of the events: what must be refused is, and what gets through is served as on a plain connection.
 */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashOfToken, newToken } from '../../src/security/token.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { HEALTH, HEALTHY } from '../support/asking.ts';
import { Authority } from '../support/certificates.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { hear, openTls, say } from '../support/speaking.ts';

const authority = new Authority();
const ours = authority.issue('localhost');
const ca = authority.read(authority.ca);
const EVENT = '{"user":"alice","action":"buy","amount":1}';
const ACCEPTED = '{"status":"accepted"}';

afterAll(() => rmSync(authority.dir, { recursive: true }));

/** What a client says and hears through openssl, until it ends or has heard enough: its standard output and error. */
function openssl(args: string[], input: string, enough?: RegExp): Promise<string> {
  return new Promise(resolve => {
    let heard = '';
    const child = execFile('openssl', args, { timeout: 10_000 }, (_, out, err) => resolve(out + err));
    child.stdout!.on('data', text => {
      heard += text;
      if (enough?.test(heard)) child.kill();
    });
    child.stdin!.end(input);
  });
}

describe('a server with a certificate', () => {
  let server: RunningServer;
  let to: ConnectionOptions;

  beforeAll(async () => {
    server = await startServer(['--tls-cert', ours.cert, '--tls-key', ours.key, '--auth-ms-max', '500']);
    to = { port: server.port, ca };
  });

  afterAll(async () => {
    const { ledger } = await server.stop();
    expect(ledger).toMatchObject({ exitCode: 0, lost: 0 });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s, in records of any size', async version => {
    const socket = (await openTls({ ...to, minVersion: version, maxVersion: version })) as TLSSocket;
    expect(socket.getProtocol()).toBe(version);
    socket.setMaxSendFragment(512);
    const user = `cut-${version}`;
    for (const character of `{"user":"${user}","action":"buy","amount":7}\n`) socket.write(character);
    const many = Array<string>(5_000).fill(`{"user":"${user}","action":"buy","amount":1}`);
    const replies = await say(socket, [...many, `{"type":"balance","user":"${user}"}`]);
    expect(new Set(replies.slice(0, -1))).toEqual(new Set([ACCEPTED]));
    expect(replies).toHaveLength(5_002);
    expect(replies.at(-1)).toBe('{"status":"ok","balance":5007}');
  });

  const connectWith = (...flags: string[]) =>
    openssl(['s_client', '-connect', `127.0.0.1:${server.port}`, ...flags], `${EVENT}\n`, /accepted/);

  test.each([
    ['TLS 1.0', ['-tls1', '-cipher', 'ALL:@SECLEVEL=0']],
    ['TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']],
    ['no forward secrecy', ['-tls1_2', '-cipher', 'AES128-GCM-SHA256']],
    ['CBC', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA']],
    ['no encryption', ['-tls1_2', '-cipher', 'eNULL:@SECLEVEL=0']],
    ['no authentication', ['-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0']],
  ])('refuses %s', async (_, flags) => {
    const said = await connectWith(...flags);
    expect(said).toMatch(/alert|no ciphers available|no protocols available|handshake failure/i);
    expect(said).not.toContain(ACCEPTED);
  });

  test('the same client gets through with what is right', async () => {
    const said = await connectWith(
      '-tls1_2',
      '-cipher',
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      '-ign_eof',
      '-quiet',
    );
    expect(said).toContain(ACCEPTED);
  });

  test('does not negotiate anew', async () => {
    // `R` on a line of its own asks for it.
    const asked = await openssl(['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_2'], 'R\n');
    expect(asked).toMatch(/RENEGOTIATING/);
    expect(asked).toMatch(/no renegotiation|error|alert|closed|read:errno/i);
  });

  test('whoever speaks no TLS is closed, and harms nobody', async () => {
    const wrong = ['GET / HTTP/1.1\r\n\r\n', `${EVENT}\n`, '\x16\x03\x01\xff\xff', 'x'.repeat(100_000), ''];
    for (const text of wrong) {
      const socket = connect({ host: '127.0.0.1', port: server.port });
      socket.on('error', () => {});
      socket.end(text, 'latin1');
      // It is reset if it had sent more than was read.
      const heard = await hear(socket).catch((error: Error) => [error.message]);
      expect(heard.join()).not.toContain('status');
    }
    const [reply] = await say(await openTls(to), ['{"type":"health"}']);
    expect(reply).toBe('{"status":"ok"}');
  });

  test('who does not shake hands in time is closed', async () => {
    const sockets = ['', '\x16\x03\x01\x02\x00\x01'].map(text => {
      const socket = connect({ host: '127.0.0.1', port: server.port });
      socket.on('error', () => {});
      socket.write(text, 'latin1');
      return socket;
    });
    const startedAtMs = performance.now();
    await Promise.all(sockets.map(hear));
    expect(performance.now() - startedAtMs).toBeGreaterThan(450);
    const [metrics] = await say(await openTls(to), ['{"type":"metrics","detail":true}']);
    expect(JSON.parse(metrics!)).toMatchObject({ closed_unauthorized: 2, connections: 1 });
  });

  test('a session is resumed', async () => {
    const first = (await openTls({ ...to, maxVersion: 'TLSv1.2' })) as TLSSocket;
    const session = first.getSession()!;
    first.destroy();
    const second = (await openTls({ ...to, maxVersion: 'TLSv1.2', session })) as TLSSocket;
    expect(second.isSessionReused()).toBe(true);
    expect(await say(second, ['{"type":"health"}'])).toEqual(['{"status":"ok"}']);
  });
});

test('a certificate that is renewed in place is taken up by new connections; a broken one changes nothing', async () => {
  const files = { cert: join(authority.dir, 'now.pem'), key: join(authority.dir, 'now-key.pem') };
  const use = (certificate: { cert: string; key: string }) => {
    copyFileSync(certificate.cert, files.cert);
    copyFileSync(certificate.key, files.key);
  };
  use(ours);
  const server = await startServer(['--tls-cert', files.cert, '--tls-key', files.key]);
  const shown = async () => {
    const socket = (await openTls({ port: server.port, ca })) as TLSSocket;
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const fingerprint = (path: string) => new X509Certificate(authority.read(path)).fingerprint256;
  const reload = async (event: string) => {
    const before = server.events.filter(line => line.event === event).length;
    server.process.kill('SIGHUP');
    await until(() => server.events.filter(line => line.event === event).length > before, event);
    return server.events.findLast(line => line.event === event)!;
  };
  const old = await openTls({ port: server.port, ca });
  expect(await shown()).toBe(fingerprint(ours.cert));

  const next = authority.issue('localhost');
  use(next);
  await reload('reloaded');
  expect(await shown()).toBe(fingerprint(next.cert));

  writeFileSync(files.cert, 'no certificate');
  expect((await reload('reload_failed')).reason).toMatch(/--tls-cert .*now\.pem holds no certificate/);
  use({ cert: next.cert, key: ours.key });
  expect((await reload('reload_failed')).reason).toMatch(/is not that of the certificate/);
  expect(await shown()).toBe(fingerprint(next.cert));
  expect(await say(old, [EVENT])).toEqual([ACCEPTED]);
  await server.stop();
});

test('clients must have a certificate where that is asked, and its name says what they may do', async () => {
  const clients = new Authority('clients');
  const tokens = join(clients.dir, 'tokens');
  const token = newToken();
  const entries = [
    { name: 'till', certificate: 'till-4', may: ['write', 'read'], users: ['till4:*'] },
    { name: 'shop', certificate: 'shop.example', may: ['read'], users: ['*'] },
    { name: 'gone', certificate: 'gone', may: ['read'], users: ['*'], expires: '2001-01-01' },
    { name: 'late', sha256: hashOfToken(token), may: ['write'], users: ['*'] },
  ];
  writeFileSync(tokens, entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
  const flags = ['--tls-cert', ours.cert, '--tls-key', ours.key, '--tls-client-ca', clients.ca];
  const server = await startServer([...flags, '--tokens', tokens]);
  const as = (certificate?: { cert: string; key: string }) =>
    openTls({
      port: server.port,
      ca,
      ...(certificate && { cert: clients.read(certificate.cert), key: clients.read(certificate.key) }),
    });
  const lines = [
    '{"user":"till4:1","action":"buy","amount":1}',
    '{"user":"till5:1","action":"buy","amount":1}',
    '{"type":"balance","user":"till4:1"}',
  ];
  const forbidden = '{"status":"error","reason":"forbidden"}';
  const unauthorized = '{"status":"error","reason":"unauthorized"}';
  const till = await say(await as(clients.issue('till-4')), lines);
  expect(till).toEqual([ACCEPTED, forbidden, '{"status":"ok","balance":1}']);
  // By a name for DNS.
  const shop = await say(await as(clients.issue('anyone', 'DNS:x,DNS:shop.example')), lines);
  expect(shop).toEqual([forbidden, forbidden, '{"status":"ok","balance":1}']);
  // It may still have a token; so only who asks for something without one is refused, which is logged once.
  const presented = `{"type":"auth","token":"${token}"}`;
  const late = await say(await as(clients.issue('latecomer')), [HEALTH.trim(), presented, lines[1]!]);
  expect(late).toEqual([HEALTHY, '{"status":"ok"}', ACCEPTED]);
  expect(await say(await as(clients.issue('stranger')), lines)).toEqual(Array(3).fill(unauthorized));
  expect(await say(await as(clients.issue('gone')), lines)).toEqual(Array(3).fill(unauthorized));
  const refused = () => server.events.filter(({ event }) => event === 'unauthorized');
  await until(() => refused().length === 2, 'the log');
  expect(refused().map(({ reason }) => reason)).toEqual(['unknown_certificate', 'expired']);
  expect(JSON.stringify(server.events)).not.toMatch(/latecomer|stranger/);
  // Without one, or with one of another authority, nothing is served.
  const strangers = new Authority('clients');
  for (const certificate of [undefined, strangers.issue('till-4')]) {
    const served = await as(certificate).then(
      socket => say(socket, lines).catch(() => []),
      () => [],
    );
    expect(served).toEqual([]);
  }
  const { ledger } = await server.stop();
  expect(ledger).toMatchObject({ received: 2, lost: 0 });
  for (const { dir } of [clients, strangers]) rmSync(dir, { recursive: true });
});
