/** A web page makes a browser send a request to the port: it is refused, and nothing in its body is served. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, askMetrics, balanceRequest, buyLine, HEALTH, okLine } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const LINE_BYTES_MAX = 512;
const INVALID_JSON = '{"status":"error","reason":"invalid_json"}\n';
const TOO_LONG = '{"status":"error","reason":"line_too_long"}\n';
const EVENT = buyLine('victim', 1_000_000);
const headers = (line: string) => `${line}\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n`;
const POST = `${headers('POST / HTTP/1.1')}\n${EVENT}`;
const longPath = `/${'x'.repeat(LINE_BYTES_MAX)}`;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(['--line-bytes-max', String(LINE_BYTES_MAX)]);
});
afterAll(() => server.stop());

/** Sends it in these packets, and resolves to all that came, however the connection ended. */
async function sendCut(packets: readonly string[]): Promise<string> {
  const client = await Client.open(server.port);
  for (const packet of packets) {
    client.send(Buffer.from(packet, 'latin1'));
    // A turn of this event loop: long enough for most packets to arrive alone.
    await new Promise(setImmediate);
  }
  const said = await client.finish();
  expect(client.error, 'reset').toBeUndefined();
  return said;
}

async function expectUntouched(): Promise<void> {
  const client = await Client.open(server.port);
  expect(await client.ask(balanceRequest('victim'))).toBe(okLine(0));
  client.close();
}

test('by curl', async context => {
  context.skip(spawnSync('curl', ['--version']).status !== 0, 'skipped: curl is not installed here');
  const args = ['-s', '--http0.9', '-m', '20', '-d', `\n${EVENT}`, `http://127.0.0.1:${server.port}/`];
  expect((await promisify(execFile)('curl', args)).stdout).toBe(INVALID_JSON);
  await expectUntouched();
});

test('in any packets: cut in two at every place, and byte by byte', async () => {
  const cuts = Array.from({ length: POST.length - 1 }, (_, at) => [
    POST.slice(0, at + 1),
    POST.slice(at + 1),
  ]);
  for (const packets of [[POST], ...cuts, [...POST]]) expect(await sendCut(packets)).toBe(INVALID_JSON);
  await expectUntouched();
});

test('with a target that is too long for a line, in any packets', async () => {
  const request = `${headers(`POST ${longPath} HTTP/1.1`)}\n${EVENT}`;
  for (let size = 1; size <= request.length; size += size < 8 ? 1 : 53) {
    const packets = request.match(new RegExp(`[^]{1,${size}}`, 'g'))!;
    expect(await sendCut(packets), `packets of ${size} bytes`).toBe(TOO_LONG);
  }
  expect(await sendCut([`GET ${longPath}`])).toBe(TOO_LONG);
  await expectUntouched();
});

test.each([
  [`POST\n${HEALTH}`, `${INVALID_JSON}{"status":"ok"}\n`],
  [`POST /\n${HEALTH}`, `${INVALID_JSON}{"status":"ok"}\n`],
  [`\nPOST / HTTP/1.1\n${HEALTH}`, `${INVALID_JSON}${INVALID_JSON}{"status":"ok"}\n`],
  [`${'x'.repeat(600)}\nPOST / HTTP/1.1\n${HEALTH}`, `${TOO_LONG}${INVALID_JSON}{"status":"ok"}\n`],
  [`${'x '.repeat(300)}\n${HEALTH}`, `${TOO_LONG}{"status":"ok"}\n`],
  [buyLine('GET / HTTP/1.1', 1), `${ACCEPTED}\n`],
])('what is no request of HTTP on the first line is served as ever: %j', async (lines, replies) => {
  for (const packets of [[lines], [...lines]]) expect(await sendCut(packets)).toBe(replies);
});

test('the reply reaches a client that goes on sending, and one that never hangs up is closed', async () => {
  const [talker, silent] = await Promise.all([Client.open(server.port), Client.open(server.port)]);
  silent.send(headers('GET / HTTP/1.1'));
  talker.send(POST);
  talker.send(EVENT.repeat(10_000));
  const closed = new Promise(resolve => silent.socket.on('close', resolve));
  for (const client of [talker, silent]) expect(`${await client.line()}\n`).toBe(INVALID_JSON);
  await talker.over();
  expect(talker.error).toBeUndefined();
  // Its own side is open: it is the server that closes, and a write finds out.
  const writing = setInterval(() => silent.send(EVENT), 100);
  await closed;
  clearInterval(writing);
  talker.close();
  await expectUntouched();
});

test('a request that has no end is cut off', async () => {
  const client = await Client.open(server.port);
  const closed = new Promise(resolve => client.socket.on('close', resolve));
  client.send(POST);
  const block = 'x'.repeat(65_536);
  const more = () => client.socket.write(block, error => error ?? setImmediate(more));
  more();
  await closed;
});

test('each is counted, and all are logged in one line', async () => {
  const asker = await Client.open(server.port);
  const before = await askMetrics(asker);
  expect(await sendCut([headers('GET / HTTP/1.1')])).toBe(INVALID_JSON);
  const { closed_http, invalid } = await askMetrics(asker);
  expect([closed_http, invalid]).toEqual([before.closed_http + 1, before.invalid + 1]);
  asker.close();
  expect(server.events.filter(({ event }) => event === 'http_request')).toMatchObject([
    { level: 'warn', connections: 1 },
  ]);
});
