/** `tally config`: what a server would run with, the same mistakes as the server's, and the file to begin with. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { configCommand } from '../../src/cli/config/command.ts';
import { exampleFile } from '../../src/cli/config/example.ts';
import { parseSettingsFile } from '../../src/config/file.ts';
import { readSettings } from '../../src/config/read.ts';
import { KEYS, nameOf, SETTINGS } from '../../src/config/settings.ts';
import { runCli } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** In this process: every one of its own takes a while to start. */
async function config(...args: string[]): Promise<Awaited<ReturnType<typeof runCli>>> {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(stream =>
    vi.spyOn(process[stream], 'write').mockImplementation(text => {
      printed[stream] += String(text);
      return true;
    }),
  );
  const heard = (['stdout', 'stderr'] as const).map(stream => process[stream].listeners('error'));
  await configCommand(args);
  for (const spy of spies) spy.mockRestore();
  // A process has one command; here each would leave its listeners behind.
  for (const [index, stream] of (['stdout', 'stderr'] as const).entries())
    for (const listener of process[stream].listeners('error'))
      if (!heard[index]!.includes(listener)) process[stream].off('error', listener as () => void);
  const exitCode = Number(process.exitCode);
  process.exitCode = undefined;
  return { exitCode, ...printed };
}

interface Row {
  name: string;
  value: unknown;
  from: string;
  mayChange: boolean;
}

describe('tally config check', () => {
  test('lists every setting with its value, where it comes from, and what changes it', async () => {
    const path = fileOf('good.toml', '# first\nport = 1234\nlog-level = "warn"\nusers = 9\n');
    const { exitCode, stdout, stderr } = await runCli(['config', 'check', path, '--users', '8'], {
      TALLY_LOG_LEVEL: 'debug',
      TALLY_PRT: '1',
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'tally config: TALLY_PRT is no setting (TALLY_PORT?); it is ignored\n',
    });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(row => row.split(/ {2,}/));
    expect(rows[0]).toEqual(['setting', 'value', 'from', 'changes with']);
    expect(rows.slice(1).map(([name]) => name)).toEqual(KEYS.map(nameOf));
    for (const row of [
      ['config', path, '--config', 'a restart; what is in the file, a reload'],
      ['tokens', 'none', 'default', 'a restart'],
      ['port', '1234', `${path}:2`, 'a restart'],
      ['users', '8', '--users', 'a restart'],
      ['log-level', 'debug', 'TALLY_LOG_LEVEL', 'a reload'],
      ['data', 'none', 'default', 'a restart'],
      ['ring', '65536', 'default', 'a restart'],
      ['workers', expect.any(String), 'this machine', 'a restart'],
      ['debug-requests', 'false', 'default', 'a reload'],
    ])
      expect(rows).toContainEqual(row);
  });

  test('prints the same as one object', async () => {
    const path = fileOf('object.toml', 'debug_requests = true\n');
    const { exitCode, stdout, stderr } = await runCli(['config', 'check', path, '--json'], {
      TALLY_PRT: '1',
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const found = JSON.parse(stdout) as { settings: Row[] };
    expect(Object.keys(found)).toEqual(['file', 'settings', 'unknownVariables']);
    expect(found).toMatchObject({
      file: path,
      unknownVariables: [{ variable: 'TALLY_PRT', nearest: 'TALLY_PORT' }],
    });
    expect(found.settings).toHaveLength(KEYS.length);
    expect(found.settings).toContainEqual({
      name: 'debug-requests',
      value: true,
      from: `${path}:1`,
      mayChange: true,
      isReread: false,
    });
    expect(found.settings).toContainEqual({
      name: 'port',
      value: 7_878,
      from: 'default',
      mayChange: false,
      isReread: false,
    });
  });

  test('says that what is in a file of tokens changes with a reload', async () => {
    const tokens = fileOf('reread', '');
    const { stdout } = await config('check', fileOf('tokens.toml', `tokens = "${tokens}"\n`));
    expect(stdout).toMatch(/^tokens .* a restart; what is in the file, a reload$/m);
  });

  test('says that the machine has less than the defaults', async () => {
    const path = fileOf('large.toml', 'workers = 60\nhttp = 0\n');
    const { stdout } = await config('check', path, '--json');
    const { settings } = JSON.parse(stdout) as { settings: Row[] };
    for (const key of ['connectionsMax', 'users'] as const) {
      const { value, from } = settings.find(({ name }) => name === nameOf(key))!;
      expect(from).toBe(value === SETTINGS[key].default ? 'default' : 'this machine');
    }
  });

  test.each([
    ['value.toml', '\nport = "1"\n', 'FILE:2: port is the text "1"; it takes a whole number, without quotes'],
    ['relation.toml', 'ring = 1000\n', 'FILE:1: ring 1000 is not a power of two; the next is 1024'],
  ])('%s: a mistake is the line that the server would say', async (name, text, what) => {
    const path = fileOf(name, text);
    const [checked, served] = await Promise.all([
      runCli(['config', 'check', path]),
      runCli(['serve', '--config', path]),
    ]);
    expect(served).toEqual({ exitCode: 2, stdout: '', stderr: `tally: ${what.replace('FILE', path)}\n` });
    expect(checked).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: served.stderr.replace('tally', 'tally config'),
    });
  });

  test.each<[string, string, string[]?, Record<string, string>?]>([
    ['tls-cert = "nowhere.pem"', 'FILE:1: tls-cert nowhere.pem is not there'],
    ['\ntokens = "nowhere"', 'FILE:2: tokens nowhere: no such file or directory'],
    [
      'jwt_keys = "nowhere"\njwt-audience = "a"\njwt-issuer = "i"',
      'FILE:1: jwt_keys nowhere: no such file or directory',
    ],
    [
      `tokens = "${fileOf('torn', '{"name":')}"`,
      `FILE:1: tokens ${join(folder, 'torn')}: line 1: is not JSON`,
    ],
    [
      'socket = "x"\nsocket-mode = "888"',
      'FILE:2: socket-mode 888 is no mode of a file: three digits from 0 to 7, as in 660',
    ],
    // What was given elsewhere has the name that it has there.
    ['', '--tokens nowhere: no such file or directory', ['--tokens', 'nowhere']],
    ['', 'TALLY_TOKENS nowhere: no such file or directory', [], { TALLY_TOKENS: 'nowhere' }],
  ])(
    'what a start would read or listen on is looked at, too: %j',
    async (text, what, flags = [], env = {}) => {
      const path = fileOf('files.toml', text);
      const [checked, served] = await Promise.all([
        runCli(['config', 'check', path, ...flags], env),
        runCli(['serve', '--config', path, ...flags], env),
      ]);
      const said = what.replace('FILE', path);
      expect(checked).toEqual({ exitCode: 2, stdout: '', stderr: `tally config: ${said}\n` });
      expect(served).toEqual({ exitCode: 2, stdout: '', stderr: `tally: ${said}\n` });
    },
  );

  test.each([
    [['check'], /which file\? tally config check FILE$/],
    [['check', '--json'], /which file\?/],
    [
      ['check', fileOf('flag.toml', ''), '--prot', '1'],
      /unknown flag --prot \(--port\?\); tally serve --help lists/,
    ],
    [['check', 'a.toml', '--config', 'b.toml'], /one file too many: a\.toml is to be checked$/],
    [['check', 'no-such.toml'], /^tally config: --config no-such\.toml: no such file or directory$/],
    [['example', 'x'], /x is one word too many/],
    [['chekc'], /unknown command: chekc \(check\?\)/],
    [[], /check or example\?/],
  ])('wrong usage is one line: %j', async (args, what) => {
    const { exitCode, stdout, stderr } = await config(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.trimEnd()).toMatch(what);
  });
});

