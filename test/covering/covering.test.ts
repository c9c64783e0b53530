/** The reckoning of coverage, on a source whose every part is known to be run or not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, expect, test } from 'vitest';
import { partsOf, readCounts } from './counts.ts';
import type { Gap } from './gaps.ts';
import { type Found, figuresOf, mistakesOf, nameOf, percent } from './report.ts';

/** What is not run says so: `// not: …`, the ways of the line that are not taken, or `all` of it. */
const SOURCE = `
interface Nothing { is: number }
const calls: number[] = [];
function choose(a: number, b?: number): number {
  if (a > 10) { // not: then
    calls.push(a); // not: all
  } else if (a > 5) calls.push(b ?? 0); // not: no else, operand 2
  if (a > 0) calls.push(1); // not: no else
  if (a > 7) return 1; // not: nothing
  const c = a === 6 ? 'six' : 'other'; // not: :
  return a > 100 && b === 1 ? 2 : c.length; // not: operand 2, ?
}
class Box {
  readonly #kept: number = 3;
  get kept(): number { return this.#kept; }
  unused(): void {
    for (const each of [1, 2]) calls.push(each); // not: all
  }
}
function pick(kind: string): number {
  switch (kind) {
    case 'a': return 1;
    case 'c': // not: case 2
      return 2; // not: all
    default: // not: case 3
      throw new Error('never'); // not: all
  }
}
const never = () => // the declaration was run
  calls.length; // not: all
if (process.argv.length === 3) calls.push(3);
choose(6, 1); choose(8, 2); new Box().kept; pick('a');
void (undefined as Nothing | undefined);
try { calls.push(1); } catch {
  calls.pop(); // not: all
}
`;

/** Compiles the source as the build does, and runs it in two processes, which go different ways. */
async function run(): Promise<Found[]> {
  const place = mkdtempSync(join(tmpdir(), 'tally-covering-'));
  afterAll(() => rmSync(place, { recursive: true }));
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ES2022, sourceMap: true };
  const compiled = ts.transpileModule(SOURCE, { compilerOptions, fileName: 'sample.ts' });
  const file = join(place, 'sample.js');
  writeFileSync(join(place, 'sample.ts'), SOURCE);
  writeFileSync(file, compiled.outputText);
  writeFileSync(`${file}.map`, compiled.sourceMapText!);
  const dumps = join(place, 'dumps');
  const env = { ...process.env, NODE_V8_COVERAGE: dumps };
  for (const args of [[], ['more']]) expect(spawnSync('node', [file, ...args], { env }).status).toBe(0);
  writeFileSync(join(dumps, 'killed.json'), '{"result":[{"url"');
  const made = readCounts(dumps, place).get(file);
  const parts = await partsOf(file, made);
  return parts.map(part => ({ ...part, file: 'sample.ts' }));
}

const found = await run();

test('every part is found to be run, or not, as it was', () => {
  for (const part of found) {
    const not = (part.text.split('// not: ')[1] ?? '').split(', ');
    const isRun = !not.includes('all') && (part.way === '' || !not.includes(part.way));
    expect({ ...part, isRun: part.isRun }).toEqual({ ...part, isRun });
  }
  expect(found.length).toBeGreaterThan(30);
});

test('a line is run if all its statements are; 100 % is said only of all', () => {
  const { lines, linesRun, branches, branchesRun } = figuresOf('sample.ts', found);
  const notRun = found.filter(({ isRun }) => !isRun);
  expect([lines - linesRun, branches - branchesRun]).toEqual([
    new Set(notRun.filter(({ way }) => way === '').map(({ line }) => line)).size,
    notRun.filter(({ way }) => way !== '').length,
  ]);
  expect([percent(999, 1_000), percent(9_999, 10_000), percent(3, 3), percent(0, 0)]).toEqual([
    99.9, 99.9, 100, 100,
  ]);
});

test('what is not run and not accepted is a mistake, and so is what is accepted and was run, or is gone', () => {
  const gapOf = (part: Found): Gap => ({ file: part.file, parts: [nameOf(part)], why: 'a test' });
  // What a way has as statements is not named twice.
  const open = found.filter(({ isRun, way }) => !isRun && !/^(?:then|case)/.test(way));
  const covered = found.find(({ isRun }) => isRun)!;
  expect(mistakesOf(found, open.map(gapOf))).toEqual([]);
  expect(mistakesOf(found, open.slice(1).map(gapOf))).toEqual([
    expect.stringMatching(/^not run: sample\.ts:\d+/),
  ]);
  expect(mistakesOf(found, [...open.map(gapOf), gapOf(covered)])).toEqual([
    expect.stringMatching(/^accepted as not run, but run or gone: /),
  ]);
  const lucky: Gap = { ...gapOf(covered), isSometimesRun: true };
  expect(mistakesOf(found, [...open.map(gapOf), lucky])).toEqual([]);
  expect(mistakesOf(found, [...open.map(gapOf), { ...lucky, parts: ['gone'] }])).toHaveLength(1);
});
