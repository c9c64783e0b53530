/** Mistakes planted into real nodes: the checkers of cluster-chaos must find each, over what clients saw. */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { isNatsMissing } from '../cluster/nats.ts';
import { PLANTED } from '../cluster/planted.ts';
import { withMistake } from '../cluster/planting.ts';
import { tortureCluster } from '../support/cluster-cycles.ts';

const RUNS = 30;

test
  .skipIf(isNatsMissing)
  .each([
    'an event is acknowledged when it is gathered',
    'a fresh balance is that of this node, now',
    'a balance waits for nothing',
    'a debit is answered as if it were the whole transfer',
    'blocks of other nodes are taken for own ones',
  ])('%s', { timeout: RUNS * 120_000 }, async what => {
  const planted = PLANTED.find(each => each.what === what)!;
  const folder = mkdtempSync(join(tmpdir(), 'tally-planted-'));
  try {
    cpSync(join(ROOT, 'dist/src'), join(folder, 'dist/src'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const { outputText } = ts.transpileModule(withMistake(planted), {
      compilerOptions: {
        ...{ module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(join(folder, 'dist/src/cluster', `${planted.file}.js`), outputText);
    const program = join(folder, 'dist/src/cli/main.js');
    const found = await tortureCluster({ runs: RUNS, program }).catch((error: Error) => error.message);
    console.log(`${what}: ${found}`);
    expect(found).toMatch(/complaints|behind all runs/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
