/** `tally journal balances` of a journal that ends between the halves of transfers: nothing is missing from the sum. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { balancesAt, eventsIn } from '../../../src/journal/cli/history.ts';
import { everything, hold } from '../../../src/journal/cli/kept.ts';
import { recover } from '../../../src/journal/recovery.ts';
import { runCli } from '../../support/server.ts';
import { PLAN } from '../harm.ts';
import { LyingDisk } from '../lying-disk.ts';
import { DIR } from '../plan.ts';
import { randomFrom } from '../random.ts';
import { comeBack } from '../told.ts';
import { World } from '../world.ts';
import { freshFolder } from './folder.ts';

/** So many ends, and more until each kind of end was among them: the first ones have been seen to be rare ones. */
const ENDS_MIN = 16;
const SEEDS = [326, 550, 7, ...Array.from({ length: 1_000 }, (_, seed) => seed)];
const NEVER = { ms: Infinity, bytes: Infinity };

/** The journal of a server that ended anywhere in its second start. */
function endOf(seed: number, isPower: boolean): { data: string; disk: LyingDisk } {
  const random = randomFrom(seed);
  const disk = new LyingDisk(random);
  const world = new World(disk, { ...PLAN, workers: 3, sync: 'interval', keep: NEVER }, random);
  for (let epoch = 0; epoch < 2; epoch++) {
    world.begin();
    for (let step = 0; step < 40; step++) world.step();
    world.end(isPower);
  }
  const folder = freshFolder();
  for (const path of disk.paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), disk.bytesOf(path));
  }
  return { data: join(folder, DIR), disk };
}

/** What is there at the next start, and owed. */
function comesBack(disk: LyingDisk): bigint {
  const { ledger } = recover(disk, DIR);
  let sum = 0n;
  for (let index = 0; index < ledger.indexEnd; index++)
    if (ledger.has(index)) sum += BigInt(ledger.balances[index]!);
  for (const { amount } of ledger.transits.open.values()) sum += BigInt(amount);
  return sum;
}

/** What events have brought in: transfers change no sum. */
function broughtIn(data: string): bigint {
  const kept = hold(data, everything);
  let sum = 0n;
  const events = eventsIn(kept, -Infinity, Infinity, (_, _user, amount, outcome, to) => {
    if (outcome === 'applied' && to === undefined) sum += BigInt(amount);
  });
  for (const _ of events);
  kept.close();
  return sum;
}

test('balances and what is in transit add up, wherever the journal ends', async () => {
  const seen = { credit: 0, refund: 0, takenBack: 0 };
  let longest: { data: string; inTransit: bigint } | undefined;
  for (const [ends, seed] of SEEDS.entries()) {
    if (ends >= ENDS_MIN && Object.values(seen).every(times => times > 0)) break;
    const isPower = seed % 2 === 0;
    const { data, disk } = endOf(seed, isPower);
    const { owed, takenBack } = comeBack(disk);
    for (const how of owed.values()) seen[how] += 1;
    seen.takenBack += takenBack.size;
    const { ledger, inTransit } = balancesAt(data, undefined);
    expect(inTransit > 0n, `seed ${seed}`).toBe(owed.size > 0);
    const balances = [...ledger.balances.subarray(0, ledger.indexEnd)].filter(
      balance => !Number.isNaN(balance),
    );
    const sum = balances.reduce((all, balance) => all + BigInt(balance), inTransit);
    // A power cut may take what is in a snapshot from the history: the snapshot was synced, its events were not.
    expect(sum, `seed ${seed}`).toBe(isPower ? comesBack(disk) : broughtIn(data));
    if (!isPower && inTransit > (longest?.inTransit ?? 0n)) longest = { data, inTransit };
  }
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);

  // The command says so: to people, and to programs.
  const { data, inTransit } = longest!;
  const text = await runCli(['journal', 'balances', data]);
  expect(text).toMatchObject({ exitCode: 0, stderr: '' });
  expect(text.stdout).toMatch(new RegExp(`^ *-?\\d+  \\S.*\\n\\n *${inTransit}  in transit\\n$`, 'm'));
  const rows = text.stdout.split('\n').filter(row => row !== '');
  const added = rows.reduce((all, row) => all + BigInt(/^ *(-?\d+) {2}/.exec(row)![1]!), 0n);
  expect(added).toBe(broughtIn(data));
  const { stdout } = await runCli(['journal', 'balances', data, '--json']);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(`{"in_transit":${inTransit}}`);
  const [, user] = / ([^ "]+)\n/.exec(text.stdout)!;
  const one = await runCli(['journal', 'balances', data, '--user', user!, '--json']);
  expect(one.stdout).toMatch(/^\{"user":"\S+","balance":-?\d+\}\n$/);
});
