/** A file of settings: what it may say, and that every mistake in it is one line that begins with its place. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseSettingsFile } from '../../src/config/file.ts';
import { loadSettings } from '../../src/config/read.ts';
import { KEYS, nameOf, SETTINGS, type Settings } from '../../src/config/settings.ts';
import { statementsIn } from '../../src/config/statements.ts';

const MACHINE = { cores: 2, memoryBytes: 2 ** 34, descriptors: 100_000 };
const folder = mkdtempSync(join(tmpdir(), 'tally-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valuesIn = (text: string) =>
  Object.fromEntries(
    [...parseSettingsFile(text, 'f')].map(([key, { value, place }]) => [key, [value, place]]),
  );

function mistakeIn(text: string): string {
  try {
    parseSettingsFile(text, 'f');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`no mistake in ${text}`);
}

let files = 0;
function fileOf(text: string | Uint8Array): string {
  const path = join(folder, `${++files}.toml`);
  writeFileSync(path, text);
  return path;
}

/** The one line about a file, with its path as `FILE`. */
async function refusal(path: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const loading = loadSettings(['--config', path, ...args], env, MACHINE);
  const { message } = await loading.then(
    () => expect.unreachable('it was taken'),
    (error: Error) => error,
  );
  return message.replaceAll(path, 'FILE');
}

describe('a file', () => {
  test('gives numbers, texts and switches, each with its line', () => {
    const text = [
      '\uFEFF# a comment = 1',
      'line-bytes-max = 16_384 # in bytes',
      '',
      '  host="0.0.0.0"',
      "log-level = '''",
      "debug'''\t",
      '"debug-requests" = true',
      'data = """\\',
      '   /a # b \\"" \\',
      '   """',
      'idle_ms_max = 0x10\r',
      'port=+1',
    ];
    expect(valuesIn(text.join('\n'))).toEqual({
      lineBytesMax: [16_384, 'f:2'],
      host: ['0.0.0.0', 'f:4'],
      logLevel: ['debug', 'f:5'],
      debugRequests: [true, 'f:7'],
      data: ['/a # b "" ', 'f:8'],
      idleMsMax: [16, 'f:11'],
      port: [1, 'f:12'],
    });
  });

  test('may be empty', () => {
    for (const text of ['', '\n', '# only words', '\r\n\r\n']) expect(valuesIn(text)).toEqual({});
  });

  test.each([
    ['port = 1\nprot = 2', 'f:2: prot is no setting (port?)'],
    ['conections_max = 2', 'f:1: conections_max is no setting (connections-max?)'],
    ['nonsense = 1', 'f:1: nonsense is no setting'],
    ['"a b\\u0007" = 1', 'f:1: "a b\\u0007" is no setting'],
    ['__proto__ = 1', 'f:1: __proto__ is no setting'],
    ['\n[limits]\nport = 1', 'f:2: [limits] is a table; settings stand at the top level'],
    ['[[port]]', 'f:1: [[port]] is a table; settings stand at the top level'],
    ['limits.port = 1', 'f:1: limits is a table; settings stand at the top level'],
    ['port = { is = 1 }', 'f:1: port is a table; settings stand at the top level'],
    ['port = 1\n# x\nport = 2', /^f:3:1: trying to redefine/],
    [
      'line-bytes-max = 512\nline_bytes_max = 512',
      'f:2: line_bytes_max is line-bytes-max, which stands in line 1 already',
    ],
    ['port = 1\nring = ', /^f:2:\d: \w/],
    ['host = "a', /^f:1:8: unfinished string$/],
    ['\ndata = ./x', 'f:2:8: data takes a text in quotes'],
    ['host = 0.0.0.0', 'f:1:11: host takes a text in quotes'],
    ['log_level = info', 'f:1:16: log_level takes a text in quotes'],
    ['exposed = yes', 'f:1:11: exposed takes true or false, without quotes'],
    ['idle-ms-max = 10s', 'f:1:17: idle-ms-max takes a whole number, without quotes'],
    ['data = "a" b', /^f:1:12: each key-value/],
    ['port', /^f:1:\d: /],
    ['port = "7878"', 'f:1: port is the text "7878"; it takes a whole number, without quotes'],
    ['port = 7878.0', 'f:1: port is 7878; it takes a whole number, without quotes'],
    ['port = 1.5', 'f:1: port is 1.5; it takes a whole number, without quotes'],
    ['port = [1,\n 2]', 'f:1: port is a list; it takes a whole number, without quotes'],
    ['port = 2026-11-29', 'f:1: port is a date or a time; it takes a whole number, without quotes'],
    ['port = 70_000', 'f:1: port 70000 is not a whole number from 0 to 65535'],
    [`port = 1${'0'.repeat(30)}`, 'f:1: port is a number of more than 64 bits'],
    [
      'debug-requests = "true"',
      'f:1: debug-requests is the text "true"; it takes true or false, without quotes',
    ],
    ['debug-requests = 1', 'f:1: debug-requests is 1; it takes true or false, without quotes'],
    ['host = true', 'f:1: host is true; it takes a text in quotes'],
    ['host = ""', 'f:1: host is empty; the default is 127.0.0.1'],
    ['data = ""', 'f:1: data is empty; the default is none'],
    ['host = "a\\nb"', 'f:1: host has a control character in its text'],
    ['log-level = "loud"', 'f:1: log-level loud is not one of error, warn, info, debug'],
    ['config = "other.toml"', "f:1: config can't be given in a file: a file names no other"],
  ])('%j is refused', (text, why) => {
    if (typeof why === 'string') expect(mistakeIn(text)).toBe(why);
    else expect(mistakeIn(text)).toMatch(why);
  });

  test('may hold a long text, but none without end', () => {
    const long = (characters: number) => `data = "${'x'.repeat(characters)}"`;
    expect(valuesIn(long(4_096))).toEqual({ data: ['x'.repeat(4_096), 'f:1'] });
    expect(mistakeIn(long(4_097))).toBe('f:1: data has more than 4096 characters');
  });
});

