/** `tally journal events` and `tally journal balances`: what was, in the words of the clients that did it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exchange } from '../../../src/tools/harness/client.ts';
import { until } from '../../../src/tools/harness/waiting.ts';
import { ACCEPTED, balanceRequest, buyLine, sellLine } from '../../support/asking.ts';
import { CLI, runCli } from '../../support/server.ts';
import { balancesOf, eventsOf, filesIn, freshFolder, pay, purchases, serve, untilFolded } from './folder.ts';

/** A moment with nothing in its millisecond, nor in those beside it. */
async function moment(): Promise<string> {
  await sleep(5);
  const time = new Date().toISOString();
  await sleep(5);
  return time;
}

test.each([1, 3])('balances as they were between two events, with %i workers', async workers => {
  const data = freshFolder();
  const server = await serve(data, '--workers', String(workers));
  const before = await moment();
  await pay(server.port, buyLine('alice', 100), sellLine('bob', 7));
  const between = await moment();
  await pay(server.port, sellLine('alice', 30), buyLine('carol', 1));

  const now = { alice: 70, bob: -7, carol: 1 };
  expect(await balancesOf(data)).toEqual(now);
  expect(await balancesOf(data, '--at', between)).toEqual({ alice: 100, bob: -7 });
  expect(await balancesOf(data, '--at', before)).toEqual({});
  expect(await balancesOf(data, '--at', between, '--user', 'alice')).toEqual({ alice: 100 });
  expect(await balancesOf(data, '--at', '1d')).toEqual({});

  await server.stop('SIGKILL');
  expect(await balancesOf(data)).toEqual(now);
  expect(await balancesOf(data, '--at', between)).toEqual({ alice: 100, bob: -7 });
});

test('balances as they were, before and behind snapshots, starts and other numbers of workers', async () => {
  const data = freshFolder();
  const moments: { time: string; balances: Record<string, number> }[] = [];
  const balances: Record<string, number> = {};
  for (const workers of [1, 3, 2]) {
    const server = await serve(data, '--workers', String(workers), '--journal-keep', 'all');
    for (let round = 1; round <= 2; round++) {
      await pay(server.port, ...purchases(6_000, 50));
      for (let user = 0; user < 50; user++) balances[`u${user}`] = (balances[`u${user}`] ?? 0) + 120;
      moments.push({ time: await moment(), balances: { ...balances } });
    }
    // One lane has written more than a segment.
    if (workers === 1) await untilFolded(data, 1);
    await server.stop(workers === 3 ? 'SIGKILL' : 'SIGTERM');
  }
  expect(filesIn(data, /snapshot-\d+$/).length).toBeGreaterThan(3);
  for (const { time, balances: then } of moments) expect(await balancesOf(data, '--at', time)).toEqual(then);

  const [, from, to] = moments;
  const events = await eventsOf(data, '--since', from!.time, '--until', to!.time);
  expect(events).toHaveLength(6_000);
  const all = await eventsOf(data);
  expect(all).toHaveLength(36_000);
  expect(all.map(({ time }) => time)).toEqual(all.map(({ time }) => time).sort());
  expect(new Set(all.map(({ epoch, lane, number }) => `${epoch} ${lane} ${number}`)).size).toBe(36_000);
  expect(new Set(all.map(({ epoch, lane }) => `${epoch} ${lane}`)).size).toBe(6);
});

test('what was before the last snapshot is not there without --journal-keep, and that is said', async () => {
  const data = freshFolder();
  const server = await serve(data, '--workers', '1');
  const before = await moment();
  await pay(server.port, ...purchases(30_000, 5));
  await until(() => filesIn(data, /snapshot-0*[1-9]\d*$/).length === 1, 'a snapshot');
  const balances = await runCli(['journal', 'balances', data, '--at', before]);
  expect(balances).toMatchObject({ exitCode: 1, stdout: '' });
  expect(balances.stderr).toMatch(
    /^tally journal: \S+ reaches back to \d{4}-\d\d-\d\dT[\d:.]+Z only; tally serve --journal-keep keeps more\n$/,
  );
  const events = await runCli(['journal', 'events', data, '--since', before]);
  expect(events.exitCode).toBe(0);
  expect(events.stderr).toMatch(/^tally journal: \S+ begins with a snapshot of \S+Z; [^\n]+\n$/);
  expect(await balancesOf(data)).toEqual(
    Object.fromEntries(purchases(5, 5).map((_, at) => [`u${at}`, 6_000])),
  );
});

