/** What docs/cluster.md promises of tally-nats.service and tally-node@.service: one of each, on one machine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import type { Machine } from './machine.ts';
import { Unit } from './unit.ts';
import type { Promised } from './unit-promises.ts';

const PORT = 7878;
const EVENT = '{"user":"alice","action":"buy","amount":100,"wait":true}\n';
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;
const ADDRESS = '10.0.0.1/32 dev lo';
const MISSING_MS = 12_000;
/** Its lame duck, with a node that is connected. */
const NATS_STOP_MS_MAX = 150_000;
/** Of the three servers this is the only one. */
const CONF = readFileSync(join(ROOT, 'docs/deploy/nats.conf'), 'utf8').replace(/^cluster \{.*?^\}$/ms, '');
const NATS = { TALLY_NATS_PASSWORD: 'secret' };
const NODE = { TALLY_CLUSTER: 'nats://tally:secret@10.0.0.1', TALLY_CLUSTER_REPLICAS: 1 };

/** Both from nothing, and not started. */
async function unitsOf(machine: Machine): Promise<{ nats: Unit; node: Unit }> {
  await machine.run('systemctl stop tally-node@shop-1 tally-nats; rm -rf /var/lib/private/tally-n*');
  await machine.run(`ip address replace ${ADDRESS}`);
  await machine.write('/etc/tally/nats.conf', CONF);
  return {
    nats: new Unit(machine, 'tally-nats'),
    node: new Unit(machine, 'tally-node@shop-1', 'tally-node'),
  };
}

export async function natsInsists(machine: Machine): Promise<void> {
  const { nats } = await unitsOf(machine);
  await machine.run(`ip address del ${ADDRESS}`);
  await nats.begin(NATS);
  await sleep(MISSING_MS);
  expect(await nats.says('ActiveState')).not.toBe('failed');
  await machine.run(`ip address add ${ADDRESS}`);
  await nats.prints(/Server is ready/);
}

export async function outlivesBoth(machine: Machine): Promise<void> {
  const { nats, node } = await unitsOf(machine);
  await node.begin(NODE);
  await nats.begin(NATS);
  expect(await node.answers(PORT, EVENT)).toBe(ok(100));
  for (const one of [nats, node]) await one.comesBack();
  expect(await node.answers(PORT, EVENT)).toBe(ok(200));
  expect(await machine.run('ls /var/lib/tally-node-shop-1')).toContain('cluster.json');
}

export async function bothEnd(machine: Machine): Promise<void> {
  const { nats, node } = await unitsOf(machine);
  await nats.begin(NATS);
  await node.begin(NODE);
  await node.answers(PORT, EVENT);
  await nats.do('stop', NATS_STOP_MS_MAX);
  await node.do('stop');
  for (const one of [nats, node])
    expect([await one.says('Result'), await one.says('ExecMainStatus')]).toEqual(['success', '0']);
  await nats.prints(/Entering lame duck mode/);
  expect(await node.logged('stopped')).toMatchObject({ exitCode: 0, processed: 1, lost: 0 });
}

export async function bothHaveNoRights(machine: Machine): Promise<void> {
  const { nats, node } = await unitsOf(machine);
  await nats.begin(NATS);
  await node.begin(NODE);
  await node.answers(PORT, EVENT);
  for (const one of [nats, node]) await one.hasNoRights();
}

export const CLUSTER_PROMISES: readonly (readonly [string, Promised])[] = [
  ['NATS is started again until it can: when its address is there', natsInsists],
  ['a node waits for NATS, and what it has acknowledged outlives both', outlivesBoth],
  ['both end with 0 at systemctl stop, in time', bothEnd],
  ['both run as users of their own, which may gain no rights', bothHaveNoRights],
];
