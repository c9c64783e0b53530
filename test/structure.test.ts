/** The rules of the tree find what breaks them, and a walk through the server is what really ran. */
import { expect, test } from 'vitest';
import { circles, deadNames, tooLong, wrongImports } from '../bench/structure/check.ts';
import { walksIn } from '../bench/structure/walks.ts';
import { ROOT } from '../src/tools/harness/root.ts';

const file = (path: string, text = '') => ({ path, text });
const load = (name: string) => `await import('${name}');`;

test.each([
  ['src/protocol/a.ts', `import { x } from '../engine/b.ts';`, 'src/protocol/a.ts imports src/engine/b.ts'],
  [
    'src/tools/load/a.ts',
    `import {\n  x,\n  y,\n} from '../../net/b.ts';`,
    'src/tools/load/a.ts imports src/net/b.ts',
  ],
  [
    'src/net/a.ts',
    `import type { X } from '../session/b.ts';`,
    'src/net/a.ts imports types of src/session/b.ts',
  ],
  ['src/server/a.ts', load('../../steps/b.ts'), 'src/server/a.ts imports steps/b.ts'],
  [
    'steps/01-blocking-echo/a.ts',
    `export { x } from '../kit/b.ts';`,
    'steps/01-blocking-echo/a.ts imports steps/kit/b.ts',
  ],
  [
    'src/security/a.ts',
    `import { x } from '../cli/terminal/b.ts';`,
    'src/security/a.ts imports src/cli/terminal/b.ts',
  ],
  ['src/security/a.ts', load('./cli/b.ts'), 'src/security/a.ts imports src/security/cli/b.ts'],
  ['src/engine/a.ts', `import { x } from '../security/b.ts';`, 'src/engine/a.ts imports src/security/b.ts'],
  ['src/a.ts', '', 'src/a.ts is in no room'],
])('%s may not: %s', (path, text, said) => {
  expect(wrongImports([file(path, text)])).toEqual([said]);
});

test.each([
  ['src/config/a.ts', `import type { X } from '../engine/b.ts';`],
  ['src/cli/main.ts', load('../../steps/kit/b.ts')],
  ['src/security/a.ts', `import { x } from '../protocol/b.ts';`],
  ['src/security/cli/a.ts', `import { x } from '../../cli/terminal/b.ts';\nimport { y } from '../b.ts';`],
  [
    'src/engine/a.ts',
    `import { x } from '../protocol/b.ts';\n/** ${load('../server/c.ts')}\n * ${load('../net/c.ts')} */`,
  ],
  ['test/a.ts', `import { x } from '../src/server/b.ts';`],
])('%s may: %s', (path, text) => {
  expect(wrongImports([file(path, text)])).toEqual([]);
});

test('files that import one another are found, however long the way around is', () => {
  const files = [
    file('src/net/a.ts', `import './b.ts';`),
    file('src/net/b.ts', `import type { X } from './c.ts';`),
    file('src/net/c.ts', `import { y } from './a.ts';`),
    file('src/net/d.ts', `import { y } from './a.ts';`),
  ];
  expect(circles(files)).toEqual(['3 files import one another: src/net/a.ts, src/net/b.ts, src/net/c.ts']);
});

test('a file is as long as its room allows', () => {
  const long = (path: string, lines: number) => file(path, 'x\n'.repeat(lines));
  const files = [long('src/net/a.ts', 250), long('src/http/a.ts', 350), long('test/a.ts', 351)];
  expect(tooLong(files)).toEqual([expect.stringContaining('test/a.ts has 351 lines, more than 350')]);
  expect(tooLong([long('src/net/a.ts', 251)])).toHaveLength(1);
  expect(deadNames(files)).toContain('src/engine has a rule, and is not there');
});

test('an event and a request for metrics run through the engine, and only what runs is named', async () => {
  const walks = await walksIn(ROOT, 'turnMsMax');
  const [event, worker, metrics, setting] = walks.map(({ files }) => files.map(({ path }) => path));
  expect(event).toEqual(expect.arrayContaining(['src/engine/engine.ts', 'src/protocol/fast-parser.ts']));
  expect(worker).toContain('src/engine/worker.ts');
  expect(metrics).toContain('src/protocol/json-parser.ts');
  for (const paths of [event, metrics]) expect(paths).not.toContain('src/server/shutdown.ts');
  expect(setting).toContain('src/config/settings.ts');
});
