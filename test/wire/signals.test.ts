/** Signals that come from elsewhere than a shell: through npm, from a terminal that goes, to process 1 of a container. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { isListening } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { CLI } from '../support/server.ts';

/** On a busy machine npm alone takes a while. */
const LIMIT_MS = 50_000;
const folder = mkdtempSync(join(tmpdir(), 'tally-signals-'));
const started: ChildProcess[] = [];
const onTerminals: { pid: number; events: () => Event[] }[] = [];

afterAll(() => {
  for (const { pid, exitCode, signalCode } of started)
    if (exitCode === null && signalCode === null) process.kill(-pid!, 'SIGKILL');
  for (const { pid, events } of onTerminals) if (!has(events(), 'stopped')) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

type Event = Record<string, unknown> & { event: string };

/** A program as the first of its own process group, as under a supervisor. */
function supervise(program: string, ...args: string[]) {
  const child = spawn(program, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, XDG_STATE_HOME: folder },
  });
  started.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    text += some;
  });
  const exited = new Promise<number | null>(resolve => child.on('close', resolve));
  return { child, text: () => text, events: () => eventsIn(text), exited };
}

function eventsIn(text: string): Event[] {
  const lines = text.split('\n').filter(line => line.startsWith('{') && line.endsWith('}'));
  return lines.map(line => JSON.parse(line) as Event);
}

const has = (events: Event[], name: string) => events.some(({ event }) => event === name);

describe.concurrent('through npm', () => {
  test('npm start ends the server, and with its exit code, when npm alone gets a signal', async () => {
    const { child, events, exited } = supervise('npm', 'start', '--', '--port', '0');
    await until(() => has(events(), 'listening'), 'the server to listen', LIMIT_MS);
    process.kill(child.pid!, 'SIGTERM');
    expect(await exited).toBe(0);
    expect(events().at(-1)).toMatchObject({ event: 'stopped', exitCode: 0, signal: 'SIGTERM' });
  });

  test('npm start takes a signal to the whole group for one, though npm passes it on', async () => {
    const { child, events, exited } = supervise(
      'npm',
      'start',
      '--',
      '--port',
      '0',
      '--drain-ms-min',
      '1500',
    );
    await until(() => has(events(), 'listening'), 'the server to listen', LIMIT_MS);
    process.kill(-child.pid!, 'SIGTERM');
    expect(await exited).toBe(0);
    expect(events().map(({ event }) => event)).toEqual(['listening', 'draining', 'stopped']);
  });

  test('npx tally step 1 ends the step when npm alone gets a signal', async () => {
    const { child, text, exited } = supervise('npx', 'tally', 'step', '1', '--port', '0');
    const port = () => Number(/listening on 127\.0\.0\.1:(\d+)\n/.exec(text())?.[1] ?? 0);
    await until(() => port() > 0, 'the step to listen', LIMIT_MS);
    process.kill(child.pid!, 'SIGTERM');
    // Its output is closed when all that had it have ended.
    await exited;
    expect(await isListening('127.0.0.1', port())).toBe(false);
  });
});

const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;
if (!hasScript)
  console.log('skipped: a terminal that goes needs script of util-linux, which is not installed');

