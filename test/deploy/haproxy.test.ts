/**
 * Two nodes behind the real HAProxy, with the configuration of the documents: one of them is killed, and whoever connects
 * does not notice; then NATS is gone, and balances are read all the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isNatsServerHere, NatsServers } from '../../src/tools/cluster/nats-servers.ts';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort, type StartedServer, startOnPort } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { type HttpServer, startHttpServer } from '../support/http.ts';

const FILE = join(ROOT, 'docs/deploy/haproxy.cfg');
const START_MS_MAX = 20_000;
const BALANCE = '{"type":"balance","user":"alice"}\n';
const HAS_SEVEN = '{"status":"ok","balance":7}\n';
const CONNECTIONS = 20;

const areHere = isNatsServerHere() && spawnSync('haproxy', ['-v']).status === 0;
if (!areHere) console.warn('skipped: there is no haproxy or no nats-server here (packages of these names)');

const folder = mkdtempSync(join(tmpdir(), 'tally-haproxy-'));
let nats: NatsServers;
let nodes: HttpServer[];
let haproxy: StartedServer;
let page: number;

/** That of the documents, for two nodes on this machine, and with less patience. */
function configFor(port: number): string {
  let text = readFileSync(FILE, 'utf8');
  const put = (was: string | RegExp, is: string) => {
    const before = text;
    text = text.replaceAll(was, is);
    if (text === before) throw new Error(`haproxy.cfg has no ${was}`);
  };
  put('bind :7878', `bind 127.0.0.1:${port}`);
  put('127.0.0.1:8404', `127.0.0.1:${page}`);
  put('check port 9100', 'check');
  // Slow enough that new connections find out first that a node is dead.
  put('inter 1s fall 10', 'inter 500ms fall 2');
  put('inter 1s fall 3', 'inter 100ms fall 3');
  for (const [place, node] of nodes.entries())
    put(
      `server node-${place + 1} tally-${place + 1}:7878`,
      `server node-${place + 1} 127.0.0.1:${node.port} port ${node.http}`,
    );
  put(/^ {2}server node-3 .*\n/gm, '');
  return text;
}

beforeAll(async () => {
  if (!areHere) return;
  nats = await NatsServers.start({ count: 1 });
  const flags = ['--cluster', nats.urls.join(','), '--cluster-replicas', '1', '--cluster-partitions', '1'];
  nodes = await Promise.all(['one', 'two'].map(name => startHttpServer([...flags, '--node', name])));
  page = await freePort();
  const port = await freePort();
  const config = join(folder, 'haproxy.cfg');
  writeFileSync(config, configFor(port));
  const program = { name: 'haproxy', program: 'haproxy', args: ['-db', '-f', config] };
  haproxy = await startOnPort(program, port, START_MS_MAX);
}, 2 * START_MS_MAX);

afterAll(async () => {
  await haproxy?.stop();
  await Promise.all((nodes ?? []).map(node => node.stop('SIGKILL')));
  await nats?.stop();
  rmSync(folder, { recursive: true });
});

/** What HAProxy says of a node in a backend: `UP`, `DOWN`, `no check`. */
async function stateOf(backend: string, node: string): Promise<string | undefined> {
  const table = await (await fetch(`http://127.0.0.1:${page}/;csv`)).text();
  const [head = '', ...rows] = table.trim().split('\n');
  const status = head.replace('# ', '').split(',').indexOf('status');
  const row = rows.map(each => each.split(',')).find(([name, server]) => name === backend && server === node);
  return row?.[status]?.split(' ')[0];
}

test.skipIf(!areHere)('HAProxy has nothing to say against the configuration', () => {
  const check = (text: string) => {
    const file = join(folder, 'checked.cfg');
    writeFileSync(file, text);
    const { status, stderr } = spawnSync('haproxy', ['-c', '-V', '-f', file], { encoding: 'utf8' });
    return `${status} ${stderr.replace(/^\[NOTICE\].*\n/gm, '')}`;
  };
  const text = configFor(haproxy.port);
  expect(check(text)).toMatch(/^0 \s*$/);
  expect(check(text.replace('redispatch', 'redispat'))).toMatch(/^1 .*redispat/s);
});

test.skipIf(!areHere)(
  'a node dies: its connections end, those of the other go on, and new ones are served',
  async () => {
    await until(async () => (await stateOf('nodes', 'node-2')) === 'UP', 'both are well');
    expect(await exchange(haproxy.port, '{"user":"alice","action":"buy","amount":7,"wait":true}\n')).toBe(
      HAS_SEVEN,
    );
    // One at each node, since the one with fewer connections gets the next.
    const clients = [await Client.open(haproxy.port), await Client.open(haproxy.port)];
    const fresh = '{"type":"balance","user":"alice","fresh":true}\n';
    for (const client of clients) expect(`${await client.ask(fresh)}\n`).toBe(HAS_SEVEN);
    const [first] = nodes;
    first!.process.kill('SIGKILL');
    await first!.exited;
    await until(() => clients.some(({ isEnded }) => isEnded), 'a connection ends');
    const left = clients.filter(({ isEnded }) => !isEnded);
    expect(left.length).toBe(1);
    expect(`${await left[0]!.ask(BALANCE)}\n`).toBe(HAS_SEVEN);
    for (let number = 0; number < CONNECTIONS; number++)
      expect(await exchange(haproxy.port, BALANCE)).toBe(HAS_SEVEN);
    await until(async () => (await stateOf('nodes', 'node-1')) === 'DOWN', 'the dead one is known to be');
    for (const client of clients) client.close();
  },
);

test.skipIf(!areHere)('NATS is gone: no node is ready, and balances are read all the same', async () => {
  await nats.servers[0]!.kill();
  await until(async () => (await stateOf('nodes', 'node-2')) === 'DOWN', 'none is ready');
  expect(await stateOf('reading', 'node-2')).toBe('UP');
  expect(await exchange(haproxy.port, BALANCE)).toBe(HAS_SEVEN);
});
