/** A hundred thousand users are listed while events flow: all of them, each once, and nobody else waits for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, buyLine, HEALTH, HEALTHY } from '../support/asking.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { authLine, writeTokens } from '../support/token-files.ts';

const USERS = 100_000;
const AT_ONCE = 10_000;
const LIMIT = 1_000;
/** How much longer `health` may take in the usual round. Where a page is found in one go, it is some 300 times as long. */
const SLOWER_MAX = 60;
const ROUND_PAGES = 12;
/** As long at most is `health` asked for without a listing. */
const WITHOUT_MS = 60;

const folder = mkdtempSync(join(tmpdir(), 'tally-admin-'));
const tokens = writeTokens(join(folder, 'tokens'), { all: { may: ['write', 'read', 'admin'] } });
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(['--tokens', join(folder, 'tokens'), '--workers', '2', '--log-level', 'error']);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<Client> {
  const client = await Client.open(server.port);
  expect(await client.ask(authLine(tokens.all))).toBe(HEALTHY);
  return client;
}

const nameOf = (user: number) => `user:${(user * 7_919) % 1_000_003}`;

/** Events of users that are there, and of others that are new, until it is told to stop. */
async function keepSending(client: Client, isOver: () => boolean): Promise<number> {
  let sent = 0;
  let newcomers = 0;
  while (!isOver()) {
    const lines = Array.from({ length: 50 }, (_, at) =>
      at % 5 === 0 ? buyLine(`new:${newcomers++}`, 1) : buyLine(nameOf((sent + at) % USERS), 1),
    );
    client.send(lines.join(''));
    expect(new Set(await client.lines(lines.length))).toEqual(new Set([ACCEPTED]));
    sent += lines.length;
    await sleep(1);
  }
  return newcomers;
}

/** What `health` takes, in ms, on a connection of its own, one question after the other. */
async function healthUntil(client: Client, isOver: () => boolean): Promise<number[]> {
  const took: number[] = [];
  while (!isOver()) {
    const startMs = performance.now();
    expect(await client.ask(HEALTH)).toBe(HEALTHY);
    took.push(performance.now() - startMs);
  }
  return took;
}

/** What somebody waits who asks at a random moment, in half of the cases: long answers cover more moments. */
function usualWait(took: readonly number[]): number {
  const sorted = [...took].sort((one, other) => one - other);
  let left = took.reduce((sum, each) => sum + each, 0) / 2;
  return sorted.find(each => {
    left -= each;
    return left <= 0;
  })!;
}

interface Page {
  users: { user: string; balance: number }[];
  next?: string;
}

async function pageBehind(client: Client, after: string): Promise<Page> {
  const request = JSON.stringify({ type: 'admin', do: 'users', after, limit: LIMIT });
  const page = JSON.parse(await client.ask(`${request}\n`)) as Page;
  if (page.next !== undefined)
    expect([page.users.length, page.users.at(-1)!.user]).toEqual([LIMIT, page.next]);
  return page;
}

test('without a journal there is no snapshot', async () => {
  const client = await open();
  expect(await client.ask('{"type":"admin","do":"snapshot"}\n')).toBe(
    '{"status":"error","reason":"no_journal"}',
  );
  client.close();
});

test('the listing has everybody once, in order, and others wait for it hardly longer than without it', async () => {
  const [filler, sender, asker, lister] = await Promise.all([open(), open(), open(), open()]);
  for (let from = 0; from < USERS; from += AT_ONCE) {
    filler.send(Array.from({ length: AT_ONCE }, (_, at) => buyLine(nameOf(from + at), 5)).join(''));
    await filler.lines(AT_ONCE);
  }
  let isOver = false;
  const sending = keepSending(sender, () => isOver);
  const listed: Page['users'] = [];
  const slower: number[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    let isListed = false;
    const startMs = performance.now();
    const asking = healthUntil(asker, () => isListed);
    for (let left = ROUND_PAGES; left > 0 && after !== undefined; left--) {
      const page = await pageBehind(lister, after);
      listed.push(...page.users);
      after = page.next;
    }
    isListed = true;
    const during = await asking;
    const nowMs = performance.now();
    const endMs = nowMs + Math.min(nowMs - startMs, WITHOUT_MS);
    const without = await healthUntil(asker, () => performance.now() > endMs);
    slower.push(usualWait(during) / usualWait(without));
  }
  isOver = true;
  const newcomers = await sending;

  const names = listed.map(({ user }) => user);
  expect(names).toEqual([...names].sort());
  expect(new Set(names).size).toBe(names.length);
  const found = new Set(names);
  for (let user = 0; user < USERS; user++)
    if (!found.has(nameOf(user))) expect.fail(`${nameOf(user)} is not listed`);
  expect(names.length).toBeLessThanOrEqual(USERS + newcomers);
  expect(listed.filter(({ user, balance }) => balance < (user.startsWith('new:') ? 1 : 5))).toEqual([]);
  // The machine has bad moments: what counts is the round in the middle.
  slower.sort((one, other) => one - other);
  expect(slower[Math.floor(slower.length / 2)], `${slower}`).toBeLessThan(SLOWER_MAX);
  for (const client of [filler, sender, asker, lister]) client.close();
});
