/** `tally explore` as people use it. */
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/server.ts';

const explore = (...args: string[]) => runCli(['explore', ...args]);

test('without a name it lists what there is', async () => {
  const { exitCode, stdout } = await explore();
  expect(exitCode).toBe(0);
  for (const name of ['lost-update', 'lock', 'queue', 'ring', 'parking', 'counters', 'worker-death'])
    expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
});

test('a scenario: its counts, its outcomes, and the shortest schedule that goes wrong, as a table', async () => {
  const { exitCode, stdout, stderr } = await explore('lost-update');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('6 schedules, 4 go wrong');
  expect(stdout).toMatch(/ACCEPTABLE {2}2 {2}every update counts/);
  expect(stdout).toMatch(/FORBIDDEN {3}2 {2}updates are lost: 100, not 110/);
  expect(stdout).toMatch(/^ +worker 0 +worker 1 +balance$/m);
  expect(stdout).toMatch(/^ +1 {2}read balance → 0 +·$/m);
  expect(stdout).toMatch(/tally explore lost-update:[ab]{4} --step/);
});

test('a schedule by its id, and for machines', async () => {
  const { stdout } = await explore('lost-update:abab', '--json');
  const { outcome, is, words, steps } = JSON.parse(stdout);
  expect({ outcome, is, words }).toEqual({
    outcome: 'updates are lost: 10, not 110',
    is: 'FORBIDDEN',
    words: ['balance'],
  });
  expect(
    steps.map(({ thread, operation, values }: Record<string, unknown>) => [thread, operation, values]),
  ).toEqual([
    ['worker 0', 'read', [0]],
    ['worker 1', 'read', [0]],
    ['worker 0', 'write', [100]],
    ['worker 1', 'write', [10]],
  ]);
  const whole = JSON.parse((await explore('lock', '--json')).stdout);
  expect(whole).toMatchObject({ scenario: 'lock', schedules: '210', wrong: '0', isComplete: true });
});

describe('a mistake is one line, with the exit code of its kind:', () => {
  test.each([
    [['nothing'], 2, 'there is no scenario nothing; tally explore lists what there is'],
    [
      ['lost-update:xyz'],
      2,
      'lost-update:xyz is not the id of a schedule; those look like lost-update:abba, or worker-death-run:a17aK',
    ],
    [['lost-update:aaaa'], 1, "lost-update:aaaa: the schedule does not fit: worker 0 can't go on at step 3"],
    [
      ['lost-update', '--step'],
      2,
      '--step needs one schedule by its id, as in tally explore lost-update:abba --step',
    ],
    [
      ['lost-update:ab', '--step'],
      1,
      '--step needs a terminal, for its keys; without --step the whole schedule is printed',
    ],
    [['lock', '--runs-max', '0'], 2, '--runs-max 0: a whole number from 1 to 1000000000 is needed'],
    [['--all', 'lock'], 2, '--all is everything; leave the names out'],
    [['--every'], 2, 'unknown flag --every (--every-run?); tally explore --help lists the flags'],
  ])('%j', async (args, exitCode, message) => {
    const found = await explore(...args);
    expect(found).toMatchObject({ exitCode, stdout: '', stderr: `tally explore: ${message}\n` });
  });
});
