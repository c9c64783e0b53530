/** The defaults that depend on the machine, and what a container leaves of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cgroupLimits } from '../../src/config/cgroup.ts';
import { type Machine, usersFor, workersFor } from '../../src/config/machine.ts';
import { readSettings } from '../../src/config/read.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const NONE = Number.POSITIVE_INFINITY;

/** The limits in a world that has these files only. */
const limitsIn = (files: Record<string, string>) => cgroupLimits(path => files[path]);

const V2 = '30 22 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const V1 =
  '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n' +
  '31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n' +
  '34 30 0:31 / /sys/fs/cgroup/memory rw shared:2 - cgroup cgroup rw,memory\n' +
  '40 30 0:37 / /sys/fs/cgroup/unified rw shared:3 - cgroup2 cgroup2 rw\n';
const V1_GROUPS = (path: string) => `9:name=systemd:/x\n4:memory:${path}\n1:cpu,cpuacct:${path}\n0::/\n`;
const CPU = '/sys/fs/cgroup/cpu,cpuacct';
const MEMORY = '/sys/fs/cgroup/memory';

describe('the limits of the control groups', () => {
  test('version 2, in a container: its group is the root that it sees', () => {
    expect(
      limitsIn({
        '/proc/self/mountinfo': V2,
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/memory.max': '536870912\n',
      }),
    ).toEqual({ cores: 1.5, memoryBytes: 512 * MIB });
  });

  test('version 2, nested: the least on the way up counts, and `max` is no limit', () => {
    expect(
      limitsIn({
        '/proc/self/mountinfo': V2,
        '/proc/self/cgroup': '0::/pods.slice/pod1.slice/tally.scope\n',
        '/sys/fs/cgroup/pods.slice/cpu.max': '400000 100000\n',
        '/sys/fs/cgroup/pods.slice/memory.max': `${GIB}\n`,
        '/sys/fs/cgroup/pods.slice/pod1.slice/cpu.max': '50000 25000\n',
        '/sys/fs/cgroup/pods.slice/pod1.slice/memory.max': 'max\n',
        '/sys/fs/cgroup/pods.slice/pod1.slice/tally.scope/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/pods.slice/pod1.slice/tally.scope/memory.max': 'max\n',
        '/sys/fs/cgroup/pods.slice/pod1.slice/tally.scope/memory.high': `${GIB / 2}\n`,
        '/sys/fs/cgroup/other.slice/cpu.max': '1000 100000\n',
      }),
    ).toEqual({ cores: 2, memoryBytes: GIB / 2 });
  });

  test('version 1, each controller where it is mounted, nested', () => {
    expect(
      limitsIn({
        '/proc/self/mountinfo': V1,
        '/proc/self/cgroup': V1_GROUPS('/docker/1f2e'),
        [`${CPU}/cpu.cfs_quota_us`]: '-1\n',
        [`${CPU}/cpu.cfs_period_us`]: '100000\n',
        [`${CPU}/docker/cpu.cfs_quota_us`]: '300000\n',
        [`${CPU}/docker/cpu.cfs_period_us`]: '100000\n',
        [`${CPU}/docker/1f2e/cpu.cfs_quota_us`]: '-1\n',
        [`${CPU}/docker/1f2e/cpu.cfs_period_us`]: '100000\n',
        [`${MEMORY}/memory.limit_in_bytes`]: '9223372036854771712\n',
        [`${MEMORY}/docker/1f2e/memory.limit_in_bytes`]: `${GIB}\n`,
      }),
    ).toEqual({ cores: 3, memoryBytes: GIB });
  });

  test('version 1, in a container that sees the path of the host', () => {
    const mounts = V1.replaceAll(' / /sys', ' /docker/1f2e /sys');
    const files = {
      [`${CPU}/cpu.cfs_quota_us`]: '100000\n',
      [`${CPU}/cpu.cfs_period_us`]: '100000\n',
      [`${CPU}/inner/cpu.cfs_quota_us`]: '50000\n',
      [`${CPU}/inner/cpu.cfs_period_us`]: '100000\n',
      [`${MEMORY}/memory.limit_in_bytes`]: `${GIB}\n`,
    };
    const limits = (group: string) =>
      limitsIn({ ...files, '/proc/self/mountinfo': mounts, '/proc/self/cgroup': V1_GROUPS(group) });
    expect(limits('/docker/1f2e')).toEqual({ cores: 1, memoryBytes: GIB });
    expect(limits('/docker/1f2e/inner')).toEqual({ cores: 0.5, memoryBytes: GIB });
    // A group that is not below what is mounted: no more than the mount is known.
    expect(limits('/docker/1f2e3')).toEqual({ cores: 1, memoryBytes: GIB });
  });

  test.each([
    ['no /proc', {}],
    [
      'no control groups',
      { '/proc/self/mountinfo': '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n', '/proc/self/cgroup': '' },
    ],
    ['groups that are not mounted', { '/proc/self/mountinfo': '', '/proc/self/cgroup': '0::/\n' }],
    [
      'files that say nothing of use',
      {
        '/proc/self/mountinfo': V2,
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/cpu.max': '',
        '/sys/fs/cgroup/memory.max': '0\n',
      },
    ],
  ])('none, where there are %s', (_, files) => {
    expect(limitsIn(files as Record<string, string>)).toEqual({ cores: NONE, memoryBytes: NONE });
  });

  test('of this process can be read', () => {
    const { cores, memoryBytes } = cgroupLimits();
    expect(cores).toBeGreaterThan(0);
    expect(memoryBytes).toBeGreaterThan(16 * MIB);
  });
});