describe.skipIf(!hasScript)('a terminal that goes', { concurrent: true }, () => {
  /** Runs it as the first process of a new terminal, its output in a file. */
  async function serveOnTerminal(name: string, before: string, flags = '', after = '') {
    const file = join(folder, name);
    writeFileSync(file, '');
    const events = () => eventsIn(readFileSync(file, 'utf8'));
    const command = `${before} "${process.execPath}" "${CLI}" serve --port 0 ${flags} > ${file} ${after}`;
    const { child } = supervise('script', '-qfc', command, '/dev/null');
    await until(() => has(events(), 'listening'), 'the server to listen', LIMIT_MS);
    const server = { child, events, pid: events()[0]!.pid as number };
    onTerminals.push(server);
    return server;
  }

  /** Then the terminal goes. */
  async function serveUntilHangUp(name: string, before: string) {
    const { child, events, pid } = await serveOnTerminal(name, `exec ${before}`);
    child.kill('SIGKILL');
    return { events, pid };
  }

  test('ends the server, which drains and says so', async () => {
    const { events } = await serveUntilHangUp('plain', '');
    await until(() => has(events(), 'stopped'), 'the server to stop', LIMIT_MS);
    expect(events()[1]).toMatchObject({ event: 'draining', signal: 'SIGHUP' });
    expect(events().at(-1)).toMatchObject({ exitCode: 0, signal: 'SIGHUP' });
  });

  test('does not end a server under nohup, which logs it', async () => {
    const { events, pid } = await serveUntilHangUp('nohup', 'nohup');
    await until(() => has(events(), 'hangup'), 'the signal to arrive', LIMIT_MS);
    const { port } = events()[0] as unknown as { port: number };
    expect(await isListening('127.0.0.1', port)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await until(() => has(events(), 'stopped'), 'the server to stop', LIMIT_MS);
    expect(events().map(({ event }) => event)).toEqual(['listening', 'hangup', 'draining', 'stopped']);
  });

  const withFile = (name: string) => {
    const file = join(folder, `${name}.toml`);
    writeFileSync(file, '');
    return `--config ${file}`;
  };

  const withTokens = (name: string) => {
    const file = join(folder, `${name}.jsonl`);
    const entry = { name: 'a', sha256: '0'.repeat(64), may: ['read'], users: [] };
    writeFileSync(file, JSON.stringify(entry), { mode: 0o600 });
    return `--tokens ${file}`;
  };

  test.each([
    ['config', withFile],
    ['tokens', withTokens],
  ])(
    'ends a server that could reload (%s); before that, the same signal is a reload',
    async (name, flags) => {
      const { child, events, pid } = await serveOnTerminal(name, 'exec', flags(name));
      process.kill(pid, 'SIGHUP');
      await until(() => has(events(), 'reloaded'), 'the reload', LIMIT_MS);
      // Longer than it looks after its terminal.
      await new Promise(resolve => setTimeout(resolve, 1_300));
      expect(events().map(({ event }) => event)).toEqual(['listening', 'reloaded']);
      child.kill('SIGKILL');
      await until(() => has(events(), 'stopped'), 'the server to stop', LIMIT_MS);
      const names = events().map(({ event }) => event);
      expect(names).toEqual(['listening', 'reloaded', 'draining', 'stopped']);
      expect(events().at(-1)).toMatchObject({ exitCode: 0, signal: 'SIGHUP' });
    },
  );

  test('ends it too when the signal came a moment before, from a shell that ends its jobs', async () => {
    // In the background of a shell: so the terminal itself sends it nothing when it goes.
    const { child, events, pid } = await serveOnTerminal('shell', 'set -m;', withFile('shell'), '& wait');
    process.kill(pid, 'SIGHUP');
    await until(() => has(events(), 'reloaded'), 'the reload', LIMIT_MS);
    child.kill('SIGKILL');
    await until(() => has(events(), 'stopped'), 'the server to stop', LIMIT_MS);
    expect(events().map(({ event }) => event)).toEqual(['listening', 'reloaded', 'draining', 'stopped']);
  });

  test('is nothing to a server under nohup, which reloads', async () => {
    const { child, events, pid } = await serveOnTerminal(
      'nohup-config',
      'exec nohup',
      withFile('nohup-config'),
    );
    child.kill('SIGKILL');
    await until(() => has(events(), 'reloaded'), 'the reload', LIMIT_MS);
    process.kill(pid, 'SIGTERM');
    await until(() => has(events(), 'stopped'), 'the server to stop', LIMIT_MS);
    expect(events().map(({ event }) => event)).toEqual(['listening', 'reloaded', 'draining', 'stopped']);
  });
});

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;
if (!canUnshare)
  console.log('skipped: process 1 needs a namespace (unshare), for which this user has no right');

test.skipIf(!canUnshare)('as process 1 it watches signals before it has loaded anything', async () => {
  // Sends the signal as soon as somebody watches for it. A server would say that it drains, and exit with 0.
  const preload = `data:text/javascript,
    const { on } = process;
    process.on = function (...args) {
      on.apply(this, args);
      if (args[0] === 'SIGTERM') { process.on = on; process.kill(1, 'SIGTERM'); }
      return this;
    };`.replace(/\s+/g, ' ');
  const { text, exited } = supervise(
    'unshare',
    ...[...UNSHARE, process.execPath, '--import', preload, CLI, 'serve', '--port', '0'],
  );
  expect(await exited).toBe(143);
  expect(text()).toBe('');
});
