/** How far a recovery is: its steps, the extent of segments, and the line on a terminal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startDisplay } from '../../src/cli/start-display.ts';
import { realDisk } from '../../src/journal/disk.ts';
import { writtenBytes } from '../../src/journal/extent.ts';
import { type RecoveryProgress, recovering } from '../../src/journal/recovery.ts';
import type { Output } from '../../src/output.ts';
import { exchange } from '../../src/tools/harness/client.ts';
import { buyLine } from '../support/asking.ts';
import { startServer } from '../support/server.ts';

const place = mkdtempSync(join(tmpdir(), 'tally-recovering-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const USERS = 40_000;

test('a recovery has steps, and the last one is the end', async () => {
  const data = join(place, 'data');
  const flags = ['--data', data, '--workers', '1', '--sync', 'never', '--when-full', 'wait'];
  const server = await startServer(flags);
  // Long names fill a segment with few events.
  const lines = Array.from({ length: USERS }, (_, user) => buyLine(`${user}`.padStart(110, 'u'), 1));
  const replies = await exchange(server.port, lines.join(''));
  expect(replies.split('accepted').length).toBe(USERS + 1);
  server.process.kill('SIGKILL');
  await server.exited;

  const steps: RecoveryProgress[] = [];
  const recovery = recovering(realDisk, data);
  let next = recovery.next();
  for (; !next.done; next = recovery.next()) steps.push({ ...next.value });
  expect(next.value).toMatchObject({ events: USERS, ledger: { users: USERS } });
  const bytes = steps[0]!.bytes;
  expect(bytes).toBeGreaterThan(USERS * 110);
  expect(bytes).toBeLessThan(USERS * 200);
  expect(steps.length).toBeGreaterThanOrEqual(3);
  expect(steps.map(step => step.bytes)).toEqual(steps.map(() => bytes));
  for (const key of ['doneBytes', 'events'] as const) {
    const values = steps.map(step => step[key]);
    expect(values, key).toEqual([...values].sort((one, other) => one - other));
  }
  expect(steps[0]).toEqual({ bytes, doneBytes: 0, events: 0 });
  expect(steps.at(-1)).toEqual({ bytes, doneBytes: bytes, events: USERS });

  // Not on a terminal, nothing is said of it.
  const again = await startServer(flags);
  expect(again.stderr()).toBe('');
  await again.stop();
  expect(again.events.find(({ event }) => event === 'recovered')).toMatchObject({ events: USERS });
});

test.each([
  [0, 8, 0],
  [1, 8, 4_096],
  [4_096, 8, 4_096],
  [4_097, 8, 8_192],
  [20_000, 8, 20_480],
  [8 * 4_096, 8, 8 * 4_096],
  [0, 0, 0],
])('of a file with %i bytes in %i pages, %i are written', (written, pages, expected) => {
  const file = join(place, 'segment');
  writeFileSync(file, Buffer.concat([Buffer.alloc(written, 1), Buffer.alloc(pages * 4_096 - written)]));
  expect(writtenBytes(realDisk, file)).toBe(expected);
});

describe('the line of a start', () => {
  /** What is written to a terminal, at times that the test says. */
  function onTerminal(environment: Record<string, string>) {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
      vi.unstubAllEnvs();
    });
    for (const [name, value] of Object.entries({ LC_ALL: 'C', ...environment })) vi.stubEnv(name, value);
    const written: string[] = [];
    const out = { isTTY: true, write: (text: string) => written.push(text) };
    return { written, display: startDisplay(out as unknown as Output) };
  }
  const at = (doneBytes: number) => ({ bytes: 512 * 2 ** 20, doneBytes, events: 12_345_678 });

  test('comes after half a second, ten times a second, and goes', () => {
    const { written, display } = onTerminal({ TERM: 'xterm' });
    display.read(at(0));
    vi.advanceTimersByTime(499);
    display.read(at(2 ** 20));
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1);
    display.read(at(100 * 2 ** 20));
    display.read(at(101 * 2 ** 20));
    vi.advanceTimersByTime(100);
    display.restored(250, 1_000);
    display.clear();
    display.clear();
    expect(written).toEqual([
      '\r\u001b[Kreading the journal: 19 % of 512 MiB, 12,345,678 events',
      '\r\u001b[Ktaking over 1,000 users: 25 %',
      '\r\u001b[K',
    ]);
  });

  test.each([
    ['that is over soon', { TERM: 'xterm' }, 100],
    ['on a terminal that cannot go back', { TERM: 'dumb' }, 5_000],
  ])('there is none of a start %s', (_, environment, ms) => {
    const { written, display } = onTerminal(environment);
    vi.advanceTimersByTime(ms);
    display.read(at(0));
    display.clear();
    expect(written).toEqual([]);
  });
});
