/** A connection at moments that no real client can hit on purpose, in a world that stands still between them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { World } from './world.ts';

vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: (await import('./hand-worker.ts')).HandWorker,
}));
vi.mock('node:net', async original => {
  const net = await original<typeof import('node:net')>();
  return { ...net, createServer: (await import('./stand-ins.ts')).keepServer(net.createServer) };
});

const HEALTH = '{"type":"health"}\n';
const OK = '{"status":"ok"}\n';
const BUY = '{"user":"a","action":"buy","amount":1}\n';
const BALANCE = '{"type":"balance","user":"a"}\n';
/** A first read and the full chunk behind it. */
const READ_BYTES = 8_192 + 65_536;

let world: World | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await world?.close();
  world = undefined;
});

async function open(...flags: string[]) {
  world = await World.open(['--workers', '1', ...flags]);
  const socket = world.connect();
  return { world, socket, send: (text: string) => socket.clientSends(Buffer.from(text)) };
}

test('a line that the server does not let its client end is not too old', async () => {
  const { world, socket, send } = await open('--unsent-bytes-max', '16384', '--partial-ms-max', '50');
  socket.clientPauses();
  // As many replies as may be unread, and then the start of a line: nothing more is read.
  send(HEALTH.repeat(16_384 / OK.length) + HEALTH.slice(0, 5));
  await world.pass(200);
  expect(world.sessions.clients).toMatchObject({ connections: 1, closed_partial: 0 });
  socket.clientReads();
  send(HEALTH.slice(5));
  await world.settle();
  expect(socket.said).toBe(OK.repeat(16_384 / OK.length + 1));
  // Now it could.
  send(HEALTH.slice(0, 5));
  await world.pass(200);
  expect(world.sessions.clients).toMatchObject({ connections: 0, closed_partial: 1 });
});

test('a full chunk with nothing behind it is answered, and so is what comes later', async () => {
  const { world, socket, send } = await open('--unsent-bytes-max', '1048576');
  const lines = Math.floor(READ_BYTES / HEALTH.length);
  send(HEALTH.repeat(lines - 1) + HEALTH.padStart(READ_BYTES - (lines - 1) * HEALTH.length));
  await world.settle();
  expect(socket.said).toBe(OK.repeat(lines));
  send(HEALTH);
  await world.settle();
  expect(socket.said).toBe(OK.repeat(lines + 1));
});

test('behind a full chunk nothing is read before the others had their turn', async () => {
  const { world, socket, send } = await open('--unsent-bytes-max', '1048576');
  await world.settle();
  const lines = Math.floor((3 * READ_BYTES) / HEALTH.length);
  send(HEALTH.repeat(lines));
  expect(socket.arrivedBytes).toBe(READ_BYTES);
  await world.settle();
  expect(socket.said).toBe(OK.repeat(lines));
});

test('who waits for its turn behind a full chunk does not read on because its replies have left', async () => {
  const { world, socket, send } = await open('--unsent-bytes-max', '1048576');
  await world.settle();
  send(HEALTH.repeat((2 * READ_BYTES) / HEALTH.length));
  expect(socket.isPaused()).toBe(true);
  socket.emit('drain');
  expect(socket.isPaused()).toBe(true);
  await world.settle();
  expect(socket.isPaused()).toBe(false);
});

test('a client that leaves its replies unread is read from no more until it takes them', async () => {
  const { world, socket, send } = await open('--unsent-bytes-max', '16384');
  const lines = Math.ceil(16_384 / OK.length) + 10;
  socket.clientPauses();
  for (let chunk = 0; chunk < 5; chunk++) send(HEALTH.repeat(lines));
  await world.pass(100);
  expect(socket.arrivedBytes).toBe(lines * HEALTH.length);
  socket.clientReads();
  await world.settle();
  expect(socket.said).toBe(OK.repeat(5 * lines));
});

test('bytes that come while lines wait for a worker with a full ring are not read', async () => {
  const { world, socket, send } = await open('--ring', '2');
  send(`${BUY.repeat(2)}${BALANCE}`);
  send(HEALTH);
  await world.settle();
  expect(socket.arrivedBytes).toBe(2 * BUY.length + BALANCE.length);
  await world.workAll();
  expect(socket.said).toBe(`${'{"status":"accepted"}\n'.repeat(2)}{"status":"ok","balance":2}\n${OK}`);
});

test('a client that the server does not read from is not idle, whatever it sends', async () => {
  const { world, send } = await open('--ring', '2', '--idle-ms-max', '50');
  send(`${BUY.repeat(2)}${BALANCE}`);
  await world.pass(200);
  expect(world.sessions.clients).toMatchObject({ connections: 1, closed_idle: 0 });
  await world.workAll();
  await world.pass(200);
  expect(world.sessions.clients).toMatchObject({ connections: 0, closed_idle: 1 });
});

