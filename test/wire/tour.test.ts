import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { type RunningServer, startServer } from '../support/server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('an event and a balance, byte for byte', async () => {
  const lines = '{"user":"alice","action":"buy","amount":100}\n{"type":"balance","user":"alice"}\n';
  expect(await exchange(server.port, lines)).toBe('{"status":"accepted"}\n{"status":"ok","balance":100}\n');
});
