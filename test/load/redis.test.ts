/** The same work for Redis, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { freePort, isListening } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { load } from './running.ts';
import { startWrongServer } from './wrong-servers.ts';

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;
if (!isInstalled) console.log('skipped: redis-server is not installed');

let port = 0;
let redis: ChildProcess | undefined;

describe.skipIf(!isInstalled)('Redis', () => {
  beforeAll(async () => {
    port = await freePort();
    const flags = `--port ${port} --bind 127.0.0.1 --save  --appendonly no`.split(' ');
    redis = spawn('redis-server', flags, { stdio: 'ignore' });
    await until(() => isListening('127.0.0.1', port), 'redis-server to listen');
  });
  afterAll(() => {
    redis?.kill('SIGKILL');
  });

  test('gets the same amounts, and its balances are right; again on top of what it has', async () => {
    for (let round = 0; round < 2; round++) {
      const size = '--connections 8 --pipeline 100 --events 50000 --users 300 --check-balances';
      const ran = await load(port, `--protocol redis ${size} --mix buy=5,sell=2,wait=1,balance=3,health=1`);
      const result = { sent: 50_000, ok: 50_000, errors: 0 };
      expect(ran).toMatchObject({ exitCode: 0, complaints: [], result });
      expect(ran.result.money).toMatchObject({ balanced: true, users: 300, lostEvents: 0 });
    }
  });

  test('with a value that is no number: its errors are counted, and its balances cannot be read', async () => {
    const client = await Client.open(port);
    expect(await client.ask('SET bad-3 hello\r\n')).toBe('+OK\r');
    client.close();
    const flags = '--protocol redis --users 5 --user-prefix bad- --events 1000 --connections 4';
    const ran = await load(port, flags);
    expect(ran).toMatchObject({ exitCode: 0, complaints: [] });
    const { errors, ok, reasons } = ran.result;
    expect(errors + ok).toBe(1_000);
    expect(errors).toBeGreaterThan(100);
    expect(reasons).toEqual({ 'ERR value is not an integer or out of range': errors });
  });
});

test('a server that speaks another protocol than Redis is found out', async () => {
  const { port } = await startWrongServer();
  const ran = await load(port, '--protocol redis --events 100 --connections 2');
  expect(ran.exitCode).toBe(1);
  expect(ran.complaints).toEqual([
    expect.stringMatching(/^the server sent \{"status":"error".*\} in reply to /),
  ]);
});
