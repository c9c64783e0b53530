import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { readOptions } from '../../src/tools/watch/command.ts';
import { type Look, ratesOf, readMetrics } from '../../src/tools/watch/look.ts';
import { lookLine, watchLines } from '../../src/tools/watch/view.ts';
import { Watcher } from '../../src/tools/watch/watcher.ts';
import { buyLine } from '../support/asking.ts';
import { type RunningServer, runCli, startServer } from '../support/server.ts';

const DETAIL = '{"type":"metrics","detail":true}\n';

describe('a real server', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer(['--workers', '3', '--ring', '64']);
  });

  afterAll(async () => {
    await server.stop();
  });

  test('tally watch --json says what the wire says', async () => {
    const balance = '{"type":"balance","user":"alice"}\n';
    // The answer comes when all of them have been applied.
    const replies = await exchange(server.port, `${buyLine('alice', 1).repeat(30)}hello\n${balance}`);
    expect(replies).toContain('"balance":30');
    const ran = await runCli(['watch', `:${server.port}`, '--json', '--count', '2', '--interval', '100ms']);
    const asked = JSON.parse(await exchange(server.port, DETAIL)) as Record<string, unknown>;
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const looks = ran.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Look);
    expect(looks).toHaveLength(2);
    expect(looks.map(({ state, rates }) => ({ state, rates }))).toEqual([
      { state: 'ok', rates: null },
      { state: 'ok', rates: { receivedPerS: 0, processedPerS: 0, droppedPerS: 0 } },
    ]);
    expect(looks[1]!.probes!.count).toBeGreaterThan(0);
    // All but what moves by itself, and the connections: it had two of its own.
    for (const moving of ['parks', 'naps', 'uptime_ms', 'connections', 'connections_total', 'workers_ready'])
      delete asked[moving];
    expect(looks[1]!.metrics).toMatchObject({ ...asked, received: 30, invalid: 1, ring_depths: [0, 0, 0] });
    expect(looks[1]!.metrics!.connections).toBeGreaterThanOrEqual(2);
  });

  test('without a terminal there is a line a look', async () => {
    const { stdout, exitCode } = await runCli(['watch', String(server.port), '--count', '1']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^tally watch 127\.0\.0\.1:\d+, a look every 500 ms\nok {2}received 30 {2}processed 30 {2}dropped 0 {2}queued 0 {2}rings 0 0 0 {2}connections \d+/,
    );
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  });
});

