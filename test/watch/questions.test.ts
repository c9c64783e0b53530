import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { openForQuestions } from '../../src/tools/watch/prober.ts';

test('lines that nobody asked for answer no question, and do not pile up', async () => {
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.write('unasked\n'.repeat(1_000));
    socket.on('data', () => socket.write('asked\n'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await openForQuestions('127.0.0.1', (server.address() as AddressInfo).port, 5_000);
  await until(() => client.socket.bytesRead === 8_000, 'the lines nobody asked for');
  expect(client.received).toBe('');
  expect(await client.ask('?\n')).toBe('asked');
  client.close();
  server.close();
});
