/** How bytes come from sockets that all read into one buffer: in order and whole, and never while one is paused. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readDocumented, readInto } from '../../src/net/plain-transport.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { ACCEPTED, balanceRequest, buyLine, okLine } from '../support/asking.ts';
import { pickSeed } from '../support/load.ts';
import { startServer } from '../support/server.ts';

const opened: Socket[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

interface Pair {
  server: Server;
  accepted: Socket;
  far: Socket;
}

/** Both ends of a connection; the server's with the options that the listener gives it. */
async function socketPair(): Promise<Pair> {
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    highWaterMark: 16_384,
    pauseOnConnect: true,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const far = connect({
    port: (server.address() as { port: number }).port,
    host: '127.0.0.1',
    noDelay: true,
  });
  const [accepted] = await connected;
  opened.push(far);
  servers.push(server);
  far.on('error', () => {});
  return { server, accepted, far: far.resume() };
}

/** As large as the server's. */
const shared = Buffer.alloc(65_536);

/** How the socket is read: Node's inner way, or the documented one, where a Node lacks the inner one. */
let way = readInto;

/** Receives as a session does; `then` is called with every chunk. */
class Receiver {
  readonly near: Socket;
  readonly chunks: Buffer[] = [];
  bytes = 0;
  hasEnded = false;
  isClosed = false;

