/** Balances move to another cluster as the documents say; servers alone will do, since only the wire is used. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { Administered } from '../support/administered.ts';
import { runCli, startServer } from '../support/server.ts';
import { authLine } from '../support/token-files.ts';

const PROGRAM = 'docs/cluster/move.mjs';
const [old, anew] = await Promise.all([Administered.start(), startServer(['--workers', '1'])]);
afterAll(() => Promise.all([old.stop(), anew.stop()]));

const event = (user: string, action: string, amount: number) =>
  `${JSON.stringify({ user, action, amount, wait: true })}\n`;
const balance = (user: string) => `${JSON.stringify({ type: 'balance', user })}\n`;

test('every balance is there once, however often it is moved', async () => {
  const events = [
    event('alice', 'buy', 70),
    event('Zoë "the boss"', 'sell', 9_007_199_254_740_991),
    event('nobody', 'buy', 5),
    event('nobody', 'sell', 5),
  ];
  await exchange(old.server.port, authLine(old.tokens.all) + events.join(''));
  const { stdout } = await runCli(['admin', 'users', '--all', '--json', '--port', String(old.server.port)], {
    TALLY_TOKEN: old.tokens.ops,
  });
  const moved = spawnSync(process.execPath, [join(ROOT, PROGRAM)], { input: stdout, encoding: 'utf8' });
  expect([moved.status, moved.stderr]).toEqual([0, '']);
  const accepted = '{"status":"accepted"}\n'.repeat(2);
  for (let times = 0; times < 2; times++) expect(await exchange(anew.port, moved.stdout)).toBe(accepted);
  expect(await exchange(anew.port, ['alice', 'Zoë "the boss"', 'nobody'].map(balance).join(''))).toBe(
    [70, -9_007_199_254_740_991, 0].map(each => `{"status":"ok","balance":${each}}\n`).join(''),
  );
});

test('is called as its first lines say', () => {
  expect(readFileSync(join(ROOT, 'docs/cluster.md'), 'utf8')).toContain(`node ${PROGRAM} < users.jsonl | nc`);
  expect(readFileSync(join(ROOT, PROGRAM), 'utf8')).toContain(`Usage: node ${PROGRAM} < users.jsonl | nc`);
});