test.each([100, 3_999, 8_000])(
  '500 clients that write %i bytes each at once do not make others wait for all of them',
  async bytes => {
    const { world, socket, send } = await open('--turn-ms-max', '2');
    const floods = Array.from({ length: 500 }, () => world.connect());
    await world.settle();
    let nowMs = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    const serve = world.sessions.dispatch.serve.bind(world.sessions.dispatch);
    world.sessions.dispatch.serve = (...args) => {
      nowMs += 0.02;
      return serve(...args);
    };
    const answered = () => floods.filter(({ said }) => said !== '').length;

    const lines = Math.floor(bytes / HEALTH.length);
    const flood = Buffer.from(
      HEALTH.repeat(lines - 1) + HEALTH.padStart(bytes - (lines - 1) * HEALTH.length),
    );
    for (const each of floods) each.clientSends(flood);
    send(HEALTH);
    // The time of a turn is enough for 100 of them. The clock is not read for each.
    expect(answered()).toBeLessThan(200);
    await nextTurn();
    expect(socket.said).toBe(OK);
    expect(answered()).toBeLessThan(350);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(floods.every(({ said }) => said === OK.repeat(lines))).toBe(true);
  },
);

test('a client that waits for its turn is read from until its input is large, and all of it is served', async () => {
  world = await World.open(['--workers', '1'], 0, true);
  const socket = world.connect();
  await world.settle();
  for (let chunk = 1; chunk <= 10; chunk++) socket.clientSends(Buffer.from(HEALTH.repeat(100)));
  expect(socket.arrivedBytes).toBe(3 * 100 * HEALTH.length);
  expect(socket.isPaused()).toBe(true);
  socket.clientEnds();
  await world.settle();
  expect(socket.said).toBe(OK.repeat(1_000));
  expect(socket.hasEnded).toBe(true);
});

test('metrics with details are those of the moment, also behind others in one packet', async () => {
  const { world, socket, send } = await open();
  const DETAIL = '{"type":"metrics","detail":true}\n';
  send(`${BUY}${DETAIL}${BALANCE}${DETAIL}${DETAIL}nonsense\n${DETAIL}${BUY}${DETAIL}`);
  await world.workAll();
  const lines = socket.said.split('\n').filter(line => line.startsWith('{"received"'));
  const details = lines.map(line => {
    const { received, processed, ring_depths, invalid } = JSON.parse(line);
    return [received, processed, ...ring_depths, invalid];
  });
  expect(details).toEqual([
    [1, 0, 1, 0],
    [1, 1, 0, 0],
    [1, 1, 0, 0],
    [1, 1, 0, 1],
    [2, 1, 1, 1],
  ]);
});

test.each([1, 4])('metrics include all that was answered before them, with %i workers', async workers => {
  const METRICS = '{"type":"metrics"}\n';
  const users = ['a', 'b', 'c', 'd', 'e', 'f'];
  const waiting = users.map(user => `{"user":"${user}","action":"buy","amount":1,"wait":true}\n`);
  const balances = users.map(user => `{"type":"balance","user":"${user}"}\n`);
  const asked = `${waiting.join('')}${METRICS}${BUY}${balances.join('')}${METRICS}${BUY}`;
  const answers = [
    ...users.map(() => '{"status":"ok","balance":1}'),
    '{"received":6,"processed":6,"dropped":0}',
    '{"status":"accepted"}',
    ...users.map(user => `{"status":"ok","balance":${user === 'a' ? 2 : 1}}`),
    '{"received":7,"processed":7,"dropped":0}',
    '{"status":"accepted"}',
  ];
  for (const size of [asked.length, 100, 1]) {
    const { world, socket, send } = await open('--workers', String(workers));
    for (let at = 0; at < asked.length; at += size) send(asked.slice(at, at + size));
    await world.settle();
    // The workers have not begun, and the metrics wait for them.
    expect(socket.said).toBe('');
    for (let round = 0; round < 3; round++) await world.workAll();
    expect(socket.said, `in pieces of ${size} bytes`).toBe(answers.map(line => `${line}\n`).join(''));
    await world.close();
  }
});

test('behind a line that became too long while the server drains, events come too late', async () => {
  const { world, socket, send } = await open();
  send('x'.repeat(10_000));
  await world.settle();
  world.sessions.startDraining();
  send('x'.repeat(10_000));
  await world.settle();
  send(`\n${BUY}`);
  await world.settle();
  expect(socket.said).toBe(
    '{"status":"error","reason":"line_too_long"}\n{"status":"rejected","reason":"shutting_down"}\n',
  );
});

test('a worker that answers behind the end takes nothing from the client that was on its way', async () => {
  const { world, socket, send } = await open();
  let hasFailed = false;
  socket.on('error', () => {
    hasFailed = true;
  });
  socket.clientPauses();
  send(`${HEALTH}${BUY.replace('}', ',"wait":true}')}`);
  await world.settle();
  world.sessions.stopServing();
  world.sessions.end();
  await world.workAll();
  socket.clientReads();
  await world.settle();
  expect(hasFailed).toBe(false);
  expect(socket.said).toBe(OK);
  expect(socket.hasEnded).toBe(true);
});

test('a debug request is of an unknown type, unless the server takes them; then it must ask for something', async () => {
  const asks = '{"type":"debug","do":"dance"}\n';
  const usual = await open();
  usual.send(asks);
  await usual.world.settle();
  expect(usual.socket.said).toBe('{"status":"error","reason":"unknown_type"}\n');
  await usual.world.close();
  const other = await open('--debug-requests');
  other.send(asks);
  await other.world.settle();
  expect(other.socket.said).toBe('{"status":"error","reason":"invalid_event"}\n');
});
