import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseSettingsFile } from '../../src/config/file.ts';
import { describeSettings } from '../../src/config/help.ts';
import { readSettings } from '../../src/config/read.ts';
import { flagOf, nameOf, SETTINGS, type Settings, variableOf } from '../../src/config/settings.ts';
import { unknownVariables } from '../../src/config/sources.ts';

const KEYS = Object.keys(SETTINGS) as (keyof Settings)[];
const DESCRIPTORS = 1_000_000_000;

const MACHINE = { cores: 2, memoryBytes: 2 ** 34, descriptors: DESCRIPTORS };

const read = (args: string[] = [], env: NodeJS.ProcessEnv = {}, descriptors = DESCRIPTORS) =>
  readSettings(args, env, { ...MACHINE, descriptors });

/** The one line that is said about a configuration that can't be. */
function mistake(args: string[], env: NodeJS.ProcessEnv = {}, descriptors = DESCRIPTORS): string {
  try {
    read(args, env, descriptors);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    expect(message).not.toMatch(/[\r\n]/);
    return message;
  }
  throw new Error(`no mistake in ${args.join(' ')} ${JSON.stringify(env)}`);
}

/** Two values of each setting that are neither its default nor in conflict with the others. */
const VALUES: Record<keyof Settings, [string, string]> = {
  config: ['tally.toml', '/etc/tally.toml'],
  host: ['0.0.0.0', '::1'],
  port: ['0', '65535'],
  http: ['0', '65534'],
  httpHost: ['0.0.0.0', '::1'],
  httpOpen: ['none', 'all'],
  backlog: ['1', '2'],
  listen: ['tcp://[::1]:1', 'tcp+proxy://127.0.0.1:2,tcp://0.0.0.0:3'],
  socket: ['tally.sock', '/run/tally.sock'],
  socketMode: ['600', '777'],
  proxyProtocol: ['true', 'true'],
  exposed: ['true', 'true'],
  workers: ['63', '64'],
  ring: ['2', '4194304'],
  users: ['1', '16777216'],
  idsMax: ['0', '67108864'],
  idsMs: ['1', '604800000'],
  whenFull: ['wait', 'wait'],
  data: ['data', '/var/lib/tally'],
  sync: ['interval', 'never'],
  syncMs: ['1', '3600000'],
  segmentBytes: ['65536', '1073741824'],
  journalKeep: ['all', '30d'],
  cluster: ['nats://a:1', 'nats://a,tls://b:2'],
  node: ['a', 'shop_1-b'],
  clusterName: ['shop', 'shop-2'],
  clusterPartitions: ['1', '64'],
  clusterReplicas: ['1', '5'],
  clusterSnapshotBlocks: ['1', '1000000000'],
  clusterCreds: ['a.creds', '/etc/a.creds'],
  clusterCa: ['ca.pem', '/etc/ca.pem'],
  clusterCert: ['cert.pem', '/etc/cert.pem'],
  clusterKey: ['key.pem', '/etc/key.pem'],
  tlsCert: ['cert.pem', '/etc/cert.pem'],
  tlsKey: ['key.pem', '/etc/key.pem'],
  tlsClientCa: ['ca.pem', '/etc/ca.pem'],
  tokens: ['tokens', '/etc/tokens'],
  jwtKeys: ['keys.json', '/etc/keys.pem'],
  jwtAudience: ['tally', 'us'],
  jwtIssuer: ['issuer', 'https://issuer'],
  authMsMax: ['10', '3600000'],
  rateConnection: ['1', '10000000'],
  rateAddress: ['1', '10000000'],
  rateToken: ['1', '10000000'],
  rateUser: ['1', '10000000'],
  rateBurstMs: ['1', '3600000'],
  addressConnectionsMax: ['1', '1000000'],
  workUs: ['1', '10000000'],
  work: ['block', 'cpu'],
  firstSequence: ['2147483647', '4294967295'],
  lineBytesMax: ['512', '1048576'],
  connectionsMax: ['1', '1000000'],
  turnMsMax: ['1', '1000'],
  unsentBytesMax: ['16384', '67108864'],
  blockedMsMax: ['10', '86400000'],
  partialMsMax: ['10', '86400000'],
  keepaliveMs: ['0', '32767000'],
  idleMsMax: ['1', '86400000'],
  drainMsMin: ['0', '6000'],
  drainMsMax: ['100', '6100'],
  graceMsMax: ['0', '1001'],
  joinMsMax: ['10', '501'],
  shutdownMsMax: ['7500', '3600000'],
  debugRequests: ['true', 'true'],
  logLevel: ['error', 'debug'],
  logFormat: ['text', 'json'],
};

