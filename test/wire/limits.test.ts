/**
 * Limits of rate over the wire: what is over is `rate_limited`, counted, and leaves no trace; the others have their share.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { startServer } from '../support/server.ts';
import { open, say } from '../support/speaking.ts';

const dir = mkdtempSync(join(tmpdir(), 'tally-limits-'));
afterAll(() => rmSync(dir, { recursive: true }));

const ACCEPTED = '{"status":"accepted"}';
const LIMITED = '{"status":"rejected","reason":"rate_limited"}';
/** A burst of 100 events, and then one every ten seconds: no more in the time of a test. */
const A_HUNDRED = '100';
const SLOW = ['--rate-burst-ms', '3600000'];
const events = (user: string, count: number) =>
  Array.from({ length: count }, () => `{"user":"${user}","action":"buy","amount":1}`);
const accepted = (replies: string[]) => replies.filter(reply => reply === ACCEPTED).length;

async function serverWith(flags: string[]) {
  const server = await startServer(flags);
  const speak = async (lines: string[]) => say(await open({ host: '127.0.0.1', port: server.port }), lines);
  return { server, speak };
}

test('of a connection, in whatever form its events are; the money agrees', async () => {
  const { server, speak } = await serverWith(['--rate-connection', A_HUNDRED, '--rate-burst-ms', '1000']);
  const startedAtMs = performance.now();
  const forms = (number: number) => [
    `{"user":"a","action":"buy","amount":1}`,
    `{"user":"a","action":"buy","amount":1,"id":"id-${number}"}`,
    `{ "user": "a", "action": "buy", "amount": 1 }`,
    `{"user":"a","action":"buy","amount":1,"wait":true}`,
    `{"type":"transfer","from":"b","to":"a","amount":1}`,
  ];
  const replies = await speak([
    ...Array.from({ length: 60 }, (_, number) => forms(number)).flat(),
    '{"type":"health"}',
    '{"type":"metrics","detail":true}',
    '{"type":"balance","user":"a"}',
  ]);
  const passed = replies.slice(0, 300).filter(reply => reply !== LIMITED).length;
  const elapsedMs = performance.now() - startedAtMs;
  expect(passed).toBeGreaterThanOrEqual(100);
  expect(passed).toBeLessThanOrEqual(101 + elapsedMs / 10);
  // Requests are no events.
  expect(replies[300]).toBe('{"status":"ok"}');
  expect(JSON.parse(replies[301]!)).toMatchObject({
    received: 300,
    dropped: 300 - passed,
    refused: { rate_limited: 300 - passed },
  });
  expect(replies[302]).toBe(`{"status":"ok","balance":${passed}}`);
  // Another connection has its own.
  expect(accepted(await speak(events('c', 100)))).toBe(100);
  await server.stop();
});

test('of an address, which all its connections share; an id that was limited may be sent again', async () => {
  const { server, speak } = await serverWith(['--rate-address', '20', ...SLOW, '--rate-burst-ms', '5000']);
  const replies = await Promise.all(Array.from({ length: 4 }, () => speak(events('a', 50))));
  const passed = accepted(replies.flat());
  expect(passed).toBeGreaterThanOrEqual(100);
  expect(passed).toBeLessThan(120);
  const event = '{"user":"late","action":"buy","amount":5,"id":"one"}';
  expect(await speak([...events('a', 20), event])).toContain(LIMITED);
  await until(async () => (await speak([event]))[0] === ACCEPTED, 'room for one more');
  expect(await speak([event, '{"type":"balance","user":"late"}'])).toContain('{"status":"ok","balance":5}');
  await server.stop();
});

test('of a user, whoever sends its events, and of a token; a reload changes them', async () => {
  const token = 'tally_'.padEnd(49, 'y');
  const sha256 = createHash('sha256').update(token).digest('hex');
  writeFileSync(
    join(dir, 'tokens'),
    `${JSON.stringify({ name: 't', sha256, may: ['write', 'read'], users: ['*'] })}\n`,
  );
  const config = join(dir, 'tally.toml');
  writeFileSync(config, 'rate-user = 10\nrate-burst-ms = 10000\n');
  const { server, speak } = await serverWith(['--config', config, '--tokens', join(dir, 'tokens')]);
  const auth = JSON.stringify({ type: 'auth', token });
  const passed = async (lines: string[]) => accepted(await speak([auth, ...lines]));
  const both = await Promise.all([passed(events('a', 80)), passed(events('a', 80)), passed(events('b', 80))]);
  expect(both[0]! + both[1]!).toBeGreaterThanOrEqual(100);
  expect(both[0]! + both[1]!).toBeLessThan(115);
  expect(both[2]).toBe(80);

  writeFileSync(config, 'rate-token = 10\nrate-burst-ms = 5000\n');
  server.process.kill('SIGHUP');
  await until(() => server.events.some(({ event }) => event === 'reloaded'), 'the reload');
  const shared = await Promise.all(['a', 'b', 'c', 'd'].map(user => passed(events(user, 30))));
  const sum = shared.reduce((all, one) => all + one);
  expect(sum).toBeGreaterThanOrEqual(50);
  expect(sum).toBeLessThan(65);
  await server.stop();
});
