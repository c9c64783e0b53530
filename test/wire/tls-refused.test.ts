/** Connections through TLS that are not served: each is counted and, if it had begun, logged; a refused one is told so. */
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { Authority } from '../support/certificates.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { hear, openTls, say } from '../support/speaking.ts';

const authority = new Authority();
const ours = authority.issue('localhost');
const ca = authority.read(authority.ca);
const clients = new Authority('clients');
const own = pairOf(clients.issue('till'));
const HALF_A_HELLO = '\x16\x03\x01\x02\x00\x01';

let server: RunningServer;

afterEach(() => server.stop());
afterAll(() => {
  for (const { dir } of [authority, clients]) rmSync(dir, { recursive: true });
});

function pairOf({ cert, key }: { cert: string; key: string }) {
  return { cert: authority.read(cert), key: authority.read(key) };
}

const start = async (...flags: string[]) => {
  server = await startServer(['--tls-cert', ours.cert, '--tls-key', ours.key, ...flags]);
};
const ask = async (more: ConnectionOptions = {}) => {
  const socket = await openTls({ port: server.port, ca, ...more });
  const [metrics] = await say(socket, ['{"type":"metrics","detail":true}']);
  return JSON.parse(metrics!) as Record<string, number>;
};
const failures = () => server.events.filter(({ event }) => event === 'handshake_failed');
const raw = (text: string): Socket => {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  socket.on('error', () => {});
  socket.write(text, 'latin1');
  return socket;
};

test('a handshake that fails is counted, and the log says why, in words that the client has not chosen', async () => {
  await start('--tls-client-ca', clients.ca);
  const shake = (more: ConnectionOptions) => async () => {
    const heard = openTls({ port: server.port, ca, ...more }).then(hear);
    await heard.catch(() => {});
  };
  const hangUp = async () => {
    const socket = raw(HALF_A_HELLO);
    await until(async () => (await ask(own)).connections === 2, 'the half hello is there');
    socket.resetAndDestroy();
  };
  const other = new Authority('clients');
  const cases: [() => Promise<unknown>, string][] = [
    [shake({}), 'it has no certificate'],
    [shake(pairOf(other.issue('till'))), 'its certificate is not valid (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'],
    [() => hear(raw('GET /secret HTTP/1.1\r\n\r\n')), 'it speaks HTTP without TLS'],
    [() => hear(raw('{"token":"secret"}\n')), 'it does not speak TLS'],
    [
      shake({ ...own, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
      'it has no cipher in common with the server',
    ],
    [hangUp, 'it hung up'],
  ];
  for (const [number, [act, reason]] of cases.entries()) {
    await act().catch(() => {});
    await until(() => failures().length > number, reason);
    expect(failures()[number]).toMatchObject({ level: 'warn', address: '127.0.0.1', reason });
  }
  rmSync(other.dir, { recursive: true });
  expect(await ask(own)).toMatchObject({ closed_handshake: cases.length, closed_unauthorized: 0 });
  expect(JSON.stringify(failures())).not.toContain('secret');
});

test('one that is not done in time is counted once, and one that never began is not logged', async () => {
  await start('--auth-ms-max', '300');
  await Promise.all([raw(HALF_A_HELLO), raw('')].map(hear));
  await until(() => failures().length > 0, 'its line');
  expect(await ask()).toMatchObject({ closed_handshake: 0, closed_unauthorized: 2 });
  expect(failures().map(({ reason }) => reason)).toEqual(['it was not done in time']);
});

test('a flood of them is counted, and not written', async () => {
  await start();
  await Promise.all(Array.from({ length: 100 }, () => hear(raw('no TLS at all\n')).catch(() => [])));
  const dropped = () =>
    server.events
      .filter(({ event }) => event === 'audit_dropped')
      .reduce((sum, { lines }) => sum + (lines as number), 0);
  await until(() => failures().length + dropped() >= 100, 'all are written or counted');
  expect(failures().length + dropped()).toBe(100);
  expect(dropped()).toBeGreaterThan(0);
  expect((await ask()).closed_handshake).toBe(100);
});

test.each([
  ['--connections-max', '1'],
  ['--address-connections-max', '1'],
])('a connection beyond %s is told so, when hands are shaken', async (flag, most) => {
  await start(flag, most);
  const first = await openTls({ port: server.port, ca });
  const socket = await openTls({ port: server.port, ca });
  expect(await hear(socket)).toEqual(['{"status":"rejected","reason":"too_many_connections"}']);
  expect(await say(first, ['{"type":"health"}'])).toEqual(['{"status":"ok"}']);
  await until(async () => {
    const seen = await ask().catch(() => undefined);
    return seen?.connections_refused !== undefined && seen.connections === 1;
  }, 'the place is free again');
});
