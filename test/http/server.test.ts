/** The HTTP side of a real server: what it answers, while it serves, drains, is abused and dies. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { HttpThread } from '../../src/http/thread.ts';
import { Log } from '../../src/log.ts';
import { assemble } from '../../src/server/assemble.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ACCEPTED, buyLine, FREEZE, HEALTH, HEALTHY, THAW } from '../support/asking.ts';
import { ask, startHttpServer } from '../support/http.ts';
import { runCli } from '../support/server.ts';

const sockets: Socket[] = [];
afterAll(() => {
  for (const socket of sockets) socket.destroy();
});

async function open(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(bytes);
  // Otherwise it would not notice its end.
  socket.resume();
  return socket;
}

describe('while it serves', async () => {
  const server = await startHttpServer(['--debug-requests', '--workers', '2']);
  afterAll(() => server.stop());

  test('every answer has the headers that keep other sites out', async () => {
    for (const path of ['/', '/live.js', '/live.json', '/metrics', '/healthz', '/nowhere']) {
      const { headers } = await server.get(path);
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['content-security-policy'], path).toMatch(
        /^default-src 'none'; (?:[a-z-]+ '(?:self|none)'(?:; |$))+$/,
      );
      expect(headers, path).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('HEAD is GET without a body; every other method is refused, and its body is not read', async () => {
    const [got, headed] = [await server.get('/'), await server.get('/', { method: 'HEAD' })];
    expect(headed).toMatchObject({ status: 200, body: '' });
    expect(headed.headers['content-length']).toBe(String(Buffer.byteLength(got.body)));
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await server.get('/metrics', { method });
      expect(status, method).toBe(405);
      expect(headers, method).toMatchObject({ allow: 'GET, HEAD', connection: 'close' });
    }
  });

  test('a name that is not of this machine gets nothing', async () => {
    expect((await server.get('/live.json', { headers: { host: 'evil.example' } })).status).toBe(421);
  });

  test('many slow clients, and one that floods, keep out neither each other nor the events', async () => {
    const slow = await Promise.all(
      Array.from({ length: 100 }, () => open(server.http, 'GET / HTTP/1.1\r\nHost: l')),
    );
    // The oldest made room for the newest.
    // Before their time to ask is over.
    await until(
      () => slow.filter(socket => socket.closed).length >= 68,
      '68 of 100 slow clients closed',
      3_000,
    );
    const flood = await open(server.http, 'GET /live.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000));
    flood.pause();
    expect(await server.get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    const client = await Client.open(server.port);
    expect(await client.ask(HEALTH)).toBe(HEALTHY);
    client.close();
    flood.destroy();
  });

  test('a request of HTTP/1.0 need not say whom it asks', async () => {
    const socket = connect(server.http, '127.0.0.1');
    sockets.push(socket);
    socket.end('GET /readyz HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*\r\nready\n$/s);
  });

  test('headers that are too large, and what is no HTTP, are refused', async () => {
    expect((await server.get('/', { headers: { x: 'x'.repeat(9_000) } })).status).toBe(431);
    const socket = await open(server.http, buyLine('alice', 1));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 /);
  });

  test('a worker that is missing makes it not ready, but alive', async () => {
    const client = await Client.open(server.port);
    // Again and again: a worker that is well is back before anybody looks.
    await until(async () => {
      await client.ask('{"type":"debug","do":"kill","worker":1}\n');
      const { status, body } = await server.get('/readyz');
      const metrics = await server.get('/metrics');
      return status === 503 && body === 'degraded\n' && /_ready\{worker="1"\} 0/.test(metrics.body);
    }, 'degraded');
    expect((await server.get('/healthz')).status).toBe(200);
    client.close();
  });
});

test('while it drains it says so, and no HTTP connection holds up its exit', async () => {
  const server = await startHttpServer(['--debug-requests']);
  expect(await server.get('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
  const client = await Client.open(server.port);
  await client.ask(FREEZE);
  expect(await client.ask(buyLine('alice', 5))).toBe(ACCEPTED);
  const idle = await open(server.http, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const half = await open(server.http, 'GET /');
  const stopped = server.stop('SIGTERM');
  await until(async () => (await server.get('/readyz')).body === 'draining\n', 'draining');
  expect((await server.get('/readyz')).status).toBe(503);
  expect((await server.get('/healthz')).status).toBe(200);
  expect((await server.get('/metrics')).body).toContain('\ntally_draining 1\n');
  client.send(THAW);
  const { exitCode, ledger } = await stopped;
  expect({ exitCode, ...ledger }).toMatchObject({ exitCode: 0, processed: 1, lost: 0 });
  expect(ledger).not.toHaveProperty('cutShortBy');
  await until(() => idle.closed && half.closed, 'its HTTP connections closed');
});

describe('a port that is taken', () => {
  test('is said in one line, before anything starts', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as { port: number };
    const { exitCode, stdout, stderr } = await runCli(['serve', '--port', '0', '--http', `${port}`]);
    squatter.close();
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^tally: port ${port} on 127.0.0.1 is in use; .* --http .*\n$`));
  });

  test('by the events ends the HTTP side again', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as { port: number };
    const { exitCode, stderr } = await runCli(['serve', '--port', `${port}`, '--http', '0']);
    squatter.close();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--port') });
  });
});

describe('the thread', () => {
  const settings = readSettings(['--http', '0', '--workers', '1', '--ring', '8', '--users', '8'], {});
  settings.logLevel = 'warn';
  settings.logFormat = 'json';
  const logged: string[] = [];
  const stream = {
    write: (line: string) => logged.push(line),
    on: () => {},
  } as unknown as NodeJS.WriteStream;
  const log = new Log(settings, stream);
  const { engine, sessions } = assemble(settings, log);
  const start = () =>
    new HttpThread({ engine, metrics: sessions.metrics, isDraining: false, connectionsMax: 7 }, log, '0.0.0');

  test('that dies is followed by another one on its port, as soon as that is free', async () => {
    const thread = start();
    try {
      const { port } = await thread.listen('127.0.0.1', 0);
      expect((await ask(port, '/readyz')).body).toBe('starting\n');
      thread.serving();
      thread.kill();
      await until(() => logged.length > 0, 'the death in the log');
      expect(JSON.parse(logged[0]!)).toMatchObject({ event: 'http_died', level: 'warn' });
      const squatter = createServer().listen(port, '127.0.0.1');
      await once(squatter, 'listening');
      await until(() => logged.length > 1, 'another try in the log');
      expect(JSON.parse(logged[1]!).reason).toMatch(/in use/);
      squatter.close();
      await until(async () => {
        const answer = await ask(port, '/readyz').catch(() => undefined);
        // Its workers were never started.
        return answer?.body === 'degraded\n';
      }, 'another thread');
    } finally {
      thread.end();
    }
  });

  test('ends by itself when it is told to: terminated while it reads a request, it would abort the process', async () => {
    const terminate = vi.spyOn(Worker.prototype, 'terminate');
    const thread = start();
    const socket = await open((await thread.listen('127.0.0.1', 0)).port, 'GET / HTTP/1.1\r\nHost: l');
    thread.end();
    await until(() => socket.closed, 'its connection closed');
    expect(terminate).not.toHaveBeenCalled();
    terminate.mockRestore();
  });

  test('that can not even start says why', async () => {
    const thread = start();
    await expect(thread.listen('127.0.0.1', 65_536)).rejects.toThrow(/65536/);
    thread.end();
  });
});
