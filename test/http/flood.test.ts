/** Floods of HTTP that no well-behaved client sends: they cost the server neither the thread nor the ledger. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ACCEPTED, buyLine } from '../support/asking.ts';
import { startHttpServer } from '../support/http.ts';

const REQUEST = 'GET /live.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** The last two are some that node:http would answer by itself. */
const REQUESTS = [
  ...[REQUEST, REQUEST, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ...['GET / HTTP/1.1\r\nHost: localhost\r\nExpect: much\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n'],
];
const EVENTS = 100;
/** Before it was bounded, the thread was busy with this for twenty seconds after the last of them had gone. */
const SOON_MS = 5_000;

const sockets = new Set<Socket>();
afterAll(() => {
  for (const socket of sockets) socket.destroy();
});

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  return socket;
}

describe('on one connection', async () => {
  const server = await startHttpServer(['--workers', '1']);
  afterAll(() => server.stop());

  test('one request after the other is answered', async () => {
    const socket = open(server.http);
    for (let turn = 0; turn < 3; turn++) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nok\n$/s);
    }
    socket.destroy();
  });

  test(
    'thousands at once end it, are not answered, and leave the thread alive and free for the next one',
    async () => {
      let bytes = 0;
      const flood = Array.from({ length: 32 }, () => open(server.http));
      for (const [index, socket] of flood.entries()) {
        // Unread, what is sent and answered stays with the server, if it keeps it.
        if (index % 2 === 0)
          socket.on('data', chunk => {
            bytes += chunk.length;
          });
        socket.write(REQUESTS[index % REQUESTS.length]!.repeat(20_000));
      }
      await until(() => flood.every(({ closed }) => closed), 'all of them cut off');
      expect(await server.get('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
      expect(bytes).toBe(0);
      expect(server.events.filter(({ event }) => event === 'http_died')).toEqual([]);
    },
    SOON_MS,
  );
});

test('a flood that goes on takes away neither the ledger nor the exit code', async () => {
  // Node aborts if a thread is terminated in the middle of a request: not each time, so more than once.
  for (let cycle = 0; cycle < 5; cycle++) {
    const server = await startHttpServer(['--workers', '1']);
    const client = await Client.open(server.port);
    client.send(buyLine('alice', 1).repeat(EVENTS));
    expect(await client.lines(EVENTS)).toEqual(Array(EVENTS).fill(ACCEPTED));
    let answers = 0;
    let isOver = false;
    const ask = (kind: number): void => {
      if (isOver) return;
      const socket = open(server.http);
      socket.on('data', () => {
        answers++;
        if (kind % 2 === 0) socket.write(REQUEST);
      });
      socket.on('close', () => setTimeout(ask, 1, kind));
      socket.write(REQUEST.repeat(kind % 2 === 0 ? 1 : 1_500));
    };
    for (let kind = 0; kind < 16; kind++) ask(kind);
    await until(() => answers > 1_000, 'a flood');
    const signals: NodeJS.Signals[] = cycle > 0 ? ['SIGTERM'] : ['SIGTERM', 'SIGINT'];
    if (signals.length === 1) client.socket.destroy();
    const { exitCode, signal, ledger } = await server.stop(...signals);
    isOver = true;
    client.close();
    expect({ signal, stderr: server.stderr() }).toEqual({ signal: null, stderr: '' });
    expect(ledger).toMatchObject({ exitCode, received: EVENTS, processed: EVENTS, lost: 0 });
    // Two that are sent at once come in either order.
    expect(signals.length === 1 ? [0] : [130, 143]).toContain(exitCode);
  }
});
