/** Both servers of a lesson can be read in one sitting, and their difference is the lesson and nothing else. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import type { Lesson } from '../../steps/lesson-kit/lesson.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';

const LINES_MAX = 250;
const CHANGED_MIN = 20;
const CHANGED_MAX = 120;
const CHAPTER_LINES_MAX = 150;
const SIDES = ['wrong', 'right'] as const;
const MASTER = join(ROOT, 'steps/lesson-kit/shared');

const folderOf = ({ folder }: Lesson, side = '') => join(ROOT, 'steps', folder, side);
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
const linesIn = (text: string) => text.split('\n').length - 1;
const sides = LESSONS.flatMap(lesson => SIDES.map(side => ({ ...lesson, side, in: folderOf(lesson, side) })));

test('lessons have rising numbers, from 11 on, and each is a folder', () => {
  const numbers = LESSONS.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const folders = readdirSync(join(ROOT, 'steps')).filter(name => /^(?:1[1-9]|[2-9]\d)-/.test(name));
  expect(LESSONS.map(({ folder }) => folder)).toEqual(folders.sort());
  expect(numbers.map(String)).toEqual(folders.map(name => name.slice(0, 2)));
});

describe('the files that are the same everywhere', () => {
  test.each(sides)('are the same letter for letter in $folder/$side', ({ in: folder }) => {
    const names = readdirSync(MASTER);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(read(folder, name), name).toBe(read(MASTER, name));
  });

  test('are about 90 lines of code', () => {
    expect(
      readdirSync(MASTER).reduce((sum, name) => sum + linesIn(read(MASTER, name)), 0),
    ).toBeLessThanOrEqual(120);
  });
});

test.each(LESSONS)('what $folder calls is there', lesson => {
  const names = lesson.companions ?? [];
  expect(names.filter(name => !existsSync(join(folderOf(lesson), `${name}.ts`)))).toEqual([]);
});

describe('each server', () => {
  test.each(sides)('$folder/$side takes its flags, and without them goes as lesson.ts says', side => {
    const text = read(side.in, 'server.ts');
    for (const [name, { usual }] of Object.entries(side.flags))
      expect(text).toMatch(new RegExp(`'?${name}'?: \\{ type: 'string', default: '${usual}' \\}`));
  });

  test.each(sides)(`$folder/$side has at most ${LINES_MAX} lines`, ({ in: folder }) => {
    const names = readdirSync(folder);
    expect(names.filter(name => !name.endsWith('.ts'))).toEqual([]);
    expect(names.reduce((sum, name) => sum + linesIn(read(folder, name)), 0)).toBeLessThanOrEqual(LINES_MAX);
  });

  test.each(sides)('$folder/$side stands alone: Node, its own files, and the packages it names', side => {
    const imports = readdirSync(side.in).flatMap(name =>
      [...read(side.in, name).matchAll(/(?:from|import\() ?'([^']+)'/g)].map(match => match[1]!),
    );
    const isAllowed = (name: string) =>
      name.startsWith('node:') || side.packages.includes(name) || existsSync(join(side.in, name));
    expect(imports.filter(name => !isAllowed(name))).toEqual([]);
    expect(imports.filter(name => name.startsWith('../'))).toEqual([]);
  });

  test.each(sides)('$folder/$side says at its top what it is', ({ in: folder, side, number }) => {
    const text = read(folder, 'server.ts');
    expect(text).toMatch(new RegExp(`^/\\*\\*\\n \\* Lesson ${number}: `));
    const [head] = text.split('*/');
    expect(head).toContain('See README.md.');
    expect(/\* WRONG ON PURPOSE: /.test(head!)).toBe(side === 'wrong');
  });
});

test.each(LESSONS)(
  `from wrong to right, $folder changes ${CHANGED_MIN} to ${CHANGED_MAX} lines`,
  ({ folder }) => {
    const { stdout } = spawnSync('diff', ['-rN', 'wrong', 'right'], {
      cwd: join(ROOT, 'steps', folder),
      encoding: 'utf8',
    });
    const changed = stdout.split('\n').filter(line => /^[<>]/.test(line)).length;
    expect(changed).toBeGreaterThanOrEqual(CHANGED_MIN);
    expect(changed).toBeLessThanOrEqual(CHANGED_MAX);
  },
);

test.each(LESSONS)(`the chapter of $folder has at most ${CHAPTER_LINES_MAX} lines`, lesson => {
  expect(linesIn(read(folderOf(lesson), 'README.md'))).toBeLessThanOrEqual(CHAPTER_LINES_MAX);
});

test.each(LESSONS)('$folder has its tests', ({ folder }) => {
  const path = `test/lessons/${folder}.test.ts`;
  expect(existsSync(join(ROOT, path)), path).toBe(true);
  expect(read(ROOT, path)).toContain('testsOf(');
});

test('the packages of lessons are dependencies, with their reason in docs/architecture.md', () => {
  const { devDependencies, dependencies } = JSON.parse(read(ROOT, 'package.json')) as Record<string, object>;
  const named = new Set(LESSONS.flatMap(({ packages }) => packages));
  expect([...named].filter(name => !(name in { ...devDependencies, ...dependencies }))).toEqual([]);
  const reasons = read(join(ROOT, 'docs'), 'architecture.md');
  expect([...named].filter(name => !reasons.includes(`| \`${name}\``))).toEqual([]);
});
