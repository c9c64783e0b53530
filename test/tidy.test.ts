/**
 * The style that a machine can check. What fails here is either a slip, or a rule that has to be changed with its
 * reason, in this file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const FILE_LINES_MAX = 350;
/** Files that may be longer, up to so many lines, because cutting them would part what belongs together. */
const LONGER_FILES: Record<string, number> = {
  'src/config/settings.ts': 380, // a table of all the settings, and what checks them
  'src/protocol/json-parser.ts': 380, // one grammar, one pass
};
/** The files that may watch or send signals. */
const SIGNAL_FILES = ['src/cli/main.ts', 'src/server/shutdown.ts'];
const CODE = /\.(?:[cm]?[jt]s|c|rs)$/;
const TEXT = /\.(?:[cm]?[jt]s|c|rs|md|json)$/;
/** Written by tools, or not ours. */
const FOREIGN = ['node_modules', 'results', 'target'];

interface SourceFile {
  path: string;
  text: string;
}

function filesUnder(folder: string, wanted: RegExp): SourceFile[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return FOREIGN.includes(entry.name) ? [] : filesUnder(path, wanted);
    return wanted.test(entry.name) ? [{ path, text: readFileSync(join(ROOT, path), 'utf8') }] : [];
  });
}

const code = ['src', 'test', 'bench', 'steps'].flatMap(folder => filesUnder(folder, CODE));
const src = code.filter(file => file.path.startsWith('src/'));
const documents = [
  ...['docs', 'steps', 'bench'].flatMap(folder => filesUnder(folder, TEXT)),
  ...['README.md', 'CHANGELOG.md', 'package.json', '.ci/run'].map(path => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  })),
];

/** `path:line: text` of every line that matches. */
function linesWith(files: SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** What a file imports, re-exports or loads with `import(…)`. */
function importsOf({ text }: SourceFile): string[] {
  const statements = text.matchAll(/^(?:import|export|\}) ?(?:[^'"`;]*\bfrom )?'([^']+)';?$/gm);
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g);
  return [...statements, ...calls].map(match => match[1]!);
}

test('the rules look at something', () => {
  expect(src.length).toBeGreaterThan(20);
  expect(code.flatMap(importsOf).length).toBeGreaterThan(60);
});

describe('files', () => {
  test('none is too long to read in one sitting', () => {
    const tooLong = code.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1;
      const linesMax = LONGER_FILES[path] ?? FILE_LINES_MAX;
      return lines > linesMax ? [`${path} has ${lines} lines, more than ${linesMax}`] : [];
    });
    expect(tooLong).toEqual([]);
  });

  test('the ones that may be longer are there', () => {
    expect(Object.keys(LONGER_FILES).filter(path => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('every one in src starts with a comment that says why it exists', () => {
    const start = /^(?:#!.*\n)?\/\*\*\n \* \S.{20,}/;
    expect(src.filter(file => !start.test(file.text)).map(file => file.path)).toEqual([]);
  });

  test('there is no barrel, and no room for what belongs nowhere', () => {
    const names = /(?:^|\/)(?:index|utils?|helpers?|common|misc)\.[cm]?[jt]s$/;
    expect(code.filter(file => names.test(file.path)).map(file => file.path)).toEqual([]);
  });

  test('none names a path of the machine it was written on', () => {
    const machinePath = /(?<![\w.:/-])\/(?:work|tmp|root|home)\b/;
    const files = [...code.filter(file => file.path !== 'test/tidy.test.ts'), ...documents];
    expect(linesWith(files, machinePath)).toEqual([]);
  });
});

describe('rooms', () => {
  // The micro benches measure what the engine's ways cost beside others, which are made of Atomics too.
  test('Atomics are used by the engine only, and by tests, steps and micro benches', () => {
    const outside = code.filter(({ path }) => !/^(?:src\/engine|test|steps|bench\/micro)\//.test(path));
    expect(linesWith(outside, /\bAtomics\b/)).toEqual([]);
  });

  test('signals are watched and sent in two files only', () => {
    const others = src.filter(file => !SIGNAL_FILES.includes(file.path));
    expect(linesWith(others, /\bprocess\.(?:on|once|off|addListener|removeListener|kill)\(/)).toEqual([]);
  });

  test('no socket appears in the engine', () => {
    const engine = src.filter(file => file.path.startsWith('src/engine/'));
    expect(linesWith(engine, /'(?:node:)?(?:net|tls|dgram|http|https|http2)'|\bSocket\b/)).toEqual([]);
  });

  // But for the explorer's scenarios: the server's own modules are what they run.
  test('the load generator and the steps import nothing from src', () => {
    const apart = code.filter(
      ({ path }) => /^(?:bench\/load|steps)\//.test(path) && !path.startsWith('steps/explore/scenarios/'),
    );
    const imports = apart.flatMap(file =>
      importsOf(file)
        .filter(name => name.startsWith('.'))
        .map(name => `${file.path} imports ${relative(ROOT, resolve(ROOT, dirname(file.path), name))}`),
    );
    expect(imports.filter(line => / imports src\//.test(line))).toEqual([]);
  });
});

describe('code', () => {
  test('nothing in src ends the process at once', () => {
    expect(linesWith(src, /\bprocess\.(?:exit|abort|reallyExit)\(/)).toEqual([]);
  });

  test('nothing is left over from work under way', () => {
    // The classes of one letter keep this file from finding itself.
    const leftOver = /\bTO[D]O\b|\bFIX[M]E\b|\bX[X]X\b|\b(?:test|it|describe)\.onl[y]\(|\bdebugge[r];/;
    expect(linesWith(code, leftOver)).toEqual([]);
  });

  test('there is no enum and no namespace: a Node that strips types can run every file', () => {
    const typed = code.filter(file => file.path.endsWith('.ts'));
    const pattern = /^\s*(?:export )?(?:declare )?(?:const )?(?:enum|namespace) \w/;
    expect(linesWith(typed, pattern)).toEqual([]);
  });

  test('every relative import names its file, with .ts', () => {
    const wrong = code
      .filter(file => file.path.endsWith('.ts'))
      .flatMap(file =>
        importsOf(file)
          .filter(name => name.startsWith('.') && !name.endsWith('.ts'))
          .map(name => `${file.path} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });
});