describe('what a file says beside flags and variables', () => {
  test('a flag wins over a variable, that over a file, and that over the default', async () => {
    const path = fileOf('port = 1\nring = 8\nusers = 9\n');
    const { settings, given } = await loadSettings(
      ['--port', '3'],
      { TALLY_CONFIG: path, TALLY_PORT: '2', TALLY_RING: '16' },
      MACHINE,
    );
    expect(settings).toMatchObject({ config: path, port: 3, ring: 16, users: 9, backlog: 511 });
    const from = (key: keyof Settings) => given.get(key)?.place ?? given.get(key)?.name;
    expect([from('port'), from('ring'), from('users'), from('backlog')]).toEqual([
      '--port',
      'TALLY_RING',
      `${path}:3`,
      undefined,
    ]);
  });

  test('a mistake in it is one, whatever is given beside', async () => {
    expect(await refusal(fileOf('port = "x"'), ['--port', '1'])).toMatch(/^FILE:1: port is the text/);
    expect(await refusal(fileOf('port = "x"'), ['--prot', '1'])).toMatch(/^unknown flag --prot/);
  });

  test.each([
    ['ring = 1000', [], {}, 'FILE:1: ring 1000 is not a power of two; the next is 1024'],
    ['\ndrain-ms-min = 6001', [], {}, 'FILE:2: drain-ms-min 6001 is above --drain-ms-max 6000'],
    [
      'drain-ms-max = 99',
      [],
      { TALLY_DRAIN_MS_MIN: '100' },
      'FILE:1: TALLY_DRAIN_MS_MIN 100 is above drain-ms-max 99',
    ],
    ['sync = "never"', [], {}, 'FILE:1: sync is about a journal; say with --data DIR where it is'],
    ['data = "d"\nsync-ms = 5', [], {}, 'FILE:2: sync-ms is for --sync interval; --sync is always'],
    ['port = 1', ['--ring', '3'], {}, '--ring 3 is not a power of two; the next is 4'],
    ['http = 7878', [], {}, 'FILE:1: http 7878 is the port of the events; take another, or 0'],
    [
      'grace-ms-max = 2000',
      [],
      {},
      'FILE:1: the stages of the shutdown take up to 8500 ms (--drain-ms-max 6000, grace-ms-max 2000, --join-ms-max 500), more than --shutdown-ms-max 8000',
    ],
  ])('%j does not go with the rest', async (text, args, env, why) => {
    expect(await refusal(fileOf(text), args, env as NodeJS.ProcessEnv)).toBe(why);
  });
});

