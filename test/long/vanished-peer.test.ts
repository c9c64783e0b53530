/** A peer that vanishes without a word loses its place: a cable is pulled between two network namespaces. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import type { askMetrics } from '../support/asking.ts';
import { CLI } from '../support/server.ts';

const [SERVER, CLIENT] = [`tally-server-${process.pid}`, `tally-client-${process.pid}`];
const PORT = 7878;
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanUp.splice(0).reverse()) undo();
});

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });
const node = (space: string, ...args: string[]) => {
  const child = spawn('ip', ['netns', 'exec', space, process.execPath, ...args]);
  cleanUp.push(() => child.kill());
  let said = '';
  child.stdout.on('data', text => {
    said += text;
  });
  return { child, said: () => said };
};

/** One question, asked within the server's namespace. */
function connections(): number {
  const script = `require('node:net').connect(${PORT}, '127.0.0.1').end('{"type":"metrics","detail":true}\\n').pipe(process.stdout)`;
  const answer = execFileSync('ip', ['netns', 'exec', SERVER, process.execPath, '-e', script], {
    encoding: 'utf8',
  });
  return (JSON.parse(answer) as Awaited<ReturnType<typeof askMetrics>>).connections - 1;
}

test('a peer behind a pulled cable is dropped within --keepalive-ms and eleven seconds', async context => {
  const isRoot = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;
  context.skip(!isRoot, 'skipped: this needs root and iproute2');
  for (const space of [SERVER, CLIENT]) {
    ip('netns', 'add', space);
    cleanUp.push(() => ip('netns', 'del', space));
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }
  ip('-n', CLIENT, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'cable', 'netns', SERVER);
  for (const [space, address] of [
    [SERVER, '192.0.2.1/24'],
    [CLIENT, '192.0.2.2/24'],
  ] as const) {
    ip('-n', space, 'address', 'add', address, 'dev', 'cable');
    ip('-n', space, 'link', 'set', 'cable', 'up');
  }
  const flags = ['--host', '0.0.0.0', '--port', `${PORT}`, '--workers', '1', '--keepalive-ms', '2000'];
  const server = node(SERVER, CLI, 'serve', ...flags);
  await until(() => server.said().includes('"listening"'), 'the server to listen');
  const client = node(
    CLIENT,
    '-e',
    `require('node:net').connect(${PORT}, '192.0.2.1', () => console.log('connected'))`,
  );
  await until(() => client.said().includes('connected'), 'the client to be connected');
  expect(connections()).toBe(1);
  ip('-n', CLIENT, 'link', 'set', 'cable', 'down');
  const startMs = performance.now();
  await until(() => connections() === 0, 'the peer to be dropped', 30_000);
  console.log(`dropped after ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}, 60_000);
