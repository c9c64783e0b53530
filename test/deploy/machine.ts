/**
 * A machine of its own under a real systemd, without an engine: the first process of new namespaces (also of the network),
 * on a copy of this machine's files that is thrown away, with the units that it is given and those that they need.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endsWithUs, type Running, start } from '../../src/tools/harness/process.ts';
import { until } from '../../src/tools/harness/waiting.ts';

const SYSTEMD = '/lib/systemd';
/** Of systemd's own units, those that make a system that runs and logs. */
const UNITS =
  'basic sysinit local-fs swap sockets timers paths slices network network-online multi-user shutdown'
    .split(' ')
    .map(name => `${name}.target`);
const JOURNAL = [
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-journald-dev-log.socket',
] as const;
const NAMESPACES = ['--pid', '--fork', '--kill-child', '--mount', '--uts', '--ipc', '--net'];
const VARIABLES = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'LC_ALL=C.UTF-8',
  'HOME=/root',
];
/** Where this is in /run, a command reaches the systemd of the new root, and not that of this machine. */
const MARK = 'tally-machine';
const BOOT_MS_MAX = 60_000;
const COMMAND_MS_MAX = 60_000;

/** A root that is a copy of this machine's: what is written there lies in memory. `$0` is an empty folder. */
const COPY = `
set -e
mount -t tmpfs -o mode=755 tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" overlay "$0/root"
`;
/** Makes it a machine, and then is its systemd: `$1` has further files, `$2` is its group in the tree of cgroups. */
const BOOT = `${COPY}
echo 0 > "$2/cgroup.procs"
cd "$0/root"
rm -rf etc/systemd/system etc/fstab var/log/journal
cp -a "$1"/* .
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do cp -a "/dev/$name" dev; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/\${name#*:}" "dev/\${name%:*}"; done
ln -s /proc/self/fd dev/fd
for name in dev/shm tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$name"; done
mount -t tmpfs -o mode=755 tmpfs run
touch run/${MARK}
pivot_root . .
umount -l .
exec unshare --cgroup sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec env -i "$@"' sh \
  container=tally ${VARIABLES.join(' ')} SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/nowhere \
  ${SYSTEMD}/systemd --unit=multi-user.target --show-status=no --log-target=journal
`;
/** Sends what comes to the port that is given, and prints the replies; until both sides have nothing more to say. */
const ASK = `
const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
process.stdin.pipe(socket).pipe(process.stdout);
`;

/** Why there can't be one here; undefined if there can. */
export function whyNoMachine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes Linux and root';
  if (!existsSync(`${SYSTEMD}/systemd`)) return `there is no ${SYSTEMD}/systemd`;
  if (groupsOf() === undefined) return 'there are no cgroups of version 2';
  const folder = mkdtempSync(join(tmpdir(), 'tally-machine-'));
  const tried = spawnSync('unshare', [...NAMESPACES, 'sh', '-c', COPY, folder], { encoding: 'utf8' });
  rmdirSync(folder);
  return tried.status === 0 ? undefined : `no namespaces, or no overlay: ${tried.stderr}`;
}

/** The folder of this process in the tree of cgroups of version 2. */
function groupsOf(): string | undefined {
  const mounted = /^\S+ \S+ \S+ \/ (\S+) .* - cgroup2 /m.exec(
    readFileSync('/proc/self/mountinfo', 'utf8'),
  )?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  return mounted === undefined || own === undefined ? undefined : join(mounted, own);
}

export class Machine {
  readonly #folder: string;
  readonly #group: string;
  readonly #running: Running;

  /** `files` is a folder with what its root has beside this machine's files. */
  private constructor(files: string) {
    const units = join(files, 'etc/systemd/system');
    mkdirSync(units, { recursive: true });
    for (const name of [...UNITS, ...JOURNAL]) cpSync(join(SYSTEMD, 'system', name), join(units, name));
    const wanted = join(units, 'sysinit.target.wants');
    mkdirSync(wanted);
    symlinkSync(`../${JOURNAL[0]}`, join(wanted, JOURNAL[0]));
    this.#folder = mkdtempSync(join(tmpdir(), 'tally-machine-'));
    this.#group = join(groupsOf()!, `tally-machine-${process.pid}`);
    mkdirSync(this.#group);
    this.#running = start({
      name: 'systemd',
      program: 'unshare',
      args: [...NAMESPACES, 'sh', '-c', BOOT, this.#folder, files, this.#group],
    });
  }

  static async boot(files: string): Promise<Machine> {
    const machine = new Machine(files);
    try {
      await until(() => machine.#isUp(), 'systemd is up', BOOT_MS_MAX);
      return machine;
    } catch (error) {
      await machine.close();
      throw new Error(`${machine.#running.output()}`, { cause: error });
    }
  }

  /** Runs a command of the shell there, and resolves to what it prints; throws if it fails. */
  run(command: string, input = '', limitMs = COMMAND_MS_MAX): Promise<string> {
    return new Promise((resolve, reject) => {
      const [program, ...args] = this.#within('sh', '-c', command);
      const options = { timeout: limitMs, killSignal: 'SIGKILL' } as const;
      const child = execFile(program!, args, options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command}: ${error.code ?? error.signal}: ${stdout}${stderr}`));
      });
      child.stdin!.on('error', () => {}).end(input);
    });
  }

  write(path: string, text: string): Promise<string> {
    return this.run(`mkdir -p "$(dirname ${path})" && cat > ${path}`, text);
  }

  /** Sends bytes to a port there, then nothing more, and resolves to all that came. */
  exchange(port: number, bytes: string): Promise<string> {
    return this.run(`${process.execPath} -e "${ASK}" ${port}`, bytes);
  }

  /** A process there that is to be ended. */
  spawn(...words: string[]): ChildProcess {
    const [program, ...args] = this.#within(...words);
    const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    endsWithUs(child);
    return child;
  }

  /** A connection to a port there: its standard input and output. */
  connect(port: number): ChildProcess {
    return this.spawn(process.execPath, '-e', ASK, `${port}`);
  }

  async close(): Promise<void> {
    await this.#running.stop();
    // The last of its processes are on their way out.
    await until(() => removed(this.#group), 'its cgroups are empty');
    rmdirSync(this.#folder);
  }

  async #isUp(): Promise<boolean> {
    if (this.#running.hasEnded) throw new Error('it has ended');
    return this.run(`test -e /run/${MARK} && systemctl is-active multi-user.target`).then(
      () => true,
      () => false,
    );
  }

  #within(...words: string[]): string[] {
    const { pid } = this.#running;
    const [one = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const all = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
    return ['nsenter', '--target', one, ...all, 'env', '-i', ...VARIABLES, ...words];
  }
}

function removed(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory()) removed(join(group, entry.name));
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}
