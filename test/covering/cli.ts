/**
 * `npm run coverage`: runs the suite, and says what of src it ran, in this process, in threads and in the servers that
 * tests start. Fails if a line or a branch was not run that gaps.ts does not name, or the other way round.
 *
 *     npm run coverage                    the whole suite
 *     npm run coverage -- test/server     some of it; then much is not run
 *     npm run coverage -- --keep          keeps the figures in bench/results
 *     npm run coverage -- --from FOLDER   reads the counts of an earlier run, which --to FOLDER has kept
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { isRunIn } from './counts.ts';
import { GAPS } from './gaps.ts';
import { partsOf } from './parts.ts';
import { type Figures, type Found, figuresOf, mistakesOf, percent, sumOf, tableText } from './report.ts';
import { ROOT, readScripts } from './scripts.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean' }, from: { type: 'string' }, to: { type: 'string' } },
});
const startedAt = new Date();

/** Runs the suite, and leaves the counts in a folder. A test that fails is said to; what it ran counts. */
function runSuite(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const config = ['--config', 'vitest.coverage.config.ts'];
  const { status } = spawnSync('npx', ['vitest', 'run', ...config, ...positionals], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NODE_V8_COVERAGE: folder },
  });
  if (status !== 0)
    console.log('\nSome tests failed: counting makes everything slower. What they ran counts.');
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return sourcesUnder(path);
      return entry.name.endsWith('.ts') ? [path] : [];
    })
    .sort();
}

/** What has been run of every file in src, and what has not. */
function look(folder: string): Found[] {
  const found = sourcesUnder('src').flatMap(file =>
    partsOf(file, readFileSync(join(ROOT, file), 'utf8')).map(part => ({ ...part, file, isRun: false })),
  );
  const open = new Map<string, Set<Found>>();
  for (const part of found) open.set(part.file, (open.get(part.file) ?? new Set()).add(part));
  readScripts(folder, (path, counts) => {
    const parts = open.get(path);
    for (const part of parts ?? []) {
      part.isRun = isRunIn(counts, part);
      if (part.isRun) parts!.delete(part);
    }
  });
  return found;
}

function keepFigures(rows: readonly Figures[]): void {
  const measures = rows.flatMap(({ file, lines, linesRun, branches, branchesRun }) => [
    figure(file, '% of lines run', 'higher', percent(linesRun, lines)),
    figure(file, '% of branches run', 'higher', percent(branchesRun, branches)),
  ]);
  keep('coverage', 'npm run coverage -- --keep', startedAt, measures);
}

const folder = values.from ?? values.to ?? mkdtempSync(join(tmpdir(), 'tally-coverage-'));
if (values.from === undefined) runSuite(folder);
const found = look(folder);
if (values.from === undefined && values.to === undefined) rmSync(folder, { recursive: true });

const files = [...new Set(found.map(({ file }) => file))].map(file =>
  figuresOf(
    file,
    found.filter(part => part.file === file),
  ),
);
const rows = [...files, sumOf(files)];
console.log(`\n${tableText(rows)}\n`);
const open = found.filter(part => !part.isRun);
for (const { file, text, why } of GAPS) console.log(`accepted: ${file}: ${text}\n          ${why}`);
const mistakes = mistakesOf(found, GAPS);
for (const mistake of mistakes) console.log(mistake);
console.log(`${open.length} not run, ${GAPS.length} accepted, ${mistakes.length} mistakes`);
if (values.keep) keepFigures(rows);
if (mistakes.length > 0) process.exitCode = 1;
