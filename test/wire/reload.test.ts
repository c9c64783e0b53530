/** SIGHUP, the real one: the file of settings is read again, and no connection notices. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { askMetrics, HEALTH, HEALTHY } from '../support/asking.ts';
import { Configured } from '../support/configured.ts';
import { newFolder } from '../support/folders.ts';
import { reloadUnderLoad } from '../support/reload-cycles.ts';
import { CLI, startServer } from '../support/server.ts';

const TOO_MANY = '{"status":"rejected","reason":"too_many_connections"}';
const RELOADS = 50;

const folder = mkdtempSync(join(tmpdir(), 'tally-reload-'));
let configured: Configured;
let control: Client;
beforeAll(async () => {
  configured = await Configured.start(join(folder, 'tally.toml'), 'connections-max = 9\n', [], {
    TALLY_TURN_MS_MAX: '5',
  });
  control = await Client.open(configured.server.port);
});
afterAll(async () => {
  control.close();
  await configured.server.stop();
  rmSync(folder, { recursive: true });
});

const reloaded = (changes: object) => ({ event: 'reloaded', level: 'info', changes });
const failed = (reason: string) => ({ event: 'reload_failed', level: 'error', reason });
/** Whether one more connection is served. */
async function isTaken(): Promise<boolean> {
  const client = await Client.open(configured.server.port);
  const said = await client.ask(HEALTH);
  client.close();
  expect([HEALTHY, TOO_MANY]).toContain(said);
  return said === HEALTHY;
}

describe('one server, with one connection that stays', { sequential: true }, () => {
  test('starts with the file, and says so', () => {
    expect(configured.server.events[0]).toMatchObject({ event: 'listening', connectionsMax: 9 });
  });

  test('takes another number of connections at once', async () => {
    expect(await isTaken()).toBe(true);
    expect(await configured.reload('connections-max = 1\n')).toEqual(reloaded({ 'connections-max': [9, 1] }));
    expect(await isTaken()).toBe(false);
    expect(await control.ask(HEALTH)).toBe(HEALTHY);
    expect(await configured.reload('connections_max = 2')).toEqual(reloaded({ 'connections-max': [1, 2] }));
    expect(await isTaken()).toBe(true);
  });

  test('goes back to the default where the file says nothing more', async () => {
    expect(await configured.reload('')).toEqual(reloaded({ 'connections-max': [2, expect.any(Number)] }));
    expect(await configured.reload('# nothing\n')).toEqual(reloaded({}));
  });

  test('logs more, and says what has changed also where it is to log less', async () => {
    const closed = () => configured.server.events.filter(({ event }) => event === 'client_closed');
    expect(await configured.reload('log-level = "debug"\nidle-ms-max = 40')).toEqual(
      reloaded({ 'idle-ms-max': [0, 40], 'log-level': ['info', 'debug'] }),
    );
    // It was connected before there was a limit.
    await control.over();
    await until(() => closed().length === 1, 'the log to speak of it');
    expect(closed()[0]).toMatchObject({ why: 'closed_idle' });
    expect(await configured.reload('log-level = "error"')).toMatchObject({ event: 'reloaded' });
    control = await Client.open(configured.server.port);
    await new Promise(resolve => setTimeout(resolve, 80));
    expect(await control.ask(HEALTH)).toBe(HEALTHY);
    expect((await askMetrics(control)).closed_idle).toBe(1);
  });

  test('answers debug requests once it is told to', async () => {
    const thaw = '{"type":"debug","do":"thaw"}\n';
    expect(await control.ask(thaw)).toContain('unknown_type');
    expect(await configured.reload('debug-requests = true')).toMatchObject({ event: 'reloaded' });
    expect(await control.ask(thaw)).toBe(HEALTHY);
  });

  test.each([
    ['port = ', /^FILE:2:\d+: /],
    ['conections-max = 3', 'FILE:2: conections-max is no setting (connections-max?)'],
    ['drain-ms-min = 9000', 'FILE:2: drain-ms-min 9000 is above --drain-ms-max 6000'],
    ['line-bytes-max = 512', 'only a restart can change this: line-bytes-max is 16384, and would be 512'],
    [
      'workers = 3\nring = 8',
      /^only a restart can change this: workers is \d+, and would be 3; ring is 65536, and would be 8$/,
    ],
  ])('refuses a file with %j as a whole', async (line, reason) => {
    const said = await configured.reload(`connections-max = 1\n${line}\n`);
    expect(said).toEqual(failed(typeof reason === 'string' ? reason : expect.stringMatching(reason)));
    expect(await isTaken()).toBe(true);
  });

  test('has nothing to change where a variable wins', async () => {
    expect(await configured.reload('turn-ms-max = 9\n')).toMatchObject({ event: 'reloaded' });
    expect(await configured.reload('turn-ms-max = 11\n')).toEqual(reloaded({}));
  });

  test('refuses a file that is gone, and goes on with what it has', async () => {
    expect(await configured.reload('connections-max = 5')).toMatchObject({ event: 'reloaded' });
    const { length } = configured.reloads;
    rmSync(configured.path);
    configured.server.process.kill('SIGHUP');
    await until(() => configured.reloads.length > length, 'a refusal');
    expect(configured.reloads.at(-1)!.reason).toBe(`--config ${configured.path}: no such file or directory`);
    expect(await configured.reload('connections-max = 5')).toEqual(reloaded({}));
    expect(await control.ask(HEALTH)).toBe(HEALTHY);
  });

  test('reads the last of many signals that come together', async () => {
    for (let connectionsMax = 10; connectionsMax < 30; connectionsMax += 1) {
      writeFileSync(configured.path, `connections-max = ${connectionsMax}`);
      configured.server.process.kill('SIGHUP');
    }
    // One may have read what was written before its own signal; then the last one changes nothing.
    const changed = () =>
      configured.reloads.map(({ changes }) => changes as Record<string, number[]> | undefined);
    const last = () => changed().findLast(changes => changes?.['connections-max'])!['connections-max']![1];
    await until(() => last() === 29, 'the last one');
  });
});

test('a SIGHUP that comes before the server listens is a reload behind its first line', async () => {
  const path = join(newFolder(), 'tally.toml');
  writeFileSync(path, '');
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--config', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As soon as somebody watches for it.
    env: {
      ...process.env,
      NODE_OPTIONS: `--import "data:text/javascript,const { on } = process; process.on = function (...args) { on.apply(this, args); if (args[0] === 'SIGHUP') { process.on = on; process.kill(process.pid, 'SIGHUP'); } return this; }"`,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = new Promise<number | null>(resolve => child.on('close', resolve));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    text += some;
    if (text.includes('"reloaded"') && !child.killed) child.kill('SIGTERM');
  });
  expect(await exited).toBe(0);
  const events = text
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { event: string }).event);
  expect(events).toEqual(['listening', 'reloaded', 'draining', 'stopped']);
});

test('without a file of settings there is nothing to read: it is logged, and the server goes on', async () => {
  const server = await startServer();
  server.process.kill('SIGHUP');
  await until(() => server.events.length > 1, 'the signal to arrive');
  await server.stop();
  expect(server.events.map(({ event }) => event)).toEqual(['listening', 'hangup', 'draining', 'stopped']);
});

test(`${RELOADS} reloads under load lose nothing, and close nobody`, async () => {
  const figures = await reloadUnderLoad(join(newFolder(), 'tally.toml'), RELOADS);
  expect(figures.refused).toBeGreaterThan(0);
  expect(figures.refused).toBeLessThan(RELOADS);
  expect(figures.accepted).toBeGreaterThan(RELOADS);
});