/** A group that this test may make, below the one it is in: of version 1 or 2. */
const made = [
  {
    cpu: '/sys/fs/cgroup/cpu',
    memory: '/sys/fs/cgroup/memory',
    quota: ['cpu.cfs_quota_us', '150000'],
    limit: 'memory.limit_in_bytes',
  },
  {
    cpu: '/sys/fs/cgroup',
    memory: '/sys/fs/cgroup',
    quota: ['cpu.max', '150000 100000'],
    limit: 'memory.max',
  },
].find(({ cpu, memory, quota, limit }) => {
  const folders = [...new Set([cpu, memory])].map(folder => `${folder}/tally-look-${process.pid}`);
  try {
    for (const folder of folders) mkdirSync(folder);
    return existsSync(`${folders[0]}/${quota[0]}`) && existsSync(`${folders.at(-1)}/${limit}`);
  } catch {
    return false;
  } finally {
    for (const folder of folders) if (existsSync(folder)) spawnSync('rmdir', [folder]);
  }
});
if (made === undefined) console.warn('skipped: no control group can be made here to start a process in');

test.skipIf(made === undefined)('a process in a group of a real group has the limits of both', () => {
  const { cpu, memory, quota, limit } = made!;
  const name = `tally-test-${process.pid}`;
  const folders = [...new Set([cpu, memory])].flatMap(folder => [
    `${folder}/${name}`,
    `${folder}/${name}/inner`,
  ]);
  const inner = folders.filter(folder => folder.endsWith('/inner'));
  for (const folder of folders) mkdirSync(folder);
  onTestFinished(() => {
    for (const folder of folders.reverse()) rmdirSync(folder);
  });
  writeFileSync(`${cpu}/${name}/${quota[0]}`, quota[1]!);
  writeFileSync(`${memory}/${name}/${limit}`, String(GIB));
  const module = new URL('../../dist/src/config/cgroup.js', import.meta.url).href;
  const look =
    'import(process.argv[1]).then(({ cgroupLimits }) => console.log(JSON.stringify(cgroupLimits())))';
  const join = inner.map(folder => `echo $$ >${folder}/cgroup.procs`).join(' && ');
  const output = execFileSync(
    'sh',
    ['-c', `${join} && exec "$0" -e "$1" "$2"`, process.execPath, look, module],
    {
      encoding: 'utf8',
    },
  );
  expect(JSON.parse(output)).toEqual({ cores: 1.5, memoryBytes: GIB });
});

describe('the defaults', () => {
  test.each([
    ['64 cores', 64, NONE, 63],
    ['100 cores', 100, NONE, 64],
    ['4 cores', 4, 8 * GIB, 3],
    ['a quota of one core', 1, 8 * GIB, 1],
    ['64 cores and 512 MiB', 64, 512 * MIB, 20],
    ['64 cores and 256 MiB', 64, 256 * MIB, 7],
    ['64 cores and 64 MiB', 64, 64 * MIB, 1],
  ])('on %s: workers', (_, cores, memoryBytes, workers) => {
    expect(workersFor({ cores, memoryBytes })).toBe(workers);
  });

  test('as many users as the memory has room for, unless they are given', () => {
    const machine: Machine = { cores: 2, memoryBytes: 128 * MIB, descriptors: 1_000_000 };
    const users = usersFor(machine, 1);
    expect(users).toBeGreaterThan(100_000);
    expect(users).toBeLessThan(300_000);
    expect(readSettings(['--workers', '1'], {}, machine).users).toBe(users);
    expect(readSettings(['--workers', '1', '--users', '1000000'], {}, machine).users).toBe(1_000_000);
    expect(readSettings(['--workers', '1'], {}, { ...machine, memoryBytes: GIB }).users).toBe(2 ** 20);
    expect(usersFor({ memoryBytes: 1 }, 1)).toBe(10_000);
  });
});
