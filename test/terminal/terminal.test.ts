/** What terminals can do, and what is printed where they can do less. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addressText, readAddress, readHost } from '../../src/cli/terminal/address.ts';
import { asciiOf } from '../../src/cli/terminal/ascii.ts';
import { columnsOf } from '../../src/cli/terminal/drawing.ts';
import { MovingLine } from '../../src/cli/terminal/moving-line.ts';
import { folded } from '../../src/cli/terminal/prose.ts';
import { quote, quoteIfNeeded, withoutControls } from '../../src/cli/terminal/quoting.ts';
import { canRepaint, hasColour, hasUnicode } from '../../src/cli/terminal/terminal.ts';

const ESCAPE = '\u001b';
const terminal = { isTTY: true, columns: 80, rows: 24 };
const pipe = { isTTY: false, columns: 80, rows: 24 };

describe('colours and cursor', () => {
  test.each([
    [terminal, { TERM: 'xterm' }, true, true],
    [terminal, { TERM: 'dumb' }, false, false],
    [terminal, {}, false, false],
    [pipe, { TERM: 'xterm' }, false, false],
    [terminal, { TERM: 'xterm', NO_COLOR: '1' }, false, true],
    [terminal, { TERM: 'xterm', NO_COLOR: '' }, true, true],
    [pipe, { TERM: 'xterm', FORCE_COLOR: '1' }, true, false],
    [pipe, { TERM: 'dumb', FORCE_COLOR: '3', NO_COLOR: '1' }, true, false],
    [terminal, { TERM: 'xterm', FORCE_COLOR: '0' }, false, true],
    [terminal, { TERM: 'xterm', FORCE_COLOR: '' }, true, true],
  ])('%o with %o: colours %s, cursor %s', (out, environment, colours, cursor) => {
    expect(hasColour(out, environment)).toBe(colours);
    expect(canRepaint(out, environment)).toBe(cursor);
  });
});

describe('the locale', () => {
  test.each([
    [{}, false],
    [{ LANG: 'C' }, false],
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LANG: 'en_US.utf8' }, true],
    [{ LANG: 'de_DE.ISO-8859-1' }, false],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
    [{ LANG: 'C', LC_CTYPE: 'C.UTF-8', LC_ALL: 'POSIX' }, false],
    [{ LANG: 'C.UTF-8', LC_ALL: '' }, true],
  ])('%o has more than ASCII: %s', (environment, expected) => {
    expect(hasUnicode(environment)).toBe(expected);
  });

  test('bars and curves keep their widths in ASCII', () => {
    expect(asciiOf('██▌░ ▁▄█ ● ok – 3 × 2 µs')).toBe('##:. _=# * ok - 3 x 2 us');
    expect(asciiOf('step 4 → step 5 … 語')).toBe('step 4 -> step 5 ... ?');
  });

  test('every sign that the commands print has one in ASCII', () => {
    const files = [
      'src/cli',
      'src/config',
      'src/server',
      'src/tools',
      'steps/kit',
      'steps/race',
      'steps/explore',
    ].flatMap(folder =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.ts'))
        .map(name => join(folder, name)),
    );
    const printed = files.flatMap(file =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter(line => !/^\s*(?:\/?\*|\/\/)/.test(line))
        .flatMap(line => line.match(/(?![\p{L}\p{Extended_Pictographic}])\P{ASCII}/gu) ?? []),
    );
    expect(printed.length).toBeGreaterThan(100);
    expect([...new Set(printed)].filter(character => asciiOf(character) === '?')).toEqual([]);
  });

  test('a line that moves is cut after it was made ASCII, and is none where the cursor does not move', () => {
    const shown = (environment: NodeJS.ProcessEnv) => {
      const written: string[] = [];
      const out = { isTTY: true, columns: 20, write: (text: string) => written.push(text) };
      const line = new MovingLine(out as unknown as NodeJS.WriteStream, environment);
      line.show('… … … … … … … … … … …');
      line.clear();
      return written;
    };
    const [line = '', ...rest] = shown({ TERM: 'xterm', LC_ALL: 'C' });
    expect(line).toBe(`\r${ESCAPE}[K... ... ... ... ..~`);
    expect(columnsOf(line.slice(4))).toBe(19);
    expect(rest).toEqual([`\r${ESCAPE}[K`]);
    expect(shown({ TERM: 'dumb' })).toEqual([]);
  });
});

describe('lines that are too long', () => {
  const red = (text: string) => `${ESCAPE}[31m${text}${ESCAPE}[39m`;

  test('go on below their last column, or further right; colours take no room', () => {
    expect(
      folded(
        [
          'a-name    what it is, in so many words that they go on below',
          '  It hurts. This is longer than forty columns are.',
          `  ${red('It hurts.')} This is forty columns wide.  `.trimEnd(),
          'no column, no indent, and so it goes on at the edge',
          'a-word-without-a-blank-that-nobody-may-cut-in-two',
          '',
        ].join('\n'),
        40,
      ).split('\n'),
    ).toEqual([
      'a-name    what it is, in so many words',
      '          that they go on below',
      '  It hurts. This is longer than forty',
      '      columns are.',
      `  ${red('It hurts.')} This is forty columns wide.`,
      'no column, no indent, and so it goes on',
      'at the edge',
      'a-word-without-a-blank-that-nobody-may-cut-in-two',
      '',
    ]);
  });

  test('are measured as the locale shows them', () => {
    const before = process.env.LC_ALL;
    try {
      for (const [locale, expected] of [
        ['C.UTF-8', '1 → 2 → 3 … 4'],
        ['C', '1 -> 2 -> 3\n... 4'],
      ]) {
        process.env.LC_ALL = locale;
        expect(folded('1 → 2 → 3 … 4', 13)).toBe(expected);
      }
    } finally {
      if (before === undefined) delete process.env.LC_ALL;
      else process.env.LC_ALL = before;
    }
  });
});

describe('foreign text', () => {
  test('is quoted where it is more than plain', () => {
    expect(quoteIfNeeded('server_busy')).toBe('server_busy');
    expect(quoteIfNeeded(`${ESCAPE}[2J`)).toBe('"\\u001b[2J"');
    expect(quote('\u009b2J\u202e')).toBe('"?2J?"');
    expect(withoutControls(`${ESCAPE}[31mred${ESCAPE}[0m\n\ttab\u0007\u009b\r`)).toBe('red\n\ttab');
  });
});

describe('addresses', () => {
  test.each([
    ['7878', '127.0.0.1', 7_878],
    [':1', '127.0.0.1', 1],
    ['localhost:80', 'localhost', 80],
    ['[::1]:7878', '::1', 7_878],
  ])('%s is read', (text, host, port) => {
    expect(readAddress(text)).toEqual({ host, port });
  });

  test.each(['', ':', ':0', ':65536', '::1:7878', '[]:1', '[nonsense]:1', 'a b:1', 'http://a:1'])(
    '%j is none',
    text => expect(() => readAddress(text)).toThrow(/ is not (?:HOST:PORT|a host), such as /),
  );

  test('a host may have brackets, and is written with them where it needs them', () => {
    expect(['::1', '[::1]', 'localhost', '10.0.0.1'].map(text => readHost(text))).toEqual([
      '::1',
      '::1',
      'localhost',
      '10.0.0.1',
    ]);
    expect(() => readHost('', '--host ')).toThrow(
      '--host "" is not a host, such as 127.0.0.1, localhost or [::1]',
    );
    expect(() => readHost('127.0.0.1:7878')).toThrow(/is not a host/);
    expect(addressText({ host: '::1', port: 1 })).toBe('[::1]:1');
    expect(addressText({ host: 'a', port: 1 })).toBe('a:1');
  });
});
