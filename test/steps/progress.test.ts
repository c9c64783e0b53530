import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listing, nextOf } from '../../steps/kit/listing.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { DEEDS, type Deed, type Progress, progressFile } from '../../steps/kit/progress.ts';
import { outputOf } from '../support/output.ts';
import { runCli } from '../support/server.ts';

const MODULE = fileURLToPath(new URL('../../dist/steps/kit/progress.js', import.meta.url));

let state: string;
let file: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'tally-progress-'));
  file = join(state, 'tally', 'progress.json');
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

/** In a process of its own, as every command is. Gives what it printed. */
async function remember(...deeds: [number, Deed][]): Promise<string> {
  const calls = deeds.map(([step, deed]) => `remember(${step}, '${deed}');`).join(' ');
  const program = `import { remember } from ${JSON.stringify(MODULE)}; ${calls}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, XDG_STATE_HOME: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  expect(await once(child, 'close')).toEqual([0, null]);
  return output.stdout + output.stderr;
}

const steps = (...args: string[]) => runCli(['steps', ...args], { XDG_STATE_HOME: state });
const progressOf = (deeds: Record<number, Deed[]>): Progress =>
  new Map(Object.entries(deeds).map(([step, done]) => [Number(step), new Set(done)]));
const everything = progressOf(Object.fromEntries(STEPS.map(({ number }) => [number, [...DEEDS]])));
const plain = (_: unknown, text: string) => text;

describe('the file', () => {
  test('is in the folder for state, unless that is not absolute', () => {
    expect(progressFile({ XDG_STATE_HOME: state })).toBe(file);
    const usual = join(homedir(), '.local', 'state', 'tally', 'progress.json');
    expect(progressFile({})).toBe(usual);
    expect(progressFile({ XDG_STATE_HOME: 'relative' })).toBe(usual);
  });

  test('keeps each deed once, and nothing lies beside it', async () => {
    expect(await remember([4, 'felt'], [4, 'ran'], [4, 'felt'], [10, 'passed'])).toBe('');
    const kept = { version: 1, steps: { 4: ['ran', 'felt'], 10: ['passed'] } };
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(kept);
    expect(readdirSync(join(state, 'tally'))).toEqual(['progress.json']);
  });

  test('loses no deed of commands that end at the same time', async () => {
    const numbers = STEPS.map(({ number }) => number);
    await Promise.all(numbers.map(number => remember([number, 'ran'], [11 - number, 'felt'])));
    const { steps: kept } = JSON.parse(readFileSync(file, 'utf8')) as { steps: Record<number, Deed[]> };
    expect(kept).toEqual(Object.fromEntries(STEPS.map(({ number }) => [number, ['ran', 'felt']])));
  });

  test.each([
    ['no JSON', '{"version": 1, "st'],
    ['nothing', ''],
    ['null', 'null'],
    ['of another version', '{"version":2,"steps":{}}'],
    ['somebody else’s', '{"version":1,"steps":{"4":"all of it"}}'],
  ])('that is %s counts as empty, which is said once, and is kept beside', async (_, text) => {
    mkdirSync(join(state, 'tally'));
    writeFileSync(file, text);
    const complaint = `tally: ${file} is not what tally wrote; it counts as empty\n`;
    const { exitCode, stdout, stderr } = await steps();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: complaint });
    expect(stdout).toContain('next: npx tally step 1');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await remember([1, 'ran'], [2, 'ran'])).toBe(complaint);
    expect(readFileSync(`${file}.old`, 'utf8')).toBe(text);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, steps: { 1: ['ran'], 2: ['ran'] } });
  });

  test('of an earlier version says checked for passed', async () => {
    mkdirSync(join(state, 'tally'));
    writeFileSync(file, '{"version":1,"steps":{"4":["felt","checked"]}}');
    const { stdout, stderr } = await steps('--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).steps[3]).toMatchObject({ ran: false, felt: true, passed: true });
  });

  test('that cannot be written is no error, and is said', async () => {
    writeFileSync(join(state, 'tally'), 'a file where the folder should be');
    expect(await remember([1, 'ran'])).toMatch(/^tally: how far you have come is not kept: ENOTDIR[^\n]*\n$/);
    expect(await steps()).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('waits for no lock of a process that died', async () => {
    mkdirSync(join(state, 'tally'));
    writeFileSync(`${file}.lock`, '');
    expect(await remember([1, 'ran'])).toBe('');
    expect(existsSync(file)).toBe(true);
  });

  test('is forgotten by tally steps --reset, which says what it removed', async () => {
    await remember([1, 'ran']);
    expect(await steps('--reset')).toEqual({
      exitCode: 0,
      stdout: `forgotten: ${file} is removed\n`,
      stderr: '',
    });
    expect(existsSync(file)).toBe(false);
    expect(await steps('--reset')).toEqual({
      exitCode: 0,
      stdout: `there was nothing to forget: no ${file}\n`,
      stderr: '',
    });
  });
});

describe('the list', () => {
  test('has each step, its pain and its lesson, and what the reader did', async () => {
    await remember([1, 'ran'], [1, 'felt'], [1, 'passed']);
    const { stdout } = await steps();
    for (const { title, pain, lesson } of STEPS)
      for (const text of [title, pain, lesson]) expect(stdout).toContain(text);
    expect(stdout).toContain(' 1 blocking echo               one client at a time\n');
    expect(stdout).toMatch(/ {3}Blocking I\/O is poison for servers\. +✓ ran ✓ felt ✓ passed\n/);
    expect(stdout).toContain('\nnext: npx tally diff 1 2, npx tally step 2, then npx tally pain 2\n');
    expect(stdout).not.toContain('\x1b');
  });

  test.each([80, 55])('fits in %d columns, whatever was done', columns => {
    const lines = listing(everything, columns, plain)
      .split('\n')
      .filter(line => !line.startsWith('kept in '));
    expect(lines.filter(line => line.length > columns && !/^(?:next|or):/.test(line))).toEqual([]);
  });

  test('is painted where it is asked to be', () => {
    const painted = listing(everything, 80, (style, text) => `<${String(style)}>${text}</>`);
    expect(painted).toContain('<red>one client at a time</>');
    expect(painted).toContain('<green>✓ ran ✓ felt ✓ passed</>');
    expect(painted.replace(/<.*?>/g, '')).toBe(listing(everything, 80, plain));
  });

  test('is JSON for programs', async () => {
    await remember([3, 'felt']);
    const { stdout } = await steps('--json');
    const list = JSON.parse(stdout) as { file: string; steps: object[]; next: string };
    expect(list.file).toBe(file);
    expect(list.steps).toHaveLength(10);
    expect(list.steps[2]).toMatchObject({ number: 3, folder: '03-parse-events', ran: false, felt: true });
    expect(list.next).toBe('npx tally step 1, then npx tally pain 1');
  });

  test.each([
    ['--color', 'unknown flag --color; tally steps takes --json and --reset'],
    ['5', 'tally steps lists all of them; one is run by tally step 5'],
  ])('tally steps %s is wrong usage', async (arg, message) => {
    expect(await steps(arg)).toEqual({ exitCode: 2, stdout: '', stderr: `tally steps: ${message}\n` });
  });
});

describe('what to do next', () => {
  const build = (number: number) =>
    `write step ${number} yourself, in any language: npx tally check ${number} --cmd '…'`;

  test.each([
    ['nothing was done', {}, { next: 'npx tally step 1, then npx tally pain 1' }],
    ['a step was run', { 1: ['ran'] }, { next: 'npx tally pain 1' }],
    [
      'its pain was felt',
      { 1: ['ran', 'felt'] },
      { next: 'npx tally diff 1 2, npx tally step 2, then npx tally pain 2', alternative: build(1) },
    ],
    [
      'its pain was felt, without running it by hand',
      { 1: ['felt', 'passed'], 2: ['ran'] },
      { next: 'npx tally pain 2' },
    ],
    [
      'all pains were felt',
      { ...Object.fromEntries(STEPS.map(s => [s.number, ['felt']])) },
      { next: build(1) },
    ],
  ] as [string, Record<number, Deed[]>, object][])('when %s', (_, deeds, expected) => {
    expect(nextOf(progressOf(deeds))).toEqual(expected);
  });

  test('when everything is done: the finished server', () => {
    expect(nextOf(everything).next).toContain('tally serve');
  });
});
