/** `tally journal verify`: what is whole is called so, beside a server too; and all that is damaged is found. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realDisk } from '../../../src/journal/disk.ts';
import { readSnapshot, writeSnapshot } from '../../../src/journal/snapshot.ts';
import { runCli, startServer } from '../../support/server.ts';
import { verifyBeside } from './beside.ts';
import {
  balancesOf,
  eventsIn,
  filesIn,
  flagsFor,
  flipByte,
  freshFolder,
  pay,
  purchases,
  serve,
  untilFolded,
  type Verdict,
  verdictOf,
} from './folder.ts';

const FIRST_BLOCK = 64;

let original: string;

/** Two starts with a history: 20,000 events of 40 users each, and some of them in a snapshot. */
beforeAll(async () => {
  original = mkdtempSync(join(tmpdir(), 'tally-journal-'));
  for (const [at, workers] of ['2', '1'].entries()) {
    const server = await startServer(flagsFor(original, '--workers', workers, '--journal-keep', 'all'));
    await pay(server.port, ...purchases(20_000, 40));
    await untilFolded(original, at + 1);
    await server.stop();
  }
});

afterAll(() => rmSync(original, { recursive: true, force: true }));

/** A copy of it. */
function history(): string {
  const data = freshFolder();
  cpSync(original, data, { recursive: true });
  return data;
}

const segmentsOf = (data: string, epoch: number, lane: number) =>
  filesIn(data, new RegExp(`epoch-00000${epoch}/lane-${lane}/\\d+\\.log$`));

test.each([1, 3])(
  'a journal of %i workers, while the server runs, when it has stopped, and after kill -9',
  async workers => {
    const data = freshFolder();
    let server = await serve(data, '--workers', String(workers), '--journal-keep', 'all');
    await pay(server.port, ...purchases(30_000, 40));
    expect(await verdictOf(data)).toMatchObject({
      exitCode: 0,
      whole: true,
      running: true,
      clean: null,
      users: 40,
    });
    await untilFolded(data, 1);
    await server.stop();
    const stopped = await verdictOf(data);
    expect(stopped).toMatchObject({ exitCode: 0, whole: true, running: false, clean: true, users: 40 });
    expect(eventsIn(stopped)).toBe(30_000);
    expect(stopped.epochs).toMatchObject([{ epoch: 1, lanes: workers }]);
    expect(stopped.epochs[0]!.snapshots).toBeGreaterThan(1);

    server = await serve(data, '--workers', '2', '--journal-keep', 'all');
    await pay(server.port, ...purchases(5_000, 80));
    await server.stop('SIGKILL');
    const killed = await verdictOf(data);
    expect(killed).toMatchObject({ exitCode: 0, whole: true, running: false, clean: false, users: 80 });
    expect(eventsIn(killed)).toBe(35_000);
    const text = await runCli(['journal', 'verify', data]);
    expect(text).toMatchObject({ exitCode: 0, stderr: '' });
    expect(text.stdout).toContain(`${data}: whole\n  starts    2 (epochs 1 to 2)\n  lanes     2\n`);
    expect(text.stdout).toContain('  events    35,000\n  users     80\n');
    expect(text.stdout).toContain('  end       the server had not stopped by itself');
  },
);

test.each(['all', 'none'])('beside a server under load that keeps %s, nothing looks damaged', keep =>
  verifyBeside(keep, 3),
);

test('damage in the history: all of it is found, and the server starts all the same', async () => {
  const data = history();
  expect((await verdictOf(data)).whole).toBe(true);
  // By chance a lane may have few users: its first segment has blocks in any case.
  const broken = [segmentsOf(data, 1, 0)[0]!, segmentsOf(data, 1, 1)[0]!, segmentsOf(data, 2, 0)[0]!];
  flipByte(broken[0]!, FIRST_BLOCK + 100);
  flipByte(broken[1]!, FIRST_BLOCK + 200);
  flipByte(broken[2]!, 20);
  const verdict = await verdictOf(data);
  expect(verdict).toMatchObject({ exitCode: 1, whole: false, users: 40 });
  // Which lane comes first depends on which had its first segment full, and in a snapshot, before the other.
  expect(verdict.damage.map(({ file, needed_by }) => [file, needed_by]).sort()).toEqual(
    broken.map(file => [file, 'history']),
  );
  for (const { byte } of verdict.damage) expect(byte).toBeTypeOf('number');
  const { exitCode, stdout, stderr } = await runCli(['journal', 'verify', data]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`${data}: damaged, in 3 places\n`);
  expect(stderr.split('\n')).toHaveLength(4);
  expect(stderr).toMatch(/^tally journal: \S+, byte \d+: [^\n]+; tally serve starts without it; /);
  await serve(data);
  expect(await balancesOf(data)).toEqual(
    Object.fromEntries(purchases(40, 40).map((_, at) => [`u${at}`, 1_000])),
  );
});