/** Answers each line with what `answer` says of it, until it is told to go. */
async function standIn(answer: (line: string) => string, port = 0) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {}).setEncoding('utf8');
    socket.on('data', text => {
      for (const line of String(text).split('\n').slice(0, -1)) socket.write(answer(line));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    go: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Looks until one has the state. */
async function lookFor(watcher: Watcher, state: Look['state']): Promise<Look> {
  for (const endMs = performance.now() + 10_000; ; ) {
    const look = await watcher.look();
    if (look.state === state) return look;
    if (performance.now() > endMs) throw new Error(`it is ${look.state}, not ${state}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

const asStep8 = (line: string) =>
  line.includes('health') ? '{"status":"ok"}\n' : '{"status":"error","reason":"unknown_type"}\n';

test('a server without metrics has its latency; gone, it is looked for again; what is none is told apart', async () => {
  let server = await standIn(asStep8);
  const watcher = new Watcher('127.0.0.1', server.port);
  try {
    await lookFor(watcher, 'ok');
    const look = await lookFor(watcher, 'ok');
    expect(look.metrics).toBeUndefined();
    await server.go();
    expect(await lookFor(watcher, 'gone')).toMatchObject({ probes: undefined, metrics: undefined });
    expect((await watcher.look()).why).toBe('ECONNREFUSED');
    server = await standIn(line => `${line}\n`, server.port);
    expect((await lookFor(watcher, 'foreign')).why).toBe(
      'asked for health, it says "{\\"type\\":\\"health\\"}"',
    );
    await server.go();
    server = await standIn(
      line =>
        line.includes('health') ? '{"status":"degraded"}\n' : '{"received":3,"processed":2,"dropped":1}\n',
      server.port,
    );
    expect((await lookFor(watcher, 'degraded')).metrics).toEqual({ received: 3, processed: 2, dropped: 1 });
  } finally {
    watcher.close();
    await server.go();
  }
});

test('a first look waits for an answer to health, and what is silent or foreign is not ok', async () => {
  for (const [answer, state, why] of [
    [() => '{"status":"error","reason":"unknown_type"}\n', 'silent', 'no answer for 1.'],
    [(line: string) => `${line}\n`, 'foreign', 'asked for metrics, it says "{'],
  ] as const) {
    const server = await standIn(line => (line.includes('health') ? '' : answer(line)));
    const watcher = new Watcher('127.0.0.1', server.port);
    const look = await watcher.look();
    watcher.close();
    await server.go();
    expect(look).toMatchObject({ state, why: expect.stringContaining(why), probes: undefined });
  }
});

test('a look counts the probes of the last ten seconds, however long ago the one before was', async () => {
  const server = await standIn(asStep8);
  const watcher = new Watcher('127.0.0.1', server.port);
  try {
    const probes = async () => (await watcher.look()).probes?.count ?? 0;
    await until(async () => (await probes()) >= 10, 'ten probes');
    // As if the next look came eleven seconds after that: it counts only what is answered while it lasts.
    const startMs = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => startMs + 11_000);
    expect(await probes()).toBeLessThan(10);
  } finally {
    vi.restoreAllMocks();
    watcher.close();
    await server.go();
  }
});

/** A window's title, an emptied screen, the end of the alternate one, and their one-byte forms. */
const EVIL = '\u001b]0;EVIL\u0007\u001b[2J\u001b[?1049l\u009b31m\r\u007f';

test('nothing that a server says reaches the terminal as it is, and no wrong shape holds it', async () => {
  const metrics = {
    ...{
      received: 1,
      processed: 1,
      dropped: 0,
      ring_depths: 'abc',
      ring_slots: 1,
      workers: EVIL,
      users: [EVIL],
    },
    ...{ refused: { [EVIL]: 5, server_busy: 7, other: EVIL }, connections: null, uptime_ms: EVIL, [EVIL]: 1 },
  };
  let health = '{"status":"ok"}';
  const server = await standIn(line => `${line.includes('health') ? health : JSON.stringify(metrics)}\n`);
  try {
    const watch = () => runCli(['watch', `:${server.port}`, '--count', '1']);
    const shaped = await watch();
    expect(shaped).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shaped.stdout).toMatch(/\nok {2}received 1 {2}processed 1 {2}dropped 0(?: {2}health [^\n]+)?\n$/);
    health = EVIL;
    const watcher = new Watcher('127.0.0.1', server.port);
    const look = await lookFor(watcher, 'foreign');
    watcher.close();
    expect(look.metrics).toEqual({
      ...{ received: 1, processed: 1, dropped: 0, ring_slots: 1, refused: { server_busy: 7 } },
    });
    const paint = (_: unknown, text: string) => text;
    const picture = watchLines([look], { columns: 200, rows: 50, paint, isPaused: false, intervalMs: 500 });
    expect(picture.join('')).toContain('EVIL');
    expect(picture.concat(lookLine(look)).join('')).not.toMatch(/\p{Cc}/u);
  } finally {
    await server.go();
  }
});

test('figures that no server counts to are none', () => {
  const read = (more: string) => readMetrics(`{"received":1,"processed":1,"dropped":0,${more}}`);
  const counts = { received: 1, processed: 1, dropped: 0 };
  expect(read('"users":1e300,"workers":-1,"ring_depths":[1e300,-5],"ring_slots":1e-300')).toEqual(counts);
  expect(read('"received":1e999')).toBeUndefined();
  expect(read('"ring_depths":[0,3],"ring_slots":8')).toEqual({
    ...counts,
    ring_depths: [0, 3],
    ring_slots: 8,
  });
});

test('a server that does not answer is silent, and its silence is the latency', async () => {
  const server = await standIn(() => '');
  const watcher = new Watcher('127.0.0.1', server.port);
  try {
    const look = await watcher.look();
    expect(look).toMatchObject({ state: 'silent', probes: undefined });
    expect(look.slowestMs).toBeGreaterThan(500);
  } finally {
    watcher.close();
    await server.go();
  }
});

test('nobody there: one line, and exit code 1', async () => {
  const server = await standIn(asStep8);
  await server.go();
  const { exitCode, stdout, stderr } = await runCli(['watch', `:${server.port}`, '--count', '1']);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: `tally watch: nothing listens on 127.0.0.1:${server.port}; npx tally serve starts a server\n`,
  });
  expect(stdout).toContain('\ngone: ECONNREFUSED\n');
});

describe('wrong usage', () => {
  test.each([
    ['nowhere', 'nowhere is not HOST:PORT, such as 127.0.0.1:7878, :7878 or [::1]:7878'],
    [':0', ':0 is not HOST:PORT'],
    [':1 :2', 'one server at a time, not :1 and :2'],
    ['--interval 1ms', '--interval 1ms is not a time from 50ms to 1m, such as 500ms'],
    ['--count 0', '--count 0 is not a number of looks; the least is 1'],
    ['--often', 'unknown flag --often; tally watch --help lists the flags'],
  ])('tally watch %s', (args, message) => {
    expect(() => readOptions(args.split(' '))).toThrow(message);
  });

  test('a port alone, a host, and an address in brackets are right', () => {
    expect(readOptions([])).toMatchObject({ host: '127.0.0.1', port: 7878, intervalMs: 500 });
    expect(readOptions(['9000'])).toMatchObject({ host: '127.0.0.1', port: 9000 });
    expect(readOptions(['there:9000'])).toMatchObject({ host: 'there', port: 9000 });
    expect(readOptions(['[::1]:9000'])).toMatchObject({ host: '::1', port: 9000 });
  });
});

test('counts that went back are another server’s', () => {
  const metrics = (received: number) => ({ received, processed: received, dropped: 0 });
  expect(ratesOf(metrics(10), metrics(30), 500)).toEqual({
    receivedPerS: 40,
    processedPerS: 40,
    droppedPerS: 0,
  });
  expect(ratesOf(metrics(30), metrics(10), 500)).toBeUndefined();
  expect(readMetrics('{"status":"error","reason":"unknown_type"}')).toBeUndefined();
  expect(readMetrics('null')).toBeUndefined();
  expect(readMetrics('hello')).toBeUndefined();
});
