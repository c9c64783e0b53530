/** Each fault of the proxy really does what it says, on servers that only keep or echo what they get. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { type Course, FaultProxy } from '../support/fault-proxy.ts';
import { pickSeed } from '../support/load.ts';

const seed = pickSeed();
const random = randomFrom(seed);
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));

/** One end of a connection: all that came, and how it ended. */
class End {
  readonly chunks: Buffer[] = [];
  readonly atMs: number[] = [];
  error: string | undefined;
  endedAtMs: number | undefined;
  isClosed = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', chunk => {
      this.chunks.push(chunk as Buffer);
      this.atMs.push(performance.now());
    });
    socket.on('error', error => {
      this.error = (error as NodeJS.ErrnoException).code;
    });
    socket.on('end', () => {
      this.endedAtMs = performance.now();
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

let server: Server;
let proxy: FaultProxy;
afterEach(async () => {
  await proxy.stop();
  server.close();
});

/** A client and the server's end, with the proxy between them. */
async function through(course: Course): Promise<{ client: End; served: End }> {
  let served: End | undefined;
  server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    served = new End(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  proxy = await FaultProxy.start((server.address() as AddressInfo).port, seed, () => course);
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const client = new End(socket);
  await until(() => served !== undefined, 'the connection behind the proxy');
  return { client, served: served! };
}

const hasAll = (end: End, bytes: Buffer) => until(() => end.bytes.length >= bytes.length, 'all bytes');

test('without faults it passes on every byte in both directions, and the end of each by itself', async () => {
  const { client, served } = await through({});
  const [there, back] = [randomBytes(300_000), randomBytes(200_000)];
  client.socket.end(there);
  await until(() => served.endedAtMs !== undefined, 'the end of what the client sends');
  expect(served.bytes.equals(there)).toBe(true);
  served.socket.end(back);
  await until(() => client.isClosed && served.isClosed, 'both to be closed');
  expect(client.bytes.equals(back)).toBe(true);
  expect([client.error, served.error]).toEqual([undefined, undefined]);
  await until(() => proxy.connections.size === 0, 'the proxy to forget the connection');
});

test('latency delays its direction and not the other', async () => {
  const { client, served } = await through({ toServer: { latencyMs: 80 } });
  const startMs = performance.now();
  client.socket.write('there');
  served.socket.write('back');
  await hasAll(client, Buffer.from('back'));
  expect(client.atMs[0]! - startMs).toBeLessThan(80);
  await hasAll(served, Buffer.from('there'));
  expect(served.atMs[0]! - startMs).toBeGreaterThanOrEqual(80);
});

test('jitter spreads the delays between its bounds, and nothing overtakes', async () => {
  const { client, served } = await through({ toClient: { latencyMs: 10, jitterMs: 30 } });
  const delaysMs: number[] = [];
  for (let sent = 0; sent < 12; sent++) {
    const startMs = performance.now();
    served.socket.write(String.fromCharCode(97 + sent));
    await until(() => client.chunks.length > sent, 'the byte');
    delaysMs.push(client.atMs[sent]! - startMs);
  }
  for (let sent = 0; sent < 50; sent++) {
    served.socket.write(`${sent},`);
    await new Promise(resolve => setImmediate(resolve));
  }
  const expected = `abcdefghijkl${Array.from({ length: 50 }, (_, sent) => `${sent},`).join('')}`;
  await hasAll(client, Buffer.from(expected));
  expect(client.bytes.toString()).toBe(expected);
  const what = `TALLY_TEST_SEED=${seed}: ${delaysMs.map(Math.round)}`;
  expect(Math.min(...delaysMs), what).toBeGreaterThanOrEqual(10);
  expect(Math.max(...delaysMs) - Math.min(...delaysMs), what).toBeGreaterThan(5);
});

test('bandwidth holds a direction to its rate, and pushes back on who sends faster', async () => {
  const { client, served } = await through({ toServer: { bytesPerS: 200_000 } });
  const bytes = randomBytes(40_000);
  const startMs = performance.now();
  client.socket.write(bytes);
  await hasAll(served, bytes);
  const tookMs = served.atMs.at(-1)! - startMs;
  expect(tookMs).toBeGreaterThanOrEqual(200);
  expect(tookMs).toBeLessThan(2_000);
  // A tenth of the time, a tenth of the bytes, or less where timers were late.
  const early = served.chunks.filter((_, at) => served.atMs[at]! - startMs <= 20);
  expect(Buffer.concat(early).length).toBeLessThanOrEqual(4_000);
  expect(served.bytes.equals(bytes)).toBe(true);
  let isFlushed = false;
  client.socket.write(Buffer.alloc(32 << 20), () => {
    isFlushed = true;
  });
  await until(() => served.bytes.length > bytes.length + 10_000, 'more bytes');
  expect(isFlushed, 'the proxy took 32 MiB for a pipe of 200 kB/s').toBe(false);
});

test('slices cut what is sent into pieces of so many bytes, with a pause behind each', async () => {
  const { client, served } = await through({ toServer: { sliceBytes: 7, sliceMs: 3 } });
  const bytes = randomBytes(100);
  const startMs = performance.now();
  client.socket.write(bytes);
  await hasAll(served, bytes);
  expect(served.bytes.equals(bytes)).toBe(true);
  expect(served.atMs.at(-1)! - startMs).toBeGreaterThanOrEqual(14 * 2);
  // Two pieces may be read at once where the reader was busy, but most are read alone.
  expect(served.chunks.filter(chunk => chunk.length <= 7).length).toBeGreaterThan(5);
  expect(proxy.connections.values().next().value!.toServer!.passedBytes).toBe(100);
});

test('slow close holds back the end of its direction, not the bytes before it', async () => {
  const { client, served } = await through({ toServer: { slowCloseMs: 100 } });
  const startMs = performance.now();
  client.socket.end('bye');
  await until(() => served.endedAtMs !== undefined, 'the end');
  expect(served.bytes.toString()).toBe('bye');
  expect(served.atMs[0]! - startMs).toBeLessThan(100);
  expect(served.endedAtMs! - startMs).toBeGreaterThanOrEqual(99);
});

describe('after so many bytes', () => {
  const BYTES = randomBytes(5_000);
  const FIRST = BYTES.subarray(0, 1_234);
  const passed = () => proxy.connections.values().next().value!.toServer!;

  test('a reset reaches both sides, and not one byte more is passed on', async () => {
    const { client, served } = await through({ toServer: { resetAfterBytes: 1_234 } });
    const toServer = passed();
    client.socket.write(BYTES);
    // A reset that finds input unread is reported as an end; that there is no peer left tells it from one.
    const isReset = (end: End) =>
      end.error === 'ECONNRESET' || (end.endedAtMs !== undefined && end.socket.remoteAddress === undefined);
    await until(() => isReset(client) && isReset(served), 'both to be reset');
    served.socket.destroy();
    expect(toServer.passedBytes).toBe(1_234);
    // A reset may take bytes with it that had arrived and were not read yet.
    expect(served.bytes.equals(FIRST.subarray(0, served.bytes.length))).toBe(true);
  });

  test('a close ends both sides in an orderly way', async () => {
    const { client, served } = await through({ toServer: { closeAfterBytes: 1_234 } });
    client.socket.write(BYTES);
    await until(() => client.endedAtMs !== undefined && served.endedAtMs !== undefined, 'both to end');
    expect(served.bytes.equals(FIRST)).toBe(true);
    expect([client.error, served.error]).toEqual([undefined, undefined]);
    client.socket.destroy();
    served.socket.destroy();
  });

  test('a half close ends one direction, and the other goes on', async () => {
    const { client, served } = await through({ toServer: { halfCloseAfterBytes: 1_234 } });
    client.socket.write(BYTES);
    await until(() => served.endedAtMs !== undefined, 'the end of one direction');
    expect(served.bytes.equals(FIRST)).toBe(true);
    client.socket.write(BYTES);
    served.socket.end('still here');
    await until(() => client.endedAtMs !== undefined, 'the end of the other');
    expect(client.bytes.toString()).toBe('still here');
    expect(served.bytes.length).toBe(1_234);
    client.socket.end();
  });
});

describe('at a moment of the test', () => {
  test('it resets all connections', async () => {
    const { client, served } = await through({});
    client.socket.write('a');
    await hasAll(served, Buffer.from('a'));
    proxy.reset();
    await until(() => client.isClosed && served.isClosed, 'both to be closed');
    expect([client.error, served.error]).toEqual(['ECONNRESET', 'ECONNRESET']);
  });

  test('it closes all connections', async () => {
    const { client, served } = await through({});
    client.socket.write('a');
    await hasAll(served, Buffer.from('a'));
    proxy.close();
    await until(() => client.endedAtMs !== undefined && served.endedAtMs !== undefined, 'both to end');
    expect([client.error, served.error]).toEqual([undefined, undefined]);
    client.socket.destroy();
    served.socket.destroy();
  });
});

test('a reset of one side is passed on to the other', async () => {
  const { client, served } = await through({});
  client.socket.write('a');
  await hasAll(served, Buffer.from('a'));
  served.socket.resetAndDestroy();
  await until(() => client.isClosed, 'the client to be closed');
  expect(client.error).toBe('ECONNRESET');
});

test('each connection has its own faults', async () => {
  const { client, served } = await through({});
  client.socket.write('a');
  await hasAll(served, Buffer.from('a'));
  await proxy.stop();
  const asked: number[] = [];
  proxy = await FaultProxy.start((server.address() as AddressInfo).port, seed, before => {
    asked.push(before);
    return before === 0 ? { toServer: { resetAfterBytes: 1 } } : {};
  });
  const [first, second] = [0, 1].map(() => new End(connect({ port: proxy.port, host: '127.0.0.1' })));
  await until(() => proxy.connections.size === 2, 'two connections');
  first!.socket.write('x');
  second!.socket.write('x');
  await until(() => first!.isClosed || second!.isClosed, 'one to be reset');
  expect(asked).toEqual([0, 1]);
  expect([first!.isClosed, second!.isClosed].filter(Boolean)).toHaveLength(1);
  second!.socket.destroy();
  first!.socket.destroy();
});
