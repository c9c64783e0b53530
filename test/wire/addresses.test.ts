/**
 * Where a server listens: several addresses, a Unix socket, a socket that systemd hands over, and behind a balancer that
 * says whose the connections are.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority } from '../support/certificates.ts';
import { CLI, type RunningServer, startServer } from '../support/server.ts';
import { hear, open, openTls, say } from '../support/speaking.ts';

const dir = mkdtempSync(join(tmpdir(), 'tally-addresses-'));
const HEALTH = '{"type":"health"}';
const OK = '{"status":"ok"}';
const at = (port: number) => open({ host: '127.0.0.1', port });

afterAll(() => rmSync(dir, { recursive: true }));

test('one server listens on all its addresses, each in its own way, and drains them all', async () => {
  const authority = new Authority();
  const { cert, key } = authority.issue('localhost');
  const path = join(dir, 'a.sock');
  const listen = 'tcp://127.0.0.1:0, tls://127.0.0.1:0';
  const flags = ['--tls-cert', cert, '--tls-key', key, '--listen', listen, '--socket', path];
  const server = await startServer([...flags, '--socket-mode', '600']);
  const { addresses, tls } = server.events[0] as { addresses: string[]; tls: boolean };
  expect(tls).toBe(true);
  expect(addresses).toEqual([
    `tls://127.0.0.1:${server.port}`,
    expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^tls:\/\/127\.0\.0\.1:\d+$/),
    `unix:${path}`,
  ]);
  const ca = authority.read(authority.ca);
  const [plain, second] = addresses.slice(1, 3).map(address => Number(address.split(':').at(-1)));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const clients = [
    await openTls({ port: server.port, ca }),
    await at(plain!),
    await openTls({ port: second!, ca }),
    await open({ path } as NetConnectOpts),
  ];
  const event = '{"user":"everywhere","action":"buy","amount":1,"wait":true}\n';
  for (const [index, client] of clients.entries()) {
    client.write(event);
    const [chunk] = (await once(client, 'data')) as [Buffer];
    expect(chunk.toString()).toBe(`{"status":"ok","balance":${index + 1}}\n`);
  }
  const ended = Promise.all(clients.map(hear));
  const { ledger } = await server.stop();
  await ended;
  expect(ledger).toMatchObject({ exitCode: 0, processed: 4, lost: 0 });
  rmSync(authority.dir, { recursive: true });
});

test('a Unix socket that a killed server left behind is taken over, one that is served is not', async () => {
  const path = join(dir, 'b.sock');
  const killed = await startServer(['--socket', path]);
  killed.process.kill('SIGKILL');
  await killed.exited;
  expect(statSync(path).isSocket()).toBe(true);
  const server = await startServer(['--socket', path]);
  expect(await say(await open({ path } as NetConnectOpts), [HEALTH])).toEqual([OK]);
  await expect(startServer(['--socket', path])).rejects.toThrow(
    /b\.sock is in use: another server listens there/,
  );
  expect(await say(await open({ path } as NetConnectOpts), [HEALTH])).toEqual([OK]);
  await server.stop();
  // Nothing is left of it.
  expect(() => statSync(path)).toThrow('ENOENT');
});

test('a socket that systemd hands over is listened on, and the port is not', async () => {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as { port: number };
  const { _handle: handle } = listening as unknown as { _handle: { fd: number } };
  // As systemd does it: the socket is descriptor 3, and the variables name the process that may use it.
  const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec "${process.execPath}" "${CLI}" serve --port 1`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit', handle.fd] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  expect(JSON.parse(line.toString().split('\n')[0]!)).toMatchObject({ event: 'listening', port });
  listening.close();
  expect(await say(await at(port), [HEALTH])).toEqual([OK]);
  child.kill();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

describe('behind a balancer', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer([
      '--proxy-protocol',
      '--address-connections-max',
      '2',
      '--log-level',
      'debug',
    ]);
  });
  afterAll(async () => {
    const { ledger } = await server.stop();
    expect(ledger).toMatchObject({ exitCode: 0, lost: 0 });
  });

  const SIGNATURE = '0d0a0d0a000d0a515549540a';
  const header = (rest: string, head = '2111') =>
    Buffer.from(`${SIGNATURE}${head}${(rest.length / 2).toString(16).padStart(4, '0')}${rest}`, 'hex');
  /** 192.0.2.`last` to 10.0.0.1. */
  const of = (last: number) => header(`c00002${last.toString(16).padStart(2, '0')}0a00000104d21ed6`);
  /** The same, as a balancer says it that listens for IPv6 and IPv4 with one socket. */
  const mapped = (last: number) =>
    header(
      `${'0'.repeat(20)}ffffc00002${last.toString(16).padStart(2, '0')}${'0'.repeat(32)}04d21ed6`,
      '2121',
    );
  const behind = async (bytes: Buffer, lines: string[]) => {
    const client = await at(server.port);
    client.on('error', () => {});
    client.write(bytes);
    return say(client, lines).catch(() => ['reset']);
  };

  test.each([
    ['IPv4', of(1)],
    ['IPv6', header(`${'20010db8'.padEnd(32, '0')}${'20010db8'.padEnd(32, '1')}04d21ed6`, '2121')],
    ['more than an address', header('c00002010a00000104d21ed6030004aabbccdd')],
    ["the balancer's own check", header('', '2000')],
    ['a client of a Unix socket', header('00'.repeat(216), '2131')],
  ])('a header is read, and what is behind it is served: %s', async (_, bytes) => {
    const many = Array<string>(3_000).fill('{"user":"proxied","action":"buy","amount":1}');
    const replies = await behind(bytes, [...many, HEALTH]);
    expect(replies).toHaveLength(3_001);
    expect(replies.at(-1)).toBe(OK);
  });

  test('a header that comes byte by byte is read, too', async () => {
    const client = await at(server.port);
    client.setNoDelay(true);
    for (const byte of of(3)) {
      client.write(Uint8Array.of(byte));
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(await say(client, [HEALTH])).toEqual([OK]);
  });

  test.each([
    ['none', Buffer.alloc(0)],
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n')],
    ['another version', header('c00002010a00000104d21ed6', '3111')],
    ['an unknown command', header('c00002010a00000104d21ed6', '2211')],
    ['cut short', header('c00002', '2111')],
    ['far too long', Buffer.from(`${SIGNATURE}2111ffff`, 'hex')],
    ['only its signature', Buffer.from(SIGNATURE, 'hex')],
  ])('without a header that is right, nothing is served: %s', async (_, bytes) => {
    const replies = await behind(bytes, ['{"user":"forged","action":"buy","amount":1}', HEALTH]);
    expect(replies.filter(reply => reply !== 'reset')).toEqual([]);
  });

  test('limits are those of the client, not of the balancer', async () => {
    const connectAs = async (bytes: Buffer) => {
      const client = await at(server.port);
      client.write(bytes);
      client.write(`${HEALTH}\n`);
      const [chunk] = (await once(client, 'data')) as [Buffer];
      return { client, said: chunk.toString() };
    };
    const clients = [
      await connectAs(of(7)),
      await connectAs(mapped(7)),
      await connectAs(mapped(8)),
      await connectAs(mapped(7)),
      await connectAs(mapped(9)),
    ];
    expect(clients.map(({ said }) => said)).toEqual([
      `${OK}\n`,
      `${OK}\n`,
      `${OK}\n`,
      '{"status":"rejected","reason":"too_many_connections"}\n',
      `${OK}\n`,
    ]);
    for (const { client } of clients) client.destroy();
  });
});
