/**
 * The units under a real systemd, which is process 1 of a machine of its own: installed as the pages say, they do what
 * the pages promise; and with a fault they do not. It takes Linux, root, systemd, and a registry or npm's cache.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { CLUSTER_PROMISES } from '../deploy/cluster-promises.ts';
import { Machine, whyNoMachine } from '../deploy/machine.ts';
import { pack, run } from '../deploy/packed.ts';
import { Unit } from '../deploy/unit.ts';
import { FAULTS } from '../deploy/unit-faults.ts';
import { PROMISES } from '../deploy/unit-promises.ts';

const BOOT_MS_MAX = 300_000;
const FOLDER = '/etc/systemd/system';
/** The path of systemd's services; where Node is elsewhere, it is copied there. */
const NODES = ['/usr/local/bin/node', '/usr/bin/node'];
const read = (name: string) => readFileSync(join(ROOT, 'docs/deploy', name), 'utf8');
const UNITS: Record<string, string> = {
  'tally.service': read('tally.service'),
  // As the page says, for TALLY_DATA.
  'tally.service.d/state.conf': '[Service]\nStateDirectory=tally\n',
  'tally-nats.service': read('tally-nats.service'),
  'tally-node@.service': read('tally-node@.service'),
};

const mounts = () => readFileSync('/proc/self/mounts', 'utf8');
const whyNot = whyNoMachine();
if (whyNot !== undefined) console.warn(`skipped: the units are not run under systemd: ${whyNot}`);
/** Where its unit has it. */
const isNatsHere = existsSync('/usr/sbin/nats-server');
if (!isNatsHere) console.warn('skipped: there is no /usr/sbin/nats-server for the units of a cluster');

describe.skipIf(whyNot !== undefined)('the units, on a machine of its own', () => {
  const mountsBefore = mounts();
  let place: string;
  let machine: Machine;

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'tally-systemd-'));
    const files = join(place, 'files');
    const bin = join(files, 'usr/local/bin');
    mkdirSync(bin, { recursive: true });
    const { file } = await pack(place);
    await run('npm', ['install', '--global', '--prefix', join(files, 'usr/local'), file], place);
    if (!NODES.some(existsSync)) cpSync(process.execPath, join(bin, 'node'), { dereference: true });
    machine = await Machine.boot(files);
  }, BOOT_MS_MAX);

  afterAll(async () => {
    await machine?.close();
    rmSync(place, { recursive: true, force: true });
    expect(mounts()).toBe(mountsBefore);
  });

  /** All of them, one with a line replaced. */
  async function install(unit = '', line = '', instead = ''): Promise<void> {
    for (const [name, text] of Object.entries(UNITS)) {
      if (name === unit) expect(text).toContain(`\n${line}\n`);
      const written = name === unit ? text.replace(`\n${line}\n`, `\n${instead}\n`) : text;
      await machine.write(join(FOLDER, name), written);
    }
    await machine.run('systemctl daemon-reload');
  }

  test('tally.service is installed with the commands of the page, and begins with the machine', async () => {
    const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const [, commands] = /^## systemd$.*?^```sh \w+$(.*?)^```$/ms.exec(page)!;
    await machine.run(`set -e\n${commands}`);
    const unit = new Unit(machine, 'tally');
    expect([await unit.says('ActiveState'), await unit.says('UnitFileState')]).toEqual(['active', 'enabled']);
    await unit.answers(7878, '{"type":"health"}\n');
  });

  describe('tally.service', () => {
    beforeAll(() => install());
    test.each(PROMISES)('%s', (_, promised) => promised(machine));
  });

  describe.skipIf(!isNatsHere)('tally-nats.service and tally-node@.service', () => {
    beforeAll(() => install());
    test.each(CLUSTER_PROMISES)('%s', (_, promised) => promised(machine));
  });

  describe('with a fault', () => {
    const faults = FAULTS.filter(([unit]) => isNatsHere || unit.startsWith('tally.service'));
    test.each(faults)('%s: %s → "%s"', async (unit, line, instead, promised, shows) => {
      await install(unit, line, instead);
      await expect(promised(machine)).rejects.toThrow(shows);
    });
  });
});