  constructor(accepted: Socket, then: (near: Socket) => void = () => {}, buffer = shared) {
    this.near = way(accepted, {
      nextRead: buffer,
      opened: () => {},
      inputEnded: () => {},
      drained: () => {},
      closed: () => {},
      received: (bytes: number) => {
        expect(this.hasEnded, 'a chunk behind the end').toBe(false);
        expect(this.near.isPaused(), 'a chunk while paused').toBe(false);
        this.chunks.push(Buffer.from(buffer.subarray(0, bytes)));
        this.bytes += bytes;
        // What is in the buffer is of no more use.
        buffer.fill(0xee, 0, bytes);
        then(this.near);
      },
    });
    opened.push(this.near);
    this.near.on('error', () => {});
    this.near.on('end', () => {
      this.hasEnded = true;
    });
    this.near.on('close', () => {
      this.isClosed = true;
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** Writes the bytes in pieces of random length, some at once and some a turn later. */
async function send(far: Socket, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() ** 3 * (random() < 0.1 ? 200_000 : 3_000));
    const isTaken = far.write(bytes.subarray(at, at + length));
    at += length;
    if (!isTaken) await once(far, 'drain');
    else if (random() < 0.3) await new Promise(setImmediate);
  }
  far.end();
}

/** How the receiver holds the stream up, called with every chunk. */
type Habit = (near: Socket, random: () => number) => void;

const pauseForAWhile: Habit = (near, random) => {
  if (random() > 0.2) return;
  near.pause();
  setTimeout(() => near.resume(), random() * 5);
};

const HABITS: Record<string, Habit> = {
  'never pauses': () => {},
  'pauses with every chunk, for a turn': near => {
    near.pause();
    setImmediate(() => near.resume());
  },
  'pauses now and then, for a while': pauseForAWhile,
  'pauses, and goes on at once': near => {
    near.pause();
    near.resume();
  },
  'goes on in the turn after, and thinks better of it': near => {
    near.pause();
    setImmediate(() => {
      near.resume();
      near.pause();
      setImmediate(() => near.resume());
    });
  },
};

const BYTES = 1_000_000;
const randomBytes = (random: () => number) =>
  Buffer.from(Uint8Array.from({ length: BYTES }, () => random() * 256));

describe.each([
  ['as this Node allows', readInto],
  ['in the documented way', readDocumented],
] as const)('a socket that is read %s', (_, read) => {
  beforeEach(() => {
    way = read;
  });

  test.each(Object.entries(HABITS))('bytes are whole and in order when the receiver %s', async (_, habit) => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    const bytes = randomBytes(random);
    const { accepted, far } = await socketPair();
    const receiver = new Receiver(accepted, near => habit(near, random));
    await send(far, bytes, random);
    await until(() => receiver.hasEnded, `the end, TALLY_TEST_SEED=${seed}`);
    expect(receiver.bytes, `TALLY_TEST_SEED=${seed}`).toBe(BYTES);
    expect(receiver.received.equals(bytes), `TALLY_TEST_SEED=${seed}`).toBe(true);
  });

  test('sockets that share the buffer have their own bytes each', async () => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    const ends = await Promise.all(
      [HABITS['never pauses']!, pauseForAWhile, pauseForAWhile].map(async habit => {
        const { accepted, far } = await socketPair();
        const bytes = randomBytes(random);
        return { far, bytes, receiver: new Receiver(accepted, near => habit(near, random)) };
      }),
    );
    await Promise.all(ends.map(({ far, bytes }) => send(far, bytes, random)));
    await until(() => ends.every(({ receiver }) => receiver.hasEnded), `the ends, TALLY_TEST_SEED=${seed}`);
    for (const { bytes, receiver } of ends)
      expect(receiver.received.equals(bytes), `TALLY_TEST_SEED=${seed}`).toBe(true);
  });

  test('what came before anybody read is received too', async () => {
    const { accepted, far } = await socketPair();
    far.end('early');
    await sleep(20);
    const receiver = new Receiver(accepted);
    await until(() => receiver.hasEnded, 'the end');
    expect(receiver.received.toString()).toBe('early');
  });

  test('nothing is received while the socket is paused, nor the end, and all when it goes on', async () => {
    const { accepted, far } = await socketPair();
    const receiver = new Receiver(accepted);
    const { near } = receiver;
    far.write('one ');
    await until(() => receiver.bytes === 4, 'the first chunk');
    near.pause();
    for (const text of ['two ', 'three ', 'four']) {
      far.write(text);
      await sleep(5);
    }
    far.end();
    await sleep(20);
    expect([receiver.bytes, receiver.hasEnded]).toEqual([4, false]);
    // Taken over, it is not even read; a stream reads ahead.
    if (read === readInto) expect([near.bytesRead, near.readableLength]).toEqual([4, 0]);
    near.resume();
    await until(() => receiver.hasEnded, 'the end');
    expect(receiver.received.toString()).toBe('one two three four');
  });

  test('a pause takes effect at once, however much has come', async () => {
    const { accepted, far } = await socketPair();
    far.end('0123456789');
    await sleep(20);
    const receiver = new Receiver(accepted, near => near.pause(), Buffer.alloc(4));
    for (const text of ['0123', '01234567', '0123456789']) {
      await until(() => receiver.bytes === text.length, text);
      await sleep(5);
      expect(receiver.received.toString()).toBe(text);
      receiver.near.resume();
    }
    await until(() => receiver.hasEnded, 'the end');
    expect(receiver.chunks.map(chunk => chunk.length)).toEqual([4, 4, 2]);
  });

  test.each([0, 1, 70_000])('the end comes behind all bytes: %i of them and the end at once', async count => {
    const { accepted, far } = await socketPair();
    const receiver = new Receiver(accepted);
    far.end(Buffer.alloc(count, 0x61));
    await until(() => receiver.hasEnded, 'the end');
    expect(receiver.received.equals(Buffer.alloc(count, 0x61))).toBe(true);
  });

  test('nothing comes any more when the client resets the connection', async () => {
    const { accepted, far } = await socketPair();
    const receiver = new Receiver(accepted);
    far.write(Buffer.alloc(1_000));
    await until(() => receiver.bytes === 1_000, 'the bytes');
    far.resetAndDestroy();
    await until(() => receiver.isClosed, 'the reset');
    expect([receiver.bytes, receiver.hasEnded]).toEqual([1_000, false]);
  });

  test('nothing comes any more when the receiver destroys the socket, even if it has come', async () => {
    const { accepted, far } = await socketPair();
    far.end(Buffer.alloc(1_000));
    await sleep(20);
    const receiver = new Receiver(accepted, near => near.destroy(), Buffer.alloc(10));
    await until(() => receiver.isClosed, 'the socket to be closed');
    await sleep(20);
    expect([receiver.bytes, receiver.hasEnded]).toEqual([10, false]);
  });

  test('a client that has said all still hears what is written, and the end of that', async () => {
    const { accepted, far } = await socketPair();
    const receiver = new Receiver(accepted);
    let heard = '';
    far.on('data', chunk => {
      heard += String(chunk);
    });
    far.end('all');
    await until(() => receiver.hasEnded, 'the end');
    await sleep(20);
    expect([receiver.isClosed, receiver.near.remoteAddress]).toEqual([false, '127.0.0.1']);
    receiver.near.write('a reply');
    await until(() => heard === 'a reply', 'the reply');
    receiver.near.end(', and another');
    await once(far, 'close');
    expect(heard).toBe('a reply, and another');
    await until(() => receiver.isClosed, 'the socket to be closed');
  });
});