describe('a file that can not be read', () => {
  test('is not there, or is none, or is too large, or has other bytes', async () => {
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    mkdirSync(join(folder, 'dir'));
    expect(await refusal(join(folder, 'none'))).toBe('--config FILE: no such file or directory');
    expect(await refusal(join(folder, 'dir'))).toBe('--config FILE is not a file that can be read again');
    expect(await refusal(pipe)).toBe('--config FILE is not a file that can be read again');
    expect(await refusal(fileOf(`#${' '.repeat(2 ** 20)}`))).toBe(
      '--config FILE has more than 1048576 bytes',
    );
    expect(await refusal(fileOf(Uint8Array.of(0x23, 0xff)))).toBe(
      '--config FILE is not UTF-8, as TOML has to be',
    );
    await expect(loadSettings([], { TALLY_CONFIG: `${folder}/no\nne` }, MACHINE)).rejects.toThrow(
      /^TALLY_CONFIG ".*no\?nne": no such file or directory$|^TALLY_CONFIG ".*no\\nne": no such file or directory$/,
    );
    await expect(loadSettings(['--config', ''], {}, MACHINE)).rejects.toThrow(
      '--config is empty; the default is none',
    );
  });

  test('is allowed a MiB, and read quickly', async () => {
    const path = fileOf(`${'\n'.repeat(2 ** 20 - 9)}port = 1\n`);
    const startMs = performance.now();
    expect((await loadSettings(['--config', path], {}, MACHINE)).settings.port).toBe(1);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});

/** A piece of a line of TOML, right or wrong. */
const pieceArbitrary = fc.oneof(
  fc.constantFrom(...KEYS.map(nameOf), ...KEYS.map(key => nameOf(key).replaceAll('-', '_'))),
  fc.constantFrom(
    '=',
    ' = ',
    '[',
    ']',
    '{',
    '}',
    '"',
    '"""',
    "'",
    "'''",
    '#',
    ',',
    '.',
    '\\',
    '\n',
    '\r\n',
    '\r',
    ' ',
  ),
  fc.constantFrom(
    'true',
    'false',
    '0',
    '1',
    '64',
    '7878',
    '1.5',
    'inf',
    '"info"',
    '"x"',
    '2026-11-29',
    '"\\u0000"',
    '\0',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** A setting as a file may say it, with what may stand around it; and in which of its lines the key is. */
const settingArbitrary = fc
  .record({
    key: fc.constantFrom(...KEYS.filter(key => key !== 'config')),
    before: fc.array(fc.constantFrom('\n', ' \n', '# "a [ \'\n', '#"""\r\n', '\r\n'), { maxLength: 3 }),
    indent: fc.constantFrom('', ' ', '\t'),
    isUnderscored: fc.boolean(),
    isQuoted: fc.boolean(),
    form: fc.nat(3),
    end: fc.constantFrom('\n', '\r\n', ' # "\n', "#'''\r\n", '\t# ] }\n'),
  })
  .map(({ key, before, indent, isUnderscored, isQuoted, form, end }) => {
    const setting = SETTINGS[key];
    const name = isUnderscored ? nameOf(key).replaceAll('-', '_') : nameOf(key);
    const shown = isQuoted ? `"${name}"` : name;
    const value = setting.is === 'text' ? `"a#b's" [` : setting.default;
    const written =
      typeof value !== 'string' ? String(value) : writtenText(value, setting.is === 'text' ? form : form % 2);
    return {
      ...{ key, value, line: before.length },
      text: `${before.join('')}${indent}${shown} = ${written}${end}`,
    };
  });

function writtenText(text: string, form: number): string {
  const escaped = text.replaceAll('"', '\\"');
  if (form === 0) return `"${escaped}"`;
  if (form === 1) return `"""\n${escaped}"""`;
  if (form === 2) return `"""\\\n\n  ${escaped}\\\n  """`;
  return `'''\n${text}'''`;
}

describe('any text', () => {
  test('gives settings, or a mistake of one line with its place', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 3, arbitrary: pieceArbitrary },
            { weight: 1, arbitrary: settingArbitrary.map(({ text }) => text) },
          ),
        ),
        pieces => {
          const text = pieces.join('');
          const lines = text.split('\n').length;
          let given: ReturnType<typeof parseSettingsFile>;
          try {
            given = parseSettingsFile(text, 'f');
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            const { message } = error as Error;
            expect(message).toMatch(/^f:\d+:(?:\d+:)? \S/);
            expect(message).not.toMatch(/\p{Cc}/u);
            expect(Number(message.split(':')[1])).toBeLessThanOrEqual(lines);
            return;
          }
          // All of what the parser sees in it, and nothing else.
          const seen = Object.keys(parse(text)).map(name => name.replaceAll('_', '-'));
          expect([...given.keys()].map(nameOf).sort()).toEqual(seen.sort());
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('that is right gives each setting with its line', () => {
    const settingsArbitrary = fc.uniqueArray(settingArbitrary, { selector: ({ key }) => key, maxLength: 12 });
    fc.assert(
      fc.property(settingsArbitrary, settings => {
        let line = 1;
        const wanted = settings.map(({ key, value, line: before, text }) => {
          const place = `f:${line + before}`;
          line += text.split('\n').length - 1;
          return [key, [value, place]];
        });
        expect(valuesIn(settings.map(({ text }) => text).join(''))).toEqual(Object.fromEntries(wanted));
      }),
      { numRuns: 500 },
    );
  });

  test('is cut into statements that are all of it, in their order', () => {
    fc.assert(
      fc.property(fc.array(pieceArbitrary), pieces => {
        const text = pieces.join('');
        const lines = text.split('\n');
        let at = 0;
        for (const { line, text: statement } of statementsIn(text)) {
          at = text.indexOf(statement, at);
          expect(at).toBeGreaterThanOrEqual(0);
          expect(lines[line - 1]!.trimStart().startsWith(statement.split('\n')[0]!)).toBe(true);
          at += statement.length;
        }
      }),
    );
  });
});
