/** The reckoning of coverage, on a source whose every part is known to be run or not. */
import { Session } from 'node:inspector';
import type { SourceMapPayload } from 'node:module';
import { runInThisContext } from 'node:vm';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { Counts, isRunIn, readMap, type ScriptCounts } from './counts.ts';
import type { Gap } from './gaps.ts';
import { partsOf } from './parts.ts';
import { type Found, figuresOf, mistakesOf, percent } from './report.ts';

/** What is not run says so: `// not: …`, the ways of the line that are not taken, or `all` of it. */
const SOURCE = `
interface Nothing { is: number }
const calls: number[] = [];
function choose(a: number, b?: number): number {
  if (a > 10) { // not: then
    calls.push(a); // not: all
  } else if (a > 5) calls.push(b ?? 0); // not: no else, ??
  if (a > 0) calls.push(1); // not: no else
  if (a > 7) return 1; // not: nothing
  const c = a === 6 ? 'six' : 'other'; // not: :
  return a > 100 && b === 1 ? 2 : c.length; // not: &&, ?
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
    case 'a':
    case 'b':
      return 1;
    case 'c': // not: case
      return 2; // not: all
    default: // not: case
      throw new Error('never'); // not: all
  }
}
const never = () => calls.length; // not: =>
choose(6, 1); choose(8, 2); new Box().kept; pick('a');
void (undefined as Nothing | undefined);
try { calls.push(1); } catch {
  calls.pop(); // not: all
}
`;

/** Compiles the source as the build does, runs it, and counts. */
function run(): Found[] {
  const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.None, sourceMap: true };
  const { outputText, sourceMapText } = ts.transpileModule(SOURCE, { compilerOptions: options });
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  runInThisContext(`{${outputText}\n}`, { filename: 'sample.js' });
  let script: ScriptCounts | undefined;
  session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
    script = (result as unknown as ScriptCounts[]).find(({ url }) => url === 'sample.js');
  });
  session.disconnect();
  const lengths = `{${outputText}\n}`.split('\n').map(line => line.length);
  const map = readMap(JSON.parse(sourceMapText!) as SourceMapPayload, lengths, 1);
  const counts = new Counts(map, script!);
  return partsOf('sample.ts', SOURCE).map(part => ({
    ...part,
    file: 'sample.ts',
    isRun: isRunIn(counts, part),
  }));
}

const found = run();

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
  expect([lines - linesRun, branches - branchesRun]).toEqual([
    new Set(found.filter(({ is, isRun }) => is === 'statement' && !isRun).map(({ line }) => line)).size,
    found.filter(({ is, isRun }) => is === 'branch' && !isRun).length,
  ]);
  expect([percent(999, 1_000), percent(9_999, 10_000), percent(3, 3), percent(0, 0)]).toEqual([
    99.9, 99.9, 100, 100,
  ]);
});

test('what is not run and not accepted is a mistake, and so is what is accepted and was run, or is gone', () => {
  const gapOf = ({ file, text, way }: Found): Gap => ({ file, text, way, why: 'a test' });
  const open = found.filter(({ isRun }) => !isRun);
  const covered = found.find(({ isRun }) => isRun)!;
  expect(mistakesOf(found, open.map(gapOf))).toEqual([]);
  expect(mistakesOf(found, open.slice(1).map(gapOf))).toEqual([
    expect.stringMatching(/^not run: sample\.ts:\d+/),
  ]);
  expect(mistakesOf(found, [...open.map(gapOf), gapOf(covered)])).toEqual([
    expect.stringMatching(/^accepted as not run, but run, or gone: /),
  ]);
  const lucky: Gap = { ...gapOf(covered), isSometimesRun: true };
  expect(mistakesOf(found, [...open.map(gapOf), lucky])).toEqual([]);
  expect(mistakesOf(found, [...open.map(gapOf), { ...lucky, text: 'gone' }])).toHaveLength(1);
});
