/** Other ways to start the server, and another to speak to it. (netcat, socat and bash are in the README, which is run.) */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { balanceRequest, buyLine } from '../support/asking.ts';
import { CLI, type RunningServer, startServer } from '../support/server.ts';

const REPLIES = '{"status":"accepted"}\n{"status":"ok","balance":100}\n';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('through telnet, which ends its lines with CR LF', async context => {
  const isThere = spawnSync('sh', ['-c', 'command -v telnet'], { stdio: 'ignore' }).status === 0;
  context.skip(!isThere, 'skipped: telnet is not installed here');
  const telnet = spawn('telnet', ['127.0.0.1', String(server.port)], { timeout: 10_000 });
  let printed = '';
  telnet.stdout.setEncoding('utf8').on('data', text => {
    printed += text;
  });
  const ended = once(telnet, 'close');
  await until(() => printed.includes('Escape character'), 'telnet to be connected');
  const greeting = printed;
  telnet.stdin.write(buyLine('telnet', 100) + balanceRequest('telnet'));
  await until(() => printed.length >= greeting.length + REPLIES.length, 'both replies');
  expect(printed).toBe(greeting + REPLIES);
  telnet.stdin.end();
  expect(await ended).toEqual([0, null]);
});

test('a server that listens on every address says how to reach it on this machine', async () => {
  const anywhere = await startServer(['--host', '0.0.0.0']);
  const { host, port, try: command } = anywhere.events[0] as { host: string; port: number; try: string };
  expect(host).toBe('0.0.0.0');
  expect(command).toMatch(new RegExp(` \\| nc -N 127\\.0\\.0\\.1 ${port}$`));
  await anywhere.stop();
});

test('the command line runs from its source, too', () => {
  const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const version = spawnSync(process.execPath, ['--import', 'tsx', cli, '--version'], { encoding: 'utf8' });
  expect(version).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
  });
});

test('a server that gets no memory to start in says so in one line; exit code 1', async () => {
  // Node itself needs some shared memory to start, the engine much.
  const noMemory = `
    globalThis.SharedArrayBuffer = class extends SharedArrayBuffer {
      constructor(bytes) {
        if (bytes > 65536) throw new RangeError('no memory');
        super(bytes);
      }
    };`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(noMemory)}`,
    CLI,
    'serve',
    '--port',
    '0',
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: 'tally: could not start: no memory\n',
  });
});
