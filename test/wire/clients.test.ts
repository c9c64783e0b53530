/** The two lines of the README through the programs that people have: the same replies, byte for byte. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { balanceRequest, buyLine } from '../support/asking.ts';
import { CLI, type RunningServer, startServer } from '../support/server.ts';

const REPLIES = '{"status":"accepted"}\n{"status":"ok","balance":100}\n';
const DEADLINE_MS = 10_000;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

function skipWithout(context: TestContext, program: string): void {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
  context.skip(!isThere, `skipped: ${program} is not installed here`);
}

interface Running {
  printed(): string;
  write(text: string): void;
  /** Ends its input and waits for its end; fails if that was not clean. */
  finish(): Promise<string>;
}

function run(program: string, args: string[]): Running {
  const child = spawn(program, args, { timeout: DEADLINE_MS });
  let printed = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<string>(resolve =>
    child.on('close', (code, signal) => resolve(`${code ?? signal}`)),
  );
  return {
    printed: () => printed,
    write: text => child.stdin.write(text),
    async finish() {
      child.stdin.end();
      expect(await ended, `${program} ${args.join(' ')}\n${printed}${errors}`).toBe('0');
      return printed;
    },
  };
}

/** As the README writes it: a `printf` with its line ends spelled out. */
const printf = (...lines: string[]) => `printf '${lines.join('').replaceAll('\n', '\\n')}'`;

test.for([
  ['nc', (port: number) => `nc -N 127.0.0.1 ${port}`],
  ['ncat', (port: number) => `ncat 127.0.0.1 ${port}`],
  // Unless told so, socat waits no longer than half a second for replies once its input has ended.
  ['socat', (port: number) => `socat -t 5 - TCP:127.0.0.1:${port}`],
] as const)('through %s, both in one connection, and one each', async ([program, command], context) => {
  skipWithout(context, program);
  const to = command(server.port);
  const both = `${printf(buyLine(program, 100), balanceRequest(program))} | ${to}`;
  expect(await run('sh', ['-c', both]).finish()).toBe(REPLIES);
  const other = `${program}-2`;
  const oneEach = `${printf(buyLine(other, 100))} | ${to}; ${printf(balanceRequest(other))} | ${to}`;
  expect(await run('sh', ['-c', oneEach]).finish()).toBe(REPLIES);
});

test('through telnet, which ends its lines with CR LF', async context => {
  skipWithout(context, 'telnet');
  const telnet = run('telnet', ['127.0.0.1', String(server.port)]);
  await until(() => telnet.printed().includes('Escape character'), 'telnet to be connected');
  const greeting = telnet.printed();
  telnet.write(buyLine('telnet', 100) + balanceRequest('telnet'));
  await until(() => telnet.printed().length >= greeting.length + REPLIES.length, 'both replies');
  expect(telnet.printed()).toBe(greeting + REPLIES);
  await telnet.finish();
});

test("through bash's own /dev/tcp, without any program", async context => {
  skipWithout(context, 'bash');
  const lines = printf(buyLine('bash', 100), balanceRequest('bash'));
  const script = `exec 3<>/dev/tcp/127.0.0.1/${server.port}; ${lines} >&3; head -n 2 <&3; exec 3>&-`;
  expect(await run('bash', ['-c', script]).finish()).toBe(REPLIES);
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
