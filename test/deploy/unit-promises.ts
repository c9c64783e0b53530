/** What docs/operations.md promises of tally.service, each as a check that begins the unit anew. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import type { Machine } from './machine.ts';
import { Unit } from './unit.ts';

const PORT = 9000;
const SOCKET_PORT = 9001;
const TAKEN_MS = 12_000;
const AGAIN_MS = 3_000;
const STOP_MS_MAX = 10_000;
const EVENTS = 2_000;
const EVENT = '{"user":"alice","action":"buy","amount":100,"wait":true}\n';
const BALANCE = '{"type":"balance","user":"alice"}\n';
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;
/** Has the port while it runs, and hangs up on whoever comes. */
const HOLDER = `[Service]
ExecStart=${process.execPath} -e "require('net').createServer(socket => socket.end()).listen(${PORT}, '127.0.0.1')"
`;

/** On any machine; of /tmp and /var/tmp the unit has its own. */
const OPEN_TO_ALL = /^\/(?:tmp|var\/tmp|dev\/shm|run\/lock)$/;

export type Promised = (machine: Machine) => Promise<void>;

export async function starts(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT });
  expect(await unit.answers(PORT, EVENT)).toBe(ok(100));
  expect(await unit.says('ActiveState')).toBe('active');
  expect(await unit.logged('listening')).toMatchObject({ port: PORT, connectionsMax: 10_000 });
}

export async function reloads(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  const request = '{"type":"debug","do":"thaw"}\n';
  await machine.write('/etc/tally.toml', 'debug-requests = false\n');
  await unit.begin({ TALLY_PORT: PORT, TALLY_CONFIG: '/etc/tally.toml' });
  expect(await unit.answers(PORT, request)).toMatch('"error"');
  const pid = await unit.says('MainPID');
  await machine.write('/etc/tally.toml', 'debug-requests = true\n');
  await unit.do('reload');
  expect(await unit.logged('reloaded')).toMatchObject({ changes: { 'debug-requests': [false, true] } });
  expect(await unit.answers(PORT, request)).toBe('{"status":"ok"}\n');
  await machine.write('/etc/tally.toml', 'debug-request = true\n');
  await unit.do('reload');
  expect(JSON.stringify(await unit.logged('reload_failed'))).toContain('debug-requests?');
  expect(await unit.answers(PORT, request)).toBe('{"status":"ok"}\n');
  expect(await unit.says('MainPID')).toBe(pid);
}

export async function drains(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT, TALLY_WORKERS: 1, TALLY_WORK: 'block', TALLY_WORK_US: 1_000 });
  await unit.answers(PORT, BALANCE);
  const client = machine.connect(PORT);
  try {
    const ended = once(client, 'exit');
    let replies = '';
    client.stdout!.setEncoding('utf8').on('data', (text: string) => {
      replies += text;
    });
    client.stdin!.write('{"user":"bob","action":"buy","amount":1}\n'.repeat(EVENTS));
    const all = '{"status":"accepted"}\n'.repeat(EVENTS);
    await until(() => replies.length >= all.length, 'all events are accepted');
    const startMs = performance.now();
    await unit.do('stop');
    expect(performance.now() - startMs).toBeLessThan(STOP_MS_MAX);
    expect(await unit.says('Result')).toBe('success');
    expect(await unit.says('ExecMainStatus')).toBe('0');
    const ledger = { exitCode: 0, processed: EVENTS, dropped: 0, lost: 0, signal: 'SIGTERM' };
    expect(await unit.logged('stopped')).toMatchObject(ledger);
    await ended;
    expect(replies).toBe(all);
  } finally {
    client.kill('SIGKILL');
  }
}

export async function comesBack(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT });
  await unit.answers(PORT, EVENT);
  await unit.comesBack();
  expect(await unit.answers(PORT, BALANCE)).toBe(ok(0));
}

export async function insists(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await machine.write('/etc/systemd/system/holder.service', HOLDER);
  await machine.run('systemctl daemon-reload && systemctl stop tally && systemctl start holder');
  try {
    const isTaken = () =>
      machine.exchange(PORT, '').then(
        () => true,
        () => false,
      );
    await until(isTaken, 'the port is taken');
    await unit.begin({ TALLY_PORT: PORT });
    await sleep(TAKEN_MS);
    expect(await unit.says('SubState')).not.toBe('failed');
    expect(Number(await unit.says('NRestarts'))).toBeGreaterThan(2);
  } finally {
    await machine.run('systemctl stop holder');
  }
  expect(await unit.answers(PORT, EVENT)).toBe(ok(100));
}

