/** Which name was meant, where there is none of that name. */
import { expect, test } from 'vitest';
import { nearest, orNearest } from '../../src/cli/terminal/nearest.ts';
import { readArgs, readSwitches } from '../../src/cli/terminal/usage.ts';
import { readOptions } from '../../src/tools/load/options.ts';

const FLAGS = ['--host', '--port', '--ring', '--connections-max', '--work', '--work-us', '--workers'];

test.each([
  ['--prot', '--port'],
  ['--pot', '--port'],
  ['--porrt', '--port'],
  ['--Port', '--port'],
  ['-port', '--port'],
  ['--hots', '--host'],
  ['--work-ms', '--work-us'],
  ['--connection-max', '--connections-max'],
  ['--connections', '--connections-max'],
  ['--ring-size', '--ring'],
  ['--hostname', '--host'],
])('for %s it is %s', (name, meant) => {
  expect(nearest(name, FLAGS)).toBe(meant);
  expect(orNearest(name, FLAGS)).toBe(` (${meant}?)`);
});

test.each(['--users', '--x', '--', '', '--nonsense'])('for %j it is none', name => {
  expect(nearest(name, FLAGS)).toBeUndefined();
  expect(orNearest(name, FLAGS)).toBe('');
  expect(nearest(name, [])).toBeUndefined();
});

test('every reader of flags names it', () => {
  expect(() => readSwitches('steps', ['--jsno'], ['--json', '--reset'])).toThrow(
    'unknown flag --jsno (--json?);',
  );
  expect(() => readArgs('pain', ['--stpe', '4'], { step: { type: 'string' } })).toThrow(
    'unknown flag --stpe (--step?);',
  );
  expect(() => readOptions(['--prot', '1'])).toThrow('unknown flag --prot (--port?);');
});