describe('a socket whose handle is taken over', () => {
  beforeEach(() => {
    way = readInto;
  });

  test('the new socket has all that the accepted one had', async () => {
    const { accepted } = await socketPair();
    const { writableHighWaterMark, allowHalfOpen } = accepted;
    const { near } = new Receiver(accepted);
    expect(accepted).toHaveProperty('_handle', null);
    expect(near).toMatchObject({ writableHighWaterMark, allowHalfOpen });
  });

  test('the server counts such a socket, and knows when it is closed', async () => {
    const { server, accepted } = await socketPair();
    const { near } = new Receiver(accepted);
    const connections = () => new Promise<number>(done => server.getConnections((_, count) => done(count)));
    expect(await connections()).toBe(1);
    let isServerClosed = false;
    server.on('close', () => {
      isServerClosed = true;
    });
    server.close();
    await sleep(20);
    expect(isServerClosed).toBe(false);
    near.destroy();
    await until(() => isServerClosed, 'the server to be closed');
    expect(await connections()).toBe(0);
  });
});

describe('where Node has not the inner properties that are expected', () => {
  beforeEach(() => {
    way = readInto;
  });

  test.each(['_handle', '_server'])('a socket without %s is read in the documented way', async name => {
    const { accepted, far } = await socketPair();
    const hidden = new Proxy(accepted, {
      get(socket, key) {
        if (key === name) return undefined;
        const value: unknown = Reflect.get(socket, key);
        return typeof value === 'function' ? value.bind(socket) : value;
      },
    });
    const receiver = new Receiver(hidden);
    far.end('all of it');
    await until(() => receiver.hasEnded, 'the end');
    expect(receiver.received.toString()).toBe('all of it');
    expect((accepted as unknown as { _handle: unknown })._handle).not.toBeNull();
  });

  test('a whole server goes on without them: events, halves of lines, half-closed clients, its shutdown', async () => {
    const preload = `
      import { Server } from 'node:net';
      const emit = Server.prototype.emit;
      Server.prototype.emit = function (name, socket, ...others) {
        if (name === 'connection') delete socket._server;
        return emit.call(this, name, socket, ...others);
      };`;
    const server = await startServer(['--workers', '2'], {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(preload)}`,
    });
    const lines = 20_000;
    const client = await Client.open(server.port);
    client.send(buyLine('alice', 1).repeat(lines) + balanceRequest('alice').slice(0, 9));
    client.send(balanceRequest('alice').slice(9).trimEnd());
    expect(await client.finish()).toBe(`${`${ACCEPTED}\n`.repeat(lines)}${okLine(lines)}\n`);
    expect(await server.stop()).toMatchObject({ exitCode: 0 });
  });
});
