/**
 * The style that a machine can check. What fails here is either a slip, or a rule that has to be changed with its
 * reason, in this file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { circles, deadNames, tooLong, wrongImports } from '../bench/structure/check.ts';
import { FOLDERS, filesUnder, importsOf, type SourceFile } from '../bench/structure/tree.ts';
import { ROOT } from '../src/tools/harness/root.ts';

/** The files of the server that may watch or send signals. */
const SIGNAL_FILES = ['src/cli/main.ts', 'src/signals.ts', 'src/server/shutdown.ts'];
/** Those that may end the process at once: before the server runs, and when it has a defect. */
const ENDING_FILES = ['src/cli/main.ts', 'src/cli/serve.ts'];
const TEXT = /\.(?:[cm]?[jt]s|c|rs|md|json)$/;

const code = FOLDERS.flatMap(folder => filesUnder(folder));
const src = code.filter(file => file.path.startsWith('src/'));
/** Without the other commands, which are processes of their own. */
const server = src.filter(
  ({ path }) => !/^src\/(?:tools|cli\/terminal|(?:journal|security)\/cli)\//.test(path),
);
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

test('the rules look at something', () => {
  expect(src.length).toBeGreaterThan(20);
  expect(code.flatMap(importsOf).length).toBeGreaterThan(60);
});

describe('files', () => {
  test('none is too long for its room', () => {
    expect(tooLong(code)).toEqual([]);
  });

  test('every one in src starts with a comment that says why it exists', () => {
    const start = /^(?:#!.*\n)?\/\*\*(?:\n \*)? \S.{20,}/;
    expect(src.filter(file => !start.test(file.text)).map(file => file.path)).toEqual([]);
  });

  test('there is no barrel, and no room for what belongs nowhere', () => {
    const names = /(?:^|\/)(?:index|utils?|helpers?|common|misc)\.[cm]?[jt]s$/;
    expect(code.filter(file => names.test(file.path)).map(file => file.path)).toEqual([]);
  });

  test('none names a path of the machine it was written on', () => {
    const machinePath = /(?<![\w.:/-])\/(?:work|tmp|root|home)\b/;
    // The machine under systemd is made by its test, and has these folders.
    const own = /^test\/(?:tidy\.test|deploy\/(?:machine|unit-promises))\.ts$/;
    const files = [...code.filter(({ path }) => !own.test(path)), ...documents];
    expect(linesWith(files, machinePath)).toEqual([]);
  });
});

describe('rooms', () => {
  // The micro benches measure what the engine's ways cost beside others, which are made of Atomics too.
  test('Atomics are used by the engine and the journal only, and by tests, steps and micro benches', () => {
    const outside = code.filter(
      ({ path }) => !/^(?:src\/engine|src\/journal|test|steps|bench\/micro)\//.test(path),
    );
    expect(linesWith(outside, /\bAtomics\b/)).toEqual([]);
  });

  test('signals are watched and sent in three files only', () => {
    const others = server.filter(file => !SIGNAL_FILES.includes(file.path));
    const watching = /\bprocess\.(?:on|once|off|addListener|removeListener|kill)\((?!'warning')/;
    expect(linesWith(others, watching)).toEqual([]);
  });

  test('no socket appears in the engine', () => {
    const engine = src.filter(file => file.path.startsWith('src/engine/'));
    expect(linesWith(engine, /'(?:node:)?(?:net|tls|dgram|http|https|http2)'|\bSocket\b/)).toEqual([]);
  });

  test('jose is imported by one file, which is loaded only where it is needed', () => {
    const [jose, verifier] = ['jose', './jwt.ts'].map(wanted =>
      src.flatMap(file =>
        importsOf(file)
          .filter(({ name, isType }) => name === wanted && !isType)
          .map(({ name }) => linesWith([file], new RegExp(`'${name}'`)).join()),
      ),
    );
    expect(jose).toEqual([expect.stringMatching(/^src\/security\/jwt\.ts:/)]);
    expect(verifier).toEqual([expect.stringMatching(/^src\/security\/authority\.ts:.* = await import\(/)]);
  });

  test('each imports only what it may', () => {
    expect(wrongImports(code)).toEqual([]);
  });

  test('the client is for programs of others: nothing in src imports it', () => {
    const others = src.filter(file => !file.path.startsWith('src/client/'));
    const importing = others.filter(file =>
      importsOf(file).some(({ path }) => path?.startsWith('src/client/')),
    );
    expect(importing.map(file => file.path)).toEqual([]);
  });

  test('no files import one another', () => {
    expect(circles(code)).toEqual([]);
  });

  test('whatever has a rule is there', () => {
    expect(deadNames(code)).toEqual([]);
  });
});

describe('code', () => {
  test('nothing ends the process at once while the server runs', () => {
    const others = server.filter(file => !ENDING_FILES.includes(file.path));
    expect(linesWith(others, /\bprocess\.(?:exit|abort|reallyExit)\(/)).toEqual([]);
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
          .filter(({ name }) => name.startsWith('.') && !name.endsWith('.ts'))
          .map(({ name }) => `${file.path} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });
});
