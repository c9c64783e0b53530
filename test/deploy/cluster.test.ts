/** The files to begin a cluster with are right, as far as the programs that read them can tell, and agree with one another. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { SETTINGS, variableOf } from '../../src/config/settings.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { CLI } from '../support/server.ts';

const FOLDER = join(ROOT, 'docs/deploy');
const MS = 1_000;
const VARIABLES = (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).map(variableOf);
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

/** Leaves the test out where the program is missing. */
function need(context: TestContext, program: string, ...args: string[]): void {
  if (spawnSync(program, args).status === 0) return;
  console.warn(`skipped: there is no ${[program, ...args].join(' ')} here`);
  context.skip();
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tally-deploy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('NATS understands its configuration', context => {
  need(context, 'nats-server', '--version');
  const file = join(newFolder(), 'nats.conf');
  const judged = (text: string) => {
    writeFileSync(file, text);
    const env = { ...process.env, TALLY_NATS_PASSWORD: 'secret' };
    const { status, stderr } = spawnSync('nats-server', ['-t', '-c', file], { encoding: 'utf8', env });
    return `${status} ${stderr}`;
  };
  expect(judged(read('nats.conf'))).toMatch(/^0 .*is valid/);
  expect(judged(read('nats.conf').replace('store_dir', 'store_di'))).toMatch(/^1 .*unknown field "store_di"/);
});

describe('the units for systemd', () => {
  const valuesIn = (name: string) =>
    new Map([...read(name).matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key!, value!]));

  test('a node has all that a server alone has, and its name', () => {
    const [alone, node] = [valuesIn('tally.service'), valuesIn('tally-node@.service')];
    const own = ['Description', 'Documentation', 'After', 'ExecStart', 'EnvironmentFile'];
    for (const [key, value] of alone) if (!own.includes(key)) expect(node.get(key), key).toBe(value);
    const [, command = ''] = /^\/usr\/local\/bin\/tally serve (.*)$/.exec(node.get('ExecStart')!) ?? [];
    const args = command.replaceAll('%i', 'shop-1').replaceAll('%S', '/var/lib').split(' ');
    expect(readSettings(args, { TALLY_CLUSTER: 'nats://10.0.0.1' })).toMatchObject({
      node: 'shop-1',
      data: `/var/lib/${node.get('StateDirectory')!.replace('%i', 'shop-1')}`,
    });
    expect(Number(node.get('TimeoutStopSec')) * MS).toBeGreaterThan(SETTINGS.shutdownMsMax.default as number);
  });

  test('a server of NATS keeps its files where its configuration says', () => {
    const folder = `/var/lib/${valuesIn('tally-nats.service').get('StateDirectory')}`;
    expect(read('nats.conf')).toContain(`store_dir: "${folder}"`);
  });

  test.for(['tally-node@.service', 'tally-nats.service'])(
    'systemd understands every line of %s',
    (name, context) => {
      need(context, 'systemd-analyze', '--version');
      const verify = (text: string) => {
        const file = join(newFolder(), name);
        writeFileSync(file, text.replace(/^(ExecStart=)\S+/m, `$1${CLI}`));
        const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], {
          encoding: 'utf8',
        });
        return `${status} ${stdout}${stderr}`;
      };
      expect(verify(read(name))).toBe('0 ');
      expect(verify(read(name).replace('KillSignal', 'KillSigna'))).toMatch(/Unknown key.* 'KillSigna'/);
    },
  );
});

interface Service {
  command?: string;
  environment?: Record<string, string>;
  depends_on?: string[];
  volumes?: string[];
  ports?: string[];
  build?: string;
}

describe('the services for Docker', () => {
  const READ = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)';
  const readYaml = (text: string) => spawnSync('python3', ['-c', READ], { input: text, encoding: 'utf8' });
  const once = readYaml(read('compose.yaml'));
  function composed(context: TestContext) {
    if (once.error !== undefined || /No module named 'yaml'/.test(once.stderr)) {
      console.warn('skipped: there is no python3 with yaml here to read compose.yaml with');
      context.skip();
    }
    if (once.status !== 0) throw new Error(once.stderr);
    const { services, volumes } = JSON.parse(once.stdout) as {
      services: Record<string, Service>;
      volumes: Record<string, null>;
    };
    const named = (prefix: string) => Object.keys(services).filter(name => name.startsWith(prefix));
    return { services, volumes: Object.keys(volumes), nats: named('nats-'), nodes: named('tally-') };
  }

  test('are YAML, and name only what is there', context => {
    const { services, volumes, nats, nodes } = composed(context);
    expect([nats.length, nodes.length]).toEqual([3, 3]);
    for (const [name, { depends_on = [], volumes: mounts = [], build }] of Object.entries(services)) {
      for (const other of depends_on) expect(Object.keys(services), name).toContain(other);
      for (const mount of mounts) {
        const [from = ''] = mount.split(':');
        expect(from.startsWith('./') ? existsSync(join(FOLDER, from)) : volumes.includes(from), mount).toBe(
          true,
        );
      }
      if (build !== undefined) expect(existsSync(join(FOLDER, build, 'Dockerfile'))).toBe(true);
    }
    expect(readYaml(read('compose.yaml').replace('services:', 'services: :')).stderr).toMatch(/yaml/);
  });

  test('start nodes with settings that there are, which know all servers of NATS', context => {
    const { services, nats, nodes } = composed(context);
    for (const name of nodes) {
      const { command, environment } = services[name]!;
      const [serve, ...args] = command!.split(' ');
      const settings = readSettings(args, environment!);
      expect([serve, settings.node]).toEqual(['serve', name]);
      expect(settings.cluster).toBe(nats.map(each => `nats://${each}:4222`).join(','));
      expect(VARIABLES).toEqual(expect.arrayContaining(Object.keys(environment!)));
    }
    expect(() => readSettings(['--nod', 'a'], {})).toThrow('--nod');
  });

  test('start servers of NATS with flags that there are, which know one another', context => {
    const { services, nats } = composed(context);
    need(context, 'nats-server', '--version');
    const { stdout, stderr } = spawnSync('nats-server', ['--help'], { encoding: 'utf8' });
    const known = new Set(`${stdout}${stderr}`.match(/--\w+/g));
    for (const name of nats) {
      const { command } = services[name]!;
      const flags = command!.match(/(?<=^| )--\S+/g)!;
      expect(flags.filter(flag => !known.has(flag))).toEqual([]);
      expect(command).toContain(`--server_name ${name} `);
      expect(command).toContain(`--routes ${nats.map(each => `nats://${each}:6222`).join(',')}`);
    }
    expect(known.has('--store_di')).toBe(false);
  });

  test('HAProxy has all nodes, and asks where they answer', context => {
    const { services, nodes } = composed(context);
    const config = read('haproxy.cfg');
    const backends = config.split(/^backend /m).slice(1);
    expect(backends.length).toBe(2);
    for (const backend of backends) {
      const servers = [...backend.matchAll(/^ {2}server \S+ (\S+):(\d+)$/gm)];
      expect(servers.map(([, host]) => host)).toEqual(nodes);
      for (const [, , port] of servers) expect(Number(port)).toBe(SETTINGS.port.default);
      expect(/check port (\d+) /.exec(backend)![1]).toBe(services[nodes[0]!]!.environment!.TALLY_HTTP);
    }
    expect(config).toContain(`bind :${services.haproxy!.ports![0]!.split(':').at(-1)}\n`);
  });
});