/** A file of settings says the same. */
const fileWith = (key: keyof Settings, text: string) =>
  parseSettingsFile(
    `${nameOf(key)} = ${typeof typed(key, text) === 'string' ? JSON.stringify(text) : text}\n`,
    'tally.toml',
  );

const OF_CLUSTER = { TALLY_CLUSTER: 'nats://a', TALLY_NODE: 'a' };
/** What a setting is about must be there too. */
const NEEDED: Partial<Record<keyof Settings, NodeJS.ProcessEnv>> = {
  sync: { TALLY_DATA: 'data' },
  syncMs: { TALLY_DATA: 'data', TALLY_SYNC: 'interval' },
  segmentBytes: { TALLY_DATA: 'data' },
  journalKeep: { TALLY_DATA: 'data' },
  cluster: { TALLY_NODE: 'a' },
  node: { TALLY_CLUSTER: 'nats://a' },
  clusterName: OF_CLUSTER,
  clusterPartitions: OF_CLUSTER,
  clusterReplicas: OF_CLUSTER,
  clusterSnapshotBlocks: OF_CLUSTER,
  clusterCreds: OF_CLUSTER,
  clusterCa: OF_CLUSTER,
  clusterCert: { ...OF_CLUSTER, TALLY_CLUSTER_KEY: 'key.pem' },
  clusterKey: { ...OF_CLUSTER, TALLY_CLUSTER_CERT: 'cert.pem' },
  tlsKey: { TALLY_TLS_CERT: 'cert.pem' },
  tlsClientCa: { TALLY_TLS_CERT: 'cert.pem' },
  jwtKeys: { TALLY_JWT_AUDIENCE: 'tally', TALLY_JWT_ISSUER: 'issuer' },
  jwtAudience: { TALLY_JWT_KEYS: 'keys.json', TALLY_JWT_ISSUER: 'issuer' },
  jwtIssuer: { TALLY_JWT_KEYS: 'keys.json', TALLY_JWT_AUDIENCE: 'tally' },
  httpOpen: { TALLY_TOKENS: 'tokens' },
  rateToken: { TALLY_TOKENS: 'tokens' },
};

/** There is no default for them where they are needed. */
const REQUIRED: (keyof Settings)[] = [
  ...(['cluster', 'node', 'clusterCert', 'clusterKey'] as const),
  ...(['jwtAudience', 'jwtIssuer', 'jwtKeys'] as const),
];

const typed = (key: keyof Settings, text: string) =>
  SETTINGS[key].is === 'integer' ? Number(text) : SETTINGS[key].is === 'switch' ? text === 'true' : text;
const flagged = (key: keyof Settings, text: string) =>
  SETTINGS[key].is === 'switch' ? [flagOf(key)] : [flagOf(key), text];

