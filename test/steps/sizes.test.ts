/** A step can be read in one sitting, and so can the difference to the next. Code only: no comments, no empty lines. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STEPS } from '../../steps/kit/manifest.ts';

const FOLDER = fileURLToPath(new URL('../../steps', import.meta.url));
const LINES_MAX = 200;
/** The last ones hold all that the others have taught. */
const LONGER: Record<number, number> = { 7: 215, 8: 230, 9: 270, 10: 290 };
const CHANGED_MAX = 120;

/** The lines of a file that hold a token, whatever else they hold. */
function codeLines(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const held = new Set<number>();
  const visit = (node: ts.Node) => {
    if (ts.isJSDoc(node)) return;
    if (node.getChildCount(source) > 0) return node.getChildren(source).forEach(visit);
    if (node.kind === ts.SyntaxKind.EndOfFileToken) return;
    const from = source.getLineAndCharacterOfPosition(node.getStart(source, false)).line;
    const to = source.getLineAndCharacterOfPosition(node.getEnd()).line;
    for (let line = from; line <= to; line += 1) held.add(line);
  };
  visit(source);
  return text.split('\n').filter((line, index) => held.has(index) && line.trim() !== '');
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tally-sizes-'));
  for (const step of STEPS)
    for (const name of readdirSync(join(FOLDER, step.folder)).filter(file => file.endsWith('.ts'))) {
      const copy = join(folder, step.folder, name);
      mkdirSync(dirname(copy), { recursive: true });
      writeFileSync(copy, `${codeLines(join(FOLDER, step.folder, name)).join('\n')}\n`);
    }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function linesOf(step: (typeof STEPS)[number]): number {
  const files = readdirSync(join(folder, step.folder));
  return files.reduce(
    (sum, name) => sum + readFileSync(join(folder, step.folder, name), 'utf8').split('\n').length - 1,
    0,
  );
}

describe('a step', () => {
  test.each(STEPS)('$number is short', step => {
    expect(linesOf(step)).toBeGreaterThan(5);
    expect(linesOf(step)).toBeLessThanOrEqual(LONGER[step.number] ?? LINES_MAX);
  });

  test.each(STEPS.slice(1))('$number differs from the one before in few lines', step => {
    const before = STEPS[step.number - 2]!;
    expect(changedLines(before.folder, step.folder)).toBeLessThanOrEqual(CHANGED_MAX);
  });
});

/** As `git diff --numstat` counts them: added and removed. */
function changedLines(from: string, to: string): number {
  let output = '';
  try {
    output = execFileSync('git', ['diff', '--no-index', '--numstat', from, to], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    // There are differences.
    output = (error as { stdout: string }).stdout;
  }
  return output
    .trimEnd()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split('\t')[0]) + Number(line.split('\t')[1]), 0);
}

describe('every step', () => {
  test.each(STEPS)('$number says at its top that it is wrong on purpose', step => {
    const text = readFileSync(join(FOLDER, step.folder, 'server.ts'), 'utf8');
    expect(text).toMatch(
      new RegExp(
        `^/\\*\\*\\n \\* Step ${step.number}: .+\\n \\*\\n \\* WRONG ON PURPOSE: .+ See README\\.md\\.\\n`,
      ),
    );
  });

  test.each(STEPS)('$number stands alone: it imports Node and its own files', step => {
    const files = readdirSync(join(FOLDER, step.folder)).filter(name => name.endsWith('.ts'));
    const imports = files.flatMap(name =>
      [...readFileSync(join(FOLDER, step.folder, name), 'utf8').matchAll(/from '([^']+)'/g)].map(
        match => match[1]!,
      ),
    );
    expect(imports.filter(name => !/^node:/.test(name) && !files.includes(name.replace('./', '')))).toEqual(
      [],
    );
  });
});
