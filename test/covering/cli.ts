/**
 * `npm run coverage`: runs the suite, and says what of src it ran, in this process, in threads and in the servers that
 * tests start. Fails if something was not run that gaps.ts does not name, or the other way round.
 *
 *     npm run coverage                    the whole suite
 *     npm run coverage -- test/server     some of it; then much is not run
 *     npm run coverage -- --keep          keeps the figures in bench/results
 *     npm run coverage -- --to FOLDER     keeps the counts; --from FOLDER reads them, and runs nothing
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { partsOf, readCounts } from './counts.ts';
import { GAPS } from './gaps.ts';
import { type Found, figuresOf, mistakesOf, percent, tableText } from './report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILED = join(ROOT, 'dist/src');
/** Not the server's: the tools, what they draw with, and the page, which a browser runs. */
const APART = /^(?:tools|cli\/terminal|http\/page)\//;

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

const folder = values.from ?? values.to ?? mkdtempSync(join(tmpdir(), 'tally-coverage-'));
if (values.from === undefined) runSuite(folder);
const counts = readCounts(folder, COMPILED);
if (values.from === undefined && values.to === undefined) rmSync(folder, { recursive: true });

const found: Found[] = [];
for (const name of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).sort()) {
  if (!name.endsWith('.ts') || APART.test(name)) continue;
  const compiled = join(COMPILED, name.replace(/\.ts$/, '.js'));
  for (const part of await partsOf(compiled, counts.get(compiled)))
    found.push({ ...part, file: `src/${name}` });
}

const files = [...new Set(found.map(({ file }) => file))];
const rows = files.map(file =>
  figuresOf(
    file,
    found.filter(part => part.file === file),
  ),
);
rows.push(figuresOf('all files', found));
console.log(`\n${tableText(rows)}\n`);
for (const { file, parts, why } of GAPS)
  console.log(`${file}: accepted, ${why}:\n${parts.map(part => `  ${part}\n`).join('')}`);
const mistakes = mistakesOf(found, GAPS);
for (const mistake of mistakes) console.log(mistake);
console.log(`${GAPS.length} accepted, ${mistakes.length} mistakes`);
if (values.keep) {
  const measures = rows.flatMap(({ file, lines, linesRun, branches, branchesRun }) => [
    figure(file, '% of lines run', 'higher', percent(linesRun, lines)),
    figure(file, '% of branches run', 'higher', percent(branchesRun, branches)),
  ]);
  keep('coverage', 'npm run coverage -- --keep', startedAt, measures);
}
if (mistakes.length > 0) process.exitCode = 1;