describe('every setting', () => {
  test.each(KEYS)('%s: a flag wins over its variable, a variable over the default', key => {
    const [one, other] = VALUES[key];
    const needed = NEEDED[key];
    expect(read()[key]).toBe(SETTINGS[key].default);
    expect(read([], { ...needed, [variableOf(key)]: one })[key]).toBe(typed(key, one));
    expect(read(flagged(key, other), needed)[key]).toBe(typed(key, other));
    expect(read(flagged(key, other), { ...needed, [variableOf(key)]: one })[key]).toBe(typed(key, other));
    if (!REQUIRED.includes(key))
      expect(read([], { ...needed, [variableOf(key)]: '' })[key]).toBe(SETTINGS[key].default);
  });

  test.each(KEYS.filter(key => key !== 'config'))(
    '%s: a variable wins over a file, a file over the default',
    key => {
      const [one, other] = VALUES[key];
      const [file, needed] = [fileWith(key, one), NEEDED[key] ?? {}];
      const holding = (args: string[], env: NodeJS.ProcessEnv) =>
        readSettings(args, { ...needed, ...env }, MACHINE, file)[key];
      expect(holding([], {})).toBe(typed(key, one));
      expect(holding([], { [variableOf(key)]: '' })).toBe(typed(key, one));
      expect(holding([], { [variableOf(key)]: other })).toBe(typed(key, other));
      expect(holding(flagged(key, other), {})).toBe(typed(key, other));
    },
  );

  test.each(KEYS)('%s leaves the others as they are', key => {
    const { [key]: _, ...others } = read(flagged(key, VALUES[key][0]), NEEDED[key]);
    const needed = NEEDED[key] ?? {};
    const least = REQUIRED.includes(key) ? { ...needed, [variableOf(key)]: VALUES[key][0] } : needed;
    const { [key]: __, ...defaults } = read([], least);
    expect(others).toEqual(defaults);
  });

  test.each(KEYS)('%s is listed in the help, with its default', key => {
    const row = describeSettings()
      .split('\n')
      .find(line => line.startsWith(`  ${flagOf(key)} `));
    expect(row).toBeDefined();
    if (SETTINGS[key].is !== 'switch')
      expect(row).toContain(`default ${SETTINGS[key].default === '' ? 'none' : SETTINGS[key].default}`);
  });

  test('has a name of its own, as a flag and as a variable', () => {
    expect(new Set(KEYS.map(flagOf)).size).toBe(KEYS.length);
    expect(new Set(KEYS.map(variableOf)).size).toBe(KEYS.length);
    expect([flagOf('lineBytesMax'), variableOf('lineBytesMax')]).toEqual([
      '--line-bytes-max',
      'TALLY_LINE_BYTES_MAX',
    ]);
  });

  test('has rows in the help that fit a wide terminal', () => {
    for (const row of describeSettings().split('\n')) expect(row.length, row).toBeLessThanOrEqual(150);
  });
});

const integers = KEYS.flatMap(key => {
  const setting = SETTINGS[key];
  return setting.is === 'integer' ? [{ key, min: setting.min, max: setting.max }] : [];
});

describe('a bad value', () => {
  test.each(integers)('of $key is named, with what would be right', ({ key, min, max }) => {
    for (const value of [
      `${min - 1}`,
      `${max + 1}`,
      '1.5',
      '1e3',
      '0x10',
      'many',
      '12 ',
      '99999999999999999999',
    ]) {
      const right = `is not a whole number from ${min} to ${max}`;
      expect(mistake([flagOf(key), value])).toBe(`${flagOf(key)} ${value} ${right}`);
      expect(mistake([], { [variableOf(key)]: value })).toBe(`${variableOf(key)} ${value} ${right}`);
    }
  });

  test('of a choice is named, with the choices', () => {
    expect(mistake(['--work', 'sleep'])).toBe('--work sleep is not one of block, cpu');
    expect(mistake([], { TALLY_LOG_LEVEL: 'loud' })).toBe(
      'TALLY_LOG_LEVEL loud is not one of error, warn, info, debug',
    );
  });

  test('of a switch is named', () => {
    expect(mistake([], { TALLY_DEBUG_REQUESTS: 'yes' })).toBe(
      'TALLY_DEBUG_REQUESTS yes is neither true nor false',
    );
    expect(read([], { TALLY_DEBUG_REQUESTS: '1' }).debugRequests).toBe(true);
    expect(read([], { TALLY_DEBUG_REQUESTS: '0' }).debugRequests).toBe(false);
    expect(mistake(['--debug-requests=yes'])).toBe('--debug-requests takes no value');
  });

  test('that is empty is one', () => {
    expect(mistake(['--host='])).toBe('--host is empty; the default is 127.0.0.1');
    expect(mistake(['--port='])).toMatch(/^--port .*is not a whole number from 0 to 65535$/);
  });

  test('of a variable does not matter where the flag is given', () => {
    expect(read(['--port', '1'], { TALLY_PORT: 'nonsense' }).port).toBe(1);
  });
});

describe('a bad flag', () => {
  test('is named, and a near one offered', () => {
    expect(mistake(['--prot', '1'])).toBe(
      'unknown flag --prot (--port?); tally serve --help lists the flags',
    );
    expect(mistake(['--nonsense'])).toBe('unknown flag --nonsense; tally serve --help lists the flags');
    expect(mistake(['--debug'])).toBe(
      'unknown flag --debug (--debug-requests?); tally serve --help lists the flags',
    );
  });

  test('without its value says so', () => {
    expect(mistake(['--port'])).toBe('--port needs a value');
    expect(mistake(['--port', '--ring', '8'])).toBe('--port needs a value');
  });

  test('and a word that is not a flag is one', () => {
    expect(mistake(['7878'])).toMatch(/'7878'.*settings are given as --flag value$/);
  });
});

