/**
 * A container without an engine: a folder that is the root of a process (chroot), with this machine's /usr and /etc to
 * read, and npm's cache, in a namespace of its own for mounts and for processes. What is mounted there is gone with the process.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Stage } from './dockerfile.ts';

/** The user that the image of Node has. */
const USERS: Record<string, number> = { root: 0, node: 1000 };
const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64'];
/** Mounts what a process needs, and then is that process: `$0` is the root, `$1` the user's number, `$2` the folder. */
const ENTER = `
set -e
root=$0 user=$1 folder=$2; shift 2
for name in usr etc ${SYSTEM.join(' ')}; do
  if [ -d "/$name" ] && [ ! -L "/$name" ]; then mount --bind -o ro "/$name" "$root/$name"; fi
done
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
if [ -n "$npm_config_cache" ]; then
  mkdir -p "$root$npm_config_cache"
  mount --bind "$npm_config_cache" "$root$npm_config_cache"
fi
exec chroot --userspec="$user:$user" --groups= "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
`;

/** Why no container can be made here; undefined if it can. */
export function whyNoContainer(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes Linux and root';
  const tried = spawnSync('unshare', ['--mount', '--pid', '--fork', 'chroot', '/', 'true']);
  return tried.status === 0 ? undefined : 'unshare and chroot are not to be had';
}

export class Container {
  readonly root: string;
  #folder = '/';
  #env: Record<string, string>;
  #user = 'root';

  /** An empty one, in a folder that is there. `env` is what every process in it gets beside what its image says. */
  constructor(root: string, env: Record<string, string>) {
    this.root = root;
    this.#env = { PATH: process.env.PATH!, HOME: '/', ...env };
    for (const name of ['usr', 'etc', 'dev', 'proc', 'root', 'tmp']) mkdirSync(join(root, name));
    for (const name of SYSTEM) {
      const entry = lstatSync(`/${name}`, { throwIfNoEntry: false });
      if (entry?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(root, name));
      else if (entry?.isDirectory()) mkdirSync(join(root, name));
    }
  }

  /** Does the instructions of a stage; `folderOf` gives the root of another stage, or the context. */
  async build({ instructions }: Stage, folderOf: (stage: string | undefined) => string): Promise<void> {
    for (const { name, flags, rest } of instructions) {
      const words = rest.split(/\s+/);
      if (name === 'WORKDIR') {
        this.#folder = rest;
        mkdirSync(join(this.root, rest), { recursive: true });
      } else if (name === 'ENV')
        for (const word of words) this.#env[word.split('=')[0]!] = word.slice(word.indexOf('=') + 1);
      else if (name === 'USER') this.#user = rest;
      else if (name === 'COPY') this.#copy(folderOf(flags.from), words);
      else if (name === 'RUN') await this.#run(rest);
    }
  }

  /** Starts a process as the image says: its process 1. */
  start(words: string[], env: Record<string, string> = {}): ChildProcess {
    return spawn('unshare', this.#entering(words), {
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** Runs a process beside it to its end, as a health check is. */
  async execute(words: string[], env: Record<string, string> = {}): Promise<number> {
    const child = this.start(words, env);
    child.stdout!.resume();
    const [exitCode] = (await once(child, 'exit')) as [number];
    return exitCode;
  }

  async #run(command: string): Promise<void> {
    const child = this.start(['sh', '-c', `${command} 2>&1`]);
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', text => {
      output += text;
    });
    const [exitCode] = await once(child, 'close');
    if (exitCode !== 0) throw new Error(`RUN ${command} ended with ${exitCode}: ${output}`);
  }

  #copy(from: string, words: string[]): void {
    const sources = words.slice(0, -1);
    const target = words.at(-1)!;
    if (sources.length > 1 && !target.endsWith('/'))
      throw new Error(`COPY of several into ${target}, no folder`);
    const folder = target.startsWith('/') ? this.root : join(this.root, this.#folder);
    for (const source of sources) {
      const to = target.endsWith('/') ? join(folder, target, basename(source)) : join(folder, target);
      cpSync(join(from, source), to, { recursive: true, verbatimSymlinks: true });
    }
  }

  #entering(words: string[]): string[] {
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
    return [...namespaces, 'sh', '-c', ENTER, this.root, String(USERS[this.#user]), this.#folder, ...words];
  }
}

/** The number that process 1 of a container has outside of it. */
export function processOneOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

/** Its mounts were never here: what is left is its own files. */
export function removeRoot(root: string): void {
  rmSync(root, { recursive: true, force: true });
}