/** Flags without which a setting is a mistake. */
const OF_CLUSTER = '--cluster nats://a --node a';
const NEEDED: Partial<Record<keyof typeof SETTINGS, string>> = {
  cluster: '--node a',
  node: '--cluster nats://a',
  clusterName: OF_CLUSTER,
  clusterPartitions: OF_CLUSTER,
  clusterReplicas: OF_CLUSTER,
  clusterSnapshotBlocks: OF_CLUSTER,
  clusterCreds: OF_CLUSTER,
  clusterCa: OF_CLUSTER,
  clusterCert: `${OF_CLUSTER} --cluster-key k`,
  clusterKey: `${OF_CLUSTER} --cluster-cert c`,
  sync: '--data d',
  syncMs: '--data d --sync interval',
  segmentBytes: '--data d',
  journalKeep: '--data d',
  tlsKey: '--tls-cert c',
  tlsClientCa: '--tls-cert c',
  jwtKeys: '--jwt-audience a --jwt-issuer i',
  jwtAudience: '--jwt-keys k --jwt-issuer i',
  jwtIssuer: '--jwt-keys k --jwt-audience a',
};

describe('tally config example', () => {
  const settings = KEYS.filter(key => key !== 'config');
  const example = exampleFile();
  const lineOf = (key: keyof typeof SETTINGS) =>
    example.split('\n').find(line => line.startsWith(`#${nameOf(key)} = `))!;

  test('prints a file that says nothing yet, and that check takes', async () => {
    const { exitCode, stdout } = await runCli(['config', 'example']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: example });
    expect(parseSettingsFile(example, 'f').size).toBe(0);
    const checked = await config('check', fileOf('example.toml', example), '--json');
    expect(checked).toMatchObject({ exitCode: 0, stderr: '' });
    const { settings: rows } = JSON.parse(checked.stdout) as { settings: Row[] };
    expect(rows.filter(({ from }) => !/^(?:default|this machine)$/.test(from))).toHaveLength(1);
  });

  test('has each setting once, in the order of the help, with its help and its default', () => {
    const named = [...example.matchAll(/^#([a-z][\w-]*) = /gm)].map(([, name]) => name);
    expect(named).toEqual(settings.map(nameOf));
    const words = example.replace(/\n# /g, ' ');
    for (const key of settings) expect(words).toContain(SETTINGS[key].help);
    for (const line of example.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  test.each(settings)('%s can be taken out of its comment', key => {
    const text = example.replace(lineOf(key), lineOf(key).slice(1));
    const file = parseSettingsFile(text, 'f');
    const given = file.get(key)!;
    expect([file.size, given.place]).toEqual([1, `f:${example.split('\n').indexOf(lineOf(key)) + 1}`]);
    const usual = SETTINGS[key].default;
    if (usual !== '') expect(given.value).toBe(usual);
    const flags = NEEDED[key]?.split(' ') ?? [];
    const machine = { cores: 2, memoryBytes: 2 ** 34, descriptors: 100_000 };
    expect(readSettings(flags, {}, machine, file)[key]).toBe(given.value);
  });

  test('marks what a reload changes', () => {
    for (const key of settings) {
      const lines = example.split('\n');
      let at = lines.indexOf(lineOf(key)) - 1;
      while (lines[at - 1]!.startsWith('#')) at -= 1;
      expect(lines[at]!.startsWith('# * '), key).toBe(SETTINGS[key].mayChange);
    }
  });
});