export async function givesUp(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: 'banana' });
  await until(async () => (await unit.says('ActiveState')) === 'failed', 'it has failed');
  await sleep(AGAIN_MS);
  expect(await unit.says('ActiveState')).toBe('failed');
  expect([await unit.says('ExecMainStatus'), await unit.says('NRestarts')]).toEqual(['2', '0']);
  expect(await unit.printed()).toEqual([expect.stringMatching(/^tally: .*banana/)]);
}

export async function keeps(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT, TALLY_DATA: '/var/lib/tally' });
  expect(await unit.answers(PORT, EVENT)).toBe(ok(100));
  await unit.do('restart');
  expect(await unit.answers(PORT, EVENT)).toBe(ok(200));
  await unit.comesBack();
  expect(await unit.answers(PORT, BALANCE)).toBe(ok(200));
}

export async function hasNoRights(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT });
  await unit.answers(PORT, EVENT);
  await unit.hasNoRights();
}

export async function isApart(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await machine.write('/root/secret', 'secret');
  await machine.write('/tmp/secret', 'secret');
  await unit.begin({ TALLY_PORT: PORT });
  await unit.answers(PORT, EVENT);
  // As root, so that only the mounts of the unit are in the way, and not whose the folders are.
  const pid = await unit.says('MainPID');
  const inside = `nsenter --target ${pid} --mount`;
  for (const folder of ['/etc', '/usr/local', '/var/lib', '/var/log', '/srv', '/opt', '/root', '/home'])
    await expect(machine.run(`${inside} touch ${folder}/new`), folder).rejects.toThrow('Read-only');
  for (const file of ['/root/secret', '/tmp/secret'])
    await expect(machine.run(`${inside} cat ${file}`), file).rejects.toThrow('No such file');
  // And as its user, wherever a mount lets it.
  const mounted = await machine.run(`cat /proc/${pid}/mountinfo`);
  const [uid = ''] = /(?<=^Uid:\s+)\d+/m.exec(await machine.run(`cat /proc/${pid}/status`)) ?? [];
  const as = `${inside} setpriv --reuid ${uid} --regid ${uid} --clear-groups`;
  const writable: string[] = [];
  for (const [, folder = ''] of mounted.matchAll(/^\S+ \S+ \S+ \S+ (\S+) rw/gm))
    if (!folder.startsWith('/proc'))
      writable.push(
        await machine.run(`${as} find ${folder} -xdev -type d -writable -prune 2>/dev/null || true`),
      );
  const folders = new Set(writable.join('').trim().split('\n'));
  expect([...folders].filter(folder => !OPEN_TO_ALL.test(folder))).toEqual(['/var/lib/private/tally']);
}

export async function takesSocket(machine: Machine): Promise<void> {
  const unit = new Unit(machine, 'tally');
  await unit.begin({ TALLY_PORT: PORT });
  await unit.do('stop');
  await machine.write(
    '/etc/systemd/system/tally.socket',
    `[Socket]\nListenStream=127.0.0.1:${SOCKET_PORT}\n`,
  );
  await machine.run('systemctl daemon-reload && systemctl start tally.socket');
  try {
    expect(await unit.says('ActiveState')).toBe('inactive');
    expect(await machine.exchange(SOCKET_PORT, EVENT)).toBe(ok(100));
    expect(await unit.says('ActiveState')).toBe('active');
    await expect(machine.exchange(PORT, EVENT)).rejects.toThrow('ECONNREFUSED');
  } finally {
    await machine.run('systemctl stop tally.socket tally && rm /etc/systemd/system/tally.socket');
  }
}

export const PROMISES: readonly (readonly [string, Promised])[] = [
  ['starts with the settings of /etc/default/tally, and answers', starts],
  ['reads its file again at systemctl reload, or says why not', reloads],
  ['empties its queues at systemctl stop, in time, and ends with 0', drains],
  ['is started again when it was killed', comesBack],
  ['is started again until it can: when its port is free', insists],
  ['is not started again after wrong usage, and says in a line what is wrong', givesUp],
  ['keeps balances over systemctl restart, with StateDirectory and TALLY_DATA', keeps],
  ['runs as a user of its own, which may gain no rights', hasNoRights],
  ['sees no files of others, and may write nowhere else', isApart],
  ['takes the socket that a unit tally.socket hands over, and starts when somebody comes', takesSocket],
];
