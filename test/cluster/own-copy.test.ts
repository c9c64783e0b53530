/** The folder of a node: which cluster it belongs to, and its copy of the newest snapshot. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Constitution } from '../../src/cluster/messages.ts';
import { OwnCopy } from '../../src/cluster/own-copy.ts';
import { Refusal } from '../../src/cluster/refusal.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-own-copy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OURS: Constitution = {
  ...{ id: 'ours', version: 1, partitions: 4, hashSeed: 'aa', idKey: 'bb' },
  ...{ users: 100, idsMax: 100, idsMs: 1_000 },
};
let count = 0;
const newDir = () => join(folder, `data-${++count}`);

async function refusalOf(dir: string, constitution = OURS): Promise<string> {
  const opened = await OwnCopy.open(dir, 'shop', constitution).catch(error => error);
  expect(opened).toBeInstanceOf(Refusal);
  expect((opened as Refusal).message).not.toMatch(/\n/);
  return (opened as Refusal).message;
}

test('keeps the newest snapshot, for its owner alone, and it is there at the next start', async () => {
  const dir = newDir();
  const copy = await OwnCopy.open(dir, 'shop', OURS);
  expect(copy.snapshot).toBeUndefined();
  expect(copy.read()).toBeUndefined();
  copy.write('first', [1, 2, 3, 4], Uint8Array.of(1, 2, 3));
  copy.write('second', [5, 6, 7, 8], Uint8Array.of(4, 5));
  copy.release();
  const again = await OwnCopy.open(dir, 'shop', OURS);
  expect(again.snapshot).toEqual({ name: 'second', sequences: [5, 6, 7, 8] });
  expect([...again.read()!]).toEqual([4, 5]);
  again.release();
  expect(readdirSync(dir).sort()).toEqual(['cluster.json', 'snapshot-second']);
});

test('is used by one server at a time', async () => {
  const dir = newDir();
  const copy = await OwnCopy.open(dir, 'shop', OURS);
  expect(await refusalOf(dir)).toBe(`--data ${dir} is in use by another server`);
  copy.release();
  (await OwnCopy.open(dir, 'shop', OURS)).release();
});

test('of another cluster, or of one whose key was changed, is refused', async () => {
  const dir = newDir();
  (await OwnCopy.open(dir, 'shop', OURS)).release();
  expect(await refusalOf(dir, { ...OURS, id: 'theirs' })).toMatch(
    /belongs to cluster shop \(ours\), and NATS has shop \(theirs\)/,
  );
  expect(await refusalOf(dir, { ...OURS, hashSeed: 'cc' })).toMatch(
    /was written with hashSeed aa, and the cluster says cc/,
  );
  expect(await refusalOf(dir, { ...OURS, users: 7 })).toMatch(
    /was written with users 100, and the cluster says 7/,
  );
  // And it was left as it was.
  (await OwnCopy.open(dir, 'shop', OURS)).release();
});

test('that is a journal, or something else, is refused and left alone', async () => {
  const journal = newDir();
  mkdirSync(journal);
  writeFileSync(join(journal, 'meta.json'), '{}');
  expect(await refusalOf(journal)).toMatch(/is the journal of a server alone/);
  const other = newDir();
  mkdirSync(other);
  writeFileSync(join(other, 'letters'), 'dear');
  expect(await refusalOf(other)).toMatch(/holds letters, and no cluster.json/);
  expect(readdirSync(other)).toEqual(['letters']);
  const file = newDir();
  writeFileSync(file, '');
  expect(await refusalOf(file)).toMatch(/--data .*: /);
});

test('what was being written when the process died is not taken for a snapshot', async () => {
  const dir = newDir();
  const copy = await OwnCopy.open(dir, 'shop', OURS);
  copy.write('first', [1, 1, 1, 1], Uint8Array.of(1));
  copy.release();
  writeFileSync(join(dir, 'snapshot-second.tmp'), 'half');
  writeFileSync(join(dir, 'cluster.json.tmp'), '{"format":');
  const again = await OwnCopy.open(dir, 'shop', OURS);
  expect(again.snapshot?.name).toBe('first');
  expect([...again.read()!]).toEqual([1]);
  again.release();
  expect(JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')).snapshot.name).toBe('first');
});