test('an event says who, how much and what came of it', async () => {
  const data = freshFolder();
  const server = await serve(data, '--workers', '2');
  const most = Number.MAX_SAFE_INTEGER;
  const odd = 'ä😀\\u0000\\n\\u0085';
  const reply = await exchange(
    server.port,
    [buyLine('rich', most), buyLine('rich', 1), sellLine(odd, 5), balanceRequest('rich')].join(''),
  );
  expect(reply.split('\n').slice(0, 3)).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
  const name = 'ä😀\u0000\n\u0085';
  const what = (await eventsOf(data)).map(({ user, amount, outcome }) => ({ user, amount, outcome }));
  expect(what.filter(({ user }) => user === 'rich')).toEqual([
    { user: 'rich', amount: most, outcome: 'applied' },
    { user: 'rich', amount: 1, outcome: 'balance_overflow' },
  ]);
  expect(what.filter(({ user }) => user === name)).toEqual([{ user: name, amount: -5, outcome: 'applied' }]);
  expect(await balancesOf(data)).toEqual({ rich: most, [name]: -5 });
  const text = await runCli(['journal', 'balances', data]);
  expect(text.stdout).toBe(`9007199254740991  rich\n              -5  "ä😀\\u0000\\n"\n`);
  expect(await eventsOf(data, '--user', 'rich')).toHaveLength(2);
  expect(await eventsOf(data, '--user', 'nobody')).toEqual([]);
  const nobody = await runCli(['journal', 'balances', data, '--user', 'nobody']);
  expect(nobody).toMatchObject({ exitCode: 1, stdout: '' });
  expect(nobody.stderr).toMatch(/^tally journal: \S+ has no user nobody\n$/);
});

test('a reader that goes away ends it quietly, and one that is slow is waited for', async () => {
  const data = freshFolder();
  const server = await serve(data, '--workers', '1', '--journal-keep', 'all');
  await pay(server.port, ...purchases(30_000, 5));
  await server.stop();
  const start = () =>
    spawn(process.execPath, [CLI, 'journal', 'events', data], { stdio: ['ignore', 'pipe', 'pipe'] });

  const gone = start();
  let errors = '';
  gone.stderr.on('data', text => {
    errors += text;
  });
  await once(gone.stdout, 'data');
  gone.stdout.destroy();
  const [exitCode] = (await once(gone, 'close')) as [number];
  expect({ exitCode, errors }).toEqual({ exitCode: 141, errors: '' });

  const slow = start();
  let lines = 0;
  for await (const chunk of slow.stdout) {
    lines += (chunk as Buffer).toString('latin1').split('\n').length - 1;
    await sleep(2);
  }
  expect(lines).toBe(30_000);
});

test.each([
  [['events'], 'which folder? tally journal events DIR'],
  [['balances', '.', '.'], '. is one word too many: tally journal balances DIR'],
  [['balances', '.', '--at', 'yesterday'], '--at yesterday is no time, such as 2026-11-29T12:00:00Z, '],
  [['events', '.', '--sinc', '1h'], 'unknown flag --sinc (--since?)'],
  [['evens', '.'], 'unknown command: evens (events?)'],
  [[], 'verify, events or balances?'],
])('wrong usage: tally journal %j', async (args, said) => {
  const { exitCode, stdout, stderr } = await runCli(['journal', ...args]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^tally journal: [^\n]+\n$/);
  expect(stderr).toContain(said);
});

test('where there is no journal, that is said, and nothing is made', async () => {
  const empty = freshFolder();
  for (const command of ['verify', 'events', 'balances']) {
    const none = await runCli(['journal', command, empty]);
    expect(none).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `tally journal: ${empty} is no journal: it has no meta.json\n`,
    });
    const gone = await runCli(['journal', command, `${empty}/none`]);
    expect(gone.stderr).toBe(`tally journal: ${empty}/none: no such file or directory\n`);
    expect(gone.exitCode).toBe(1);
  }
  expect(filesIn(empty, /./)).toEqual([]);
});