test.each<[string, (data: string) => void, Partial<Verdict['damage'][number]>]>([
  [
    'a block behind the last snapshot',
    data => flipByte(lastWritten(data), FIRST_BLOCK + 70),
    {
      byte: expect.any(Number) as number,
      what: expect.stringMatching(/^block \d+ is here, but block \d+/) as string,
    },
  ],
  ['a header', data => flipByte(lastWritten(data), 3), { byte: 0, what: 'not a segment of a journal' }],
  [
    'a segment that is gone',
    data => rmSync(lastWritten(data)),
    { byte: null, what: 'the segment is missing' },
  ],
  [
    'the last snapshot',
    data => flipByte(filesIn(data, /snapshot-\d+$/).at(-1)!, 90),
    { what: 'the checksum of the snapshot is wrong' },
  ],
  [
    'a snapshot that is cut off',
    data => truncateSync(filesIn(data, /snapshot-\d+$/).at(-1)!, 40),
    { what: 'the snapshot is cut off' },
  ],
  [
    'a later version',
    data => writeFileSync(`${data}/meta.json`, '{"format":"tally-journal","version":9,"epoch":2}'),
    { what: 'version 9 is later than this Tally knows (2)', do: 'use the Tally that wrote it' },
  ],
  ['a folder that is gone', data => rmSync(`${data}/epoch-000002`, { recursive: true }), { byte: null }],
])('%s: verify says so, and the server does not start', async (_, harm, said) => {
  const data = history();
  harm(data);
  const verdict = await verdictOf(data);
  expect(verdict).toMatchObject({ exitCode: 1, whole: false });
  expect(verdict.damage[0]).toMatchObject({ needed_by: 'start', ...said });
  const [serving, { exitCode, stdout, stderr }] = await Promise.all([
    runCli(['serve', '--port', '0', '--data', data]),
    runCli(['journal', 'balances', data]),
  ]);
  expect(serving.exitCode).toBe(1);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^tally journal: [^\n]+; tally journal verify \S+ says what can be done\n$/);
});

/** The segment behind the last snapshot, with blocks in it. */
function lastWritten(data: string): string {
  return segmentsOf(data, 2, 0).findLast(file => readFileSync(file)[FIRST_BLOCK] !== 0)!;
}

test('a snapshot that says something else than the blocks before it', async () => {
  const data = history();
  const path = filesIn(data, /epoch-000001\/snapshot-\d+$/)[1]!;
  const snapshot = readSnapshot(realDisk, path);
  snapshot.ledger.balances[snapshot.ledger.indexEnd - 1]! += 1;
  rmSync(path);
  writeSnapshot(realDisk, `${data}/epoch-000001`, path.split('/').at(-1)!, snapshot);
  const { exitCode, damage } = await verdictOf(data);
  expect(exitCode).toBe(1);
  expect(damage[0]).toMatchObject({ file: path, byte: null, needed_by: 'history' });
  expect(damage[0]!.what).toMatch(
    /^the balance of "u\d+" is \d+, but its events make \d+ \(from \S+snapshot-000000 on\)$/,
  );
});

test('a block that a snapshot was made of, and that is not whole any more, is missed', async () => {
  const data = history();
  const [, snapshot] = filesIn(data, /epoch-000001\/snapshot-\d+$/);
  const lane = readSnapshot(realDisk, snapshot!).lanes.findIndex(({ segment }) => segment === 1);
  const [segment] = segmentsOf(data, 1, lane);
  // The last block of a segment that is closed, and the last of this lane in the snapshot: nothing follows it there.
  const bytes = readFileSync(segment!);
  let end = bytes.length;
  while (bytes[end - 1] === 0) end--;
  flipByte(segment!, end - 1);
  const { exitCode, damage } = await verdictOf(data);
  expect(exitCode).toBe(1);
  expect(damage[0]).toMatchObject({ file: segment, needed_by: 'history' });
});
