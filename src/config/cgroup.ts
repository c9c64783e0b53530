/**
 * What the control groups of Linux leave to this process: a container's share of the processors, and of the memory.
 * A limit holds for a group and for all groups in it, so the least one on the way up counts.
 *
 * Node's own functions are not enough: `os.availableParallelism` knows of no quota in Node 20, and newer versions find
 * it only where the controllers are mounted in the usual places; neither it nor `process.constrainedMemory` looks at
 * the groups further up.
 */
import { readFileSync } from 'node:fs';

/** Infinity where there is no limit. */
export interface CgroupLimits {
  /** The quota of processor time: 1.5 is one core and a half. */
  cores: number;
  memoryBytes: number;
}

/** The text of a file; undefined if it can't be read. */
export type ReadFile = (path: string) => string | undefined;

/** Never throws: what can't be read is no limit. */
export function cgroupLimits(read: ReadFile = readText): CgroupLimits {
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').flatMap(mountIn);
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').flatMap(groupIn);
  const folders = groups.flatMap(group => foldersOf(group, mounts));
  const number = (folder: string, file: string) => Number(read(`${folder}/${file}`)?.trim() ?? Number.NaN);
  return {
    cores: least(
      folders.flatMap(folder => {
        const [quota, period] = (read(`${folder}/cpu.max`) ?? '').split(' ').map(Number);
        return [quota! / period!, number(folder, 'cpu.cfs_quota_us') / number(folder, 'cpu.cfs_period_us')];
      }),
    ),
    memoryBytes: least(
      folders.flatMap(folder =>
        ['memory.max', 'memory.high', 'memory.limit_in_bytes'].map(file => number(folder, file)),
      ),
    ),
  };
}

/** `max` is no number, and -1 is no limit. (Version 1 writes a number beyond all memory; that may stay.) */
function least(limits: number[]): number {
  return Math.min(Number.POSITIVE_INFINITY, ...limits.filter(limit => limit > 0));
}

interface Mount {
  /** The group that is seen at the mount point. */
  root: string;
  point: string;
  /** The controllers of a hierarchy of version 1; empty for version 2. */
  controllers: string[];
}

/** `34 30 0:31 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory` */
function mountIn(line: string): Mount[] {
  const [fields = '', source = ''] = line.split(' - ');
  const [, , , root = '', point = ''] = fields.split(' ');
  const [type, , options = ''] = source.split(' ');
  if (type !== 'cgroup' && type !== 'cgroup2') return [];
  return [{ root, point, controllers: type === 'cgroup' ? options.split(',') : [] }];
}

/** A group that this process is in. */
interface Group {
  path: string;
  /** Empty for version 2. */
  controller: string;
}

/** `4:memory:/docker/1f2e`, or `0::/system.slice/tally.service` for version 2. */
function groupIn(line: string): Group[] {
  const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return [];
  const wanted = controllers.split(',').filter(name => ['', 'cpu', 'memory'].includes(name));
  return wanted.map(controller => ({ path, controller }));
}

/** The group's folder, and those above it, as far as they can be seen from here. */
function foldersOf({ path, controller }: Group, mounts: Mount[]): string[] {
  const mount = mounts.find(({ controllers }) =>
    controller === '' ? controllers.length === 0 : controllers.includes(controller),
  );
  if (mount === undefined) return [];
  // In a container without a namespace for its groups, the path is the host's, and so is the root.
  const root = mount.root === '/' ? '' : mount.root;
  const isSeen = path === root || path.startsWith(`${root}/`);
  const names = isSeen ? path.slice(root.length).split('/').filter(Boolean) : [];
  return [mount.point, ...names.map((_, at) => [mount.point, ...names.slice(0, at + 1)].join('/'))];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
