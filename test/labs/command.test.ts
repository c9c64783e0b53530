/** `tally lab`: finds a lab by its name, and says which there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { LABS } from '../../steps/labs/command.ts';
import { runCli } from '../support/server.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('every folder is a lab, and the page and the chapter of its step lead to it', () => {
  const folders = readdirSync(join(ROOT, 'steps/labs')).filter(name => /^\d/.test(name));
  expect(LABS.map(({ folder }) => folder)).toEqual(folders);
  for (const { name, folder } of LABS) {
    const step = STEPS.find(({ number }) => number === Number.parseInt(folder, 10))!;
    expect(read('steps/labs/README.md')).toContain(`[${name}](${folder}/README.md)`);
    expect(read(`steps/${step.folder}/README.md`)).toContain(`npx tally lab ${name}`);
  }
});

test('labs need Node alone: what they import is of Node, or of this repository', () => {
  for (const { folder } of LABS)
    for (const file of readdirSync(join(ROOT, 'steps/labs', folder)).filter(one => one.endsWith('.ts'))) {
      const imports = [...read(`steps/labs/${folder}/${file}`).matchAll(/ from '([^']+)'/g)];
      expect(imports.filter(([, from]) => !/^(?:node:|\.)/.test(from!))).toEqual([]);
    }
});

test.each([
  [[], 'which one? There are await and read-mostly'],
  [['awake'], 'there is no lab awake; there are await and read-mostly'],
  [['await', '--entries', '4'], 'lab await does not take --entries'],
  [['read-mostly', '--entries', '1'], '--entries 1 is not a whole number from 2 to 1000000'],
])('tally lab %j is wrong usage', async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(['lab', ...args]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(`tally lab: ${message}`);
});

test('a lab prints what it has measured', async () => {
  const { exitCode, stdout } = await runCli(['lab', 'await']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^Lab await: [\s\S]*generators, our executor +\d+ ms +\d+ ms[\s\S]*SuspendGenerator 1/,
  );
});
