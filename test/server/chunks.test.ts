/** How chunks come from a socket: in order and whole, by the short way and by the `data` event alike. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { randomFrom } from '../../bench/load/random.ts';
import { receiveChunks } from '../../src/server/chunks.ts';
import { until } from '../support/client.ts';
import { pickSeed } from '../support/load.ts';

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

/** Both ends of a connection; the server's with the options that the listener gives it. */
async function socketPair(): Promise<{ near: Socket; far: Socket }> {
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
  const [near] = await connected;
  server.close();
  opened.push(near, far);
  far.on('error', () => {});
  near.on('error', () => {});
  return { near, far: far.resume() };
}

interface Receipt {
  chunks: Buffer[];
  bytes: () => number;
  hasEnded: () => boolean;
}

/** Receives as a connection does. `isShort`: the stream calls the `push` that was put in its place. */
function receive(near: Socket, isShort: boolean, then: (chunk: Buffer) => void = () => {}): Receipt {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let hasEnded = false;
  const file = near.push;
  receiveChunks(near, chunk => {
    expect(hasEnded, 'a chunk behind the end').toBe(false);
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    then(chunk);
  });
  if (!isShort) near.push = file;
  near.on('end', () => {
    hasEnded = true;
  });
  near.resume();
  return { chunks, bytes: () => bytes, hasEnded: () => hasEnded };
}

/** Writes the bytes in pieces of random length, some at once and some a turn later. */
async function send(far: Socket, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() ** 3 * (random() < 0.1 ? 200_000 : 3_000));
    const isTaken = far.write(bytes.subarray(at, at + length));
    at += length;
    if (!isTaken) await once(far, 'drain');
    else if (random() < 0.3) await nextTurn();
  }
  far.end();
}

/** How the receiver holds the stream up, called with every chunk. */
const HABITS: Record<string, (near: Socket, random: () => number) => void> = {
  'never pauses': () => {},
  'pauses with every chunk, for a turn': near => {
    near.pause();
    setImmediate(() => near.resume());
  },
  'pauses now and then, for a while': (near, random) => {
    if (random() > 0.2) return;
    near.pause();
    setTimeout(() => near.resume(), random() * 5);
  },
  'pauses, and goes on at once': near => {
    near.pause();
    near.resume();
  },
  'pauses, and reads what has come in the meantime before it goes on': near => {
    near.pause();
    setImmediate(() => {
      if (near.read() === null) near.resume();
    });
  },
  'pauses, and reads a turn after it went on': (near, random) => {
    if (near.isPaused()) return;
    near.pause();
    setImmediate(() => {
      near.resume();
      if (random() < 0.5) near.read();
    });
  },
};

const BYTES = 1_000_000;

describe.each([
  ['by the short way', true],
  ['by the event only', false],
])('chunks that come %s', (_, isShort) => {
  test.each(Object.entries(HABITS))('are whole and in order when the receiver %s', async (_, habit) => {
    const seed = pickSeed();
    const random = randomFrom(seed);
    const bytes = Buffer.from(Uint8Array.from({ length: BYTES }, () => random() * 256));
    const { near, far } = await socketPair();
    const receipt = receive(near, isShort, () => habit(near, random));
    await send(far, bytes, random);
    await until(() => receipt.hasEnded(), `the end, TALLY_TEST_SEED=${seed}`);
    expect(receipt.bytes(), `TALLY_TEST_SEED=${seed}`).toBe(BYTES);
    expect(Buffer.concat(receipt.chunks).equals(bytes), `TALLY_TEST_SEED=${seed}`).toBe(true);
  });

  test('do not come while the stream is paused, and all come when it goes on', async () => {
    const { near, far } = await socketPair();
    const receipt = receive(near, isShort);
    far.write('one ');
    await until(() => receipt.bytes() === 4, 'the first chunk');
    near.pause();
    for (const text of ['two ', 'three ', 'four']) {
      far.write(text);
      await until(() => far.writableLength === 0, 'the bytes to leave');
      await nextTurn();
    }
    await until(() => near.readableLength > 0, 'bytes that are filed');
    expect(receipt.bytes()).toBe(4);
    near.resume();
    far.end();
    await until(() => receipt.hasEnded(), 'the end');
    expect(Buffer.concat(receipt.chunks).toString()).toBe('one two three four');
  });

  test('that were filed come before those that follow, also when they follow before the stream flows', async () => {
    const { near } = await socketPair();
    const receipt = receive(near, isShort);
    await nextTurn();
    near.pause();
    near.push(Buffer.from('1'));
    near.push(Buffer.from('2'));
    near.resume();
    near.push(Buffer.from('3'));
    await until(() => receipt.bytes() === 3, 'three bytes');
    near.push(Buffer.from('4'));
    near.push(null);
    await until(() => receipt.hasEnded(), 'the end');
    expect(Buffer.concat(receipt.chunks).toString()).toBe('1234');
  });

  test('and what the receiver puts in while it receives, comes behind', async () => {
    const { near } = await socketPair();
    const receipt = receive(near, isShort, chunk => {
      if (chunk[0] === 0x61) near.pause();
      if (chunk[0] === 0x61) near.push(Buffer.from('c'));
    });
    await nextTurn();
    near.push(Buffer.from('ab'));
    near.resume();
    near.push(Buffer.from('d'));
    near.push(null);
    await until(() => receipt.hasEnded(), 'the end');
    expect(Buffer.concat(receipt.chunks).toString()).toBe('abcd');
  });

  test.each([0, 1, 70_000])('end with the stream, not before: %i bytes and the end at once', async count => {
    const { near, far } = await socketPair();
    const receipt = receive(near, isShort);
    far.end(Buffer.alloc(count, 0x61));
    await until(() => receipt.hasEnded(), 'the end');
    expect(receipt.bytes()).toBe(count);
  });

  test('come no more when the client resets the connection or the receiver destroys it', async () => {
    for (const isReset of [true, false]) {
      const { near, far } = await socketPair();
      const closed = new Promise(resolve => near.once('close', resolve));
      const receipt = receive(near, isShort, () => {
        if (!isReset) near.destroy();
      });
      far.write(Buffer.alloc(1_000));
      await until(() => receipt.bytes() > 0, 'a chunk');
      if (isReset) far.resetAndDestroy();
      else far.write(Buffer.alloc(1_000));
      await closed;
      expect(receipt.bytes()).toBe(1_000);
      expect(receipt.hasEnded()).toBe(false);
    }
  });
});

test('the short way is taken while the stream flows, and the event only for what was filed', async () => {
  const { near, far } = await socketPair();
  const receipt = receive(near, true);
  let emitted = 0;
  near.on('data', () => {
    emitted += 1;
  });
  far.write('straight');
  await until(() => receipt.bytes() === 8, 'the first chunk');
  expect(emitted).toBe(0);
  near.pause();
  far.write('filed');
  await until(() => near.readableLength === 5, 'a filed chunk');
  near.resume();
  await until(() => receipt.bytes() === 13, 'the second chunk');
  expect(emitted).toBe(1);
  far.write('straight');
  await until(() => receipt.bytes() === 21, 'the third chunk');
  expect(emitted).toBe(1);
});
