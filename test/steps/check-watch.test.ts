/** `tally check --watch`: write, save, see. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isOfTools, watchFolder } from '../../steps/kit/check/watch.ts';
import { outputOf } from '../support/output.ts';
import { CLI } from '../support/server.ts';
import { CLI_ENVIRONMENT } from './check-run.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const server = (answer: string) =>
  `require('node:net').createServer({ allowHalfOpen: true }, socket => {
    socket.on('data', chunk => socket.write(${answer})).on('end', () => socket.end());
  }).listen(process.env.PORT, '127.0.0.1');`;

async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + 45_000;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`not seen in time: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('runs again when a file changes, until Ctrl+C', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-watch-'));
  folders.push(folder);
  const file = join(folder, 'server.cjs');
  writeFileSync(file, server(`'no'`));
  const child = spawn(process.execPath, [CLI, 'check', '1', '--cmd', `node ${file}`, '--watch', folder], {
    env: CLI_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const ended = new Promise(resolve => child.on('close', resolve));
  const waits = () => output.stdout.split('Waiting for a change in').length - 1;
  try {
    await until(() => waits() === 1, 'the end of the first run');
    expect(output.stdout).toContain('✗ a line comes back');
    writeFileSync(join(folder, 'server.log'), 'no source');
    writeFileSync(file, server('chunk'));
    await until(() => waits() === 2, 'the end of the second run');
    expect(output.stdout).toContain('\nserver.cjs has changed.\n\n  ✓ a line comes back');
    expect(output.stdout).toContain('\nStep 1 is done.');
    const before = output.stdout.length;
    writeFileSync(file, server('chunk.toString()'));
    await until(() => waits() === 3, 'the end of the third run');
    // What passed before and passes again is counted, and not said again.
    const again = output.stdout.slice(before);
    expect(again).toMatch(/\nserver\.cjs has changed\.\n\n {2}✗ characters that are cut/);
    expect(again).toMatch(/\n4 passed, 1 failed, \d+ not run yet: first this one\n/);
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toBe(130);
  expect(waits()).toBe(3);
});

test('what tools write starts nothing', () => {
  for (const file of ['node_modules/x.js', '.git/index', 'target/debug/app', 'a/dist/x.js', 'x.log', 'a.py~'])
    expect([file, isOfTools(file)]).toEqual([file, true]);
  for (const file of ['server.py', 'src/main.rs', 'targets.go'])
    expect([file, isOfTools(file)]).toEqual([file, false]);
});

test('of several files, the last that still exists is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-watch-'));
  folders.push(folder);
  const [file, other, passing] = ['server.py', 'other.py', 'seddNXti2'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, 'before');
  writeFileSync(other, 'before');
  const watcher = watchFolder(folder);
  try {
    const changed = watcher.changed();
    writeFileSync(other, 'after');
    // As sed -i does: a new file, which takes the old one's name; and one that only comes and goes.
    writeFileSync(passing, 'after');
    renameSync(passing, file);
    writeFileSync(passing, '');
    rmSync(passing);
    expect(await changed).toBe('server.py');
  } finally {
    watcher.close();
  }
});

test('a file that is replaced again and again is seen each time, in new folders, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-watch-'));
  folders.push(folder);
  writeFileSync(join(folder, 'server.py'), '0');
  const watcher = watchFolder(folder);
  try {
    for (const text of ['1', '2', '3']) {
      const changed = watcher.changed();
      writeFileSync(join(folder, 'new'), text);
      renameSync(join(folder, 'new'), join(folder, 'server.py'));
      expect(await changed).toBe('server.py');
    }
    const made = watcher.changed();
    mkdirSync(join(folder, 'src'));
    expect(await made).toBe('src');
    const written = watcher.changed();
    writeFileSync(join(folder, 'src', 'main.rs'), 'fn main() {}');
    expect(await written).toBe(join('src', 'main.rs'));
  } finally {
    watcher.close();
  }
});