describe('settings that do not go together', () => {
  test.each([
    [3, 4],
    [1000, 1024],
    [1025, 2048],
    [4194303, 4194304],
  ])('a ring of %i slots: the next power of two is %i', (slots, next) => {
    const wrong = `${slots} is not a power of two; the next is ${next}`;
    expect(mistake(['--ring', `${slots}`])).toBe(`--ring ${wrong}`);
    expect(mistake([], { TALLY_RING: `${slots}` })).toBe(`TALLY_RING ${wrong}`);
  });

  test('more connections than descriptors', () => {
    expect(mistake(['--connections-max', '961'], {}, 1_024)).toBe(
      '--connections-max 961 needs 1025 descriptors; this process may open 1024 (ulimit -n), which is enough for 960',
    );
    expect(read(['--connections-max', '960'], {}, 1_024).connectionsMax).toBe(960);
    expect(mistake([], { TALLY_CONNECTIONS_MAX: '961' }, 1_024)).toMatch(/^TALLY_CONNECTIONS_MAX 961 needs/);
  });

  test('the default number of connections gives way to the descriptors', () => {
    expect(read([], {}, 1_024).connectionsMax).toBe(960);
    expect(read([], {}, 65).connectionsMax).toBe(1);
    expect(read().connectionsMax).toBe(SETTINGS.connectionsMax.default);
  });

  test('too few descriptors for any connection', () => {
    const wrong = 'the server needs 65 descriptors at least; this process may open 60 (ulimit -n)';
    expect(mistake(['--workers', '1'], {}, 60)).toBe(wrong);
    expect(mistake(['--workers', '1', '--connections-max', '9'], {}, 60)).toBe(wrong);
    expect(mistake([], {}, 64)).toMatch(/needs 65/);
  });

  test('a shortest drain above the longest', () => {
    expect(mistake(['--http', '7878'])).toBe('--http 7878 is the port of the events; take another, or 0');
    expect(mistake(['--drain-ms-min', '6001'])).toBe('--drain-ms-min 6001 is above --drain-ms-max 6000');
    expect(mistake(['--drain-ms-max', '99'], { TALLY_DRAIN_MS_MIN: '100' })).toBe(
      'TALLY_DRAIN_MS_MIN 100 is above --drain-ms-max 99',
    );
  });

  test('stages that do not fit into the shutdown', () => {
    expect(mistake(['--shutdown-ms-max', '7499'])).toBe(
      'the stages of the shutdown take up to 7500 ms (--drain-ms-max 6000, --grace-ms-max 1000, --join-ms-max 500), more than --shutdown-ms-max 7499',
    );
    expect(read(['--shutdown-ms-max', '7500']).shutdownMsMax).toBe(7_500);
  });
});

describe('a variable that is no setting', () => {
  const unknown = (variables: string[]) =>
    unknownVariables(Object.fromEntries(variables.map(name => [name, '1']))).map(({ nearest }) => nearest);

  test('is told, with the setting that was meant', () => {
    expect(unknownVariables({ TALLY_PRT: '7999' })).toEqual([
      { variable: 'TALLY_PRT', nearest: 'TALLY_PORT' },
    ]);
    expect(unknown(['TALLY_prot', 'TALLY_CONNECTION_MAX', 'TALLY_DEBUG', 'TALLY_RING_SIZE'])).toEqual([
      'TALLY_PORT',
      'TALLY_CONNECTIONS_MAX',
      'TALLY_DEBUG_REQUESTS',
      'TALLY_RING',
    ]);
  });

  test('is told without one, where none is near', () => {
    expect(unknown(['TALLY_NONSENSE', 'TALLY_'])).toEqual([undefined, undefined]);
  });

  test('is no business of ours if it does not begin with TALLY_, or is empty', () => {
    expect(unknown(['TALLYHO', 'PORT', ...KEYS.map(variableOf)])).toEqual([]);
    expect(unknownVariables({ TALLY_PRT: '' })).toEqual([]);
    // Clients have it; servers may run beside them.
    expect(unknown(['TALLY_TOKEN'])).toEqual([]);
  });
});

test('the descriptors of this process allow at least one connection', () => {
  expect(readSettings([], {}).connectionsMax).toBeGreaterThan(0);
});
