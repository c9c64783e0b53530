/**
 * Ends what this process has started even if it is killed by SIGKILL, when no code of its own runs any more: a shell
 * holds the other end of a pipe, and kills the rest of its list when that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** Lines are `+` or `-` and a process, or with a minus before it a process group. */
const SCRIPT = `
list=' '
while read -r sign target; do
  case $sign in
    +) list="$list$target " ;;
    -) case $list in *" $target "*) list="\${list%% $target *} \${list#* $target }" ;; esac ;;
  esac
done
for target in $list; do kill -s KILL -- "$target"; done
`;

let shell: ChildProcess | undefined;

/** Starts the shell. Before a program, so that the program is on its list as soon as it runs. */
export function makeWill(): ChildProcess {
  shell ??= started();
  return shell;
}

/** Until the function that is returned is called. A negative number is a process group. */
export function killAfterUs(target: number): () => void {
  const { stdin } = makeWill();
  stdin!.write(`+ ${target}\n`);
  return () => void stdin!.write(`- ${target}\n`);
}

function started(): ChildProcess {
  // A session of its own, which neither Ctrl+C nor a signal to our process group reaches.
  const child = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  // Without a shell, a killed program leaves its servers, and all else works.
  child.on('error', () => {}).unref();
  child.stdin.on('error', () => {});
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}
