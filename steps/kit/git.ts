/**
 * Git, for the commands that show and tag steps. It always runs in this package's folder, and without the variables
 * in the environment that point to other repositories, which Git's hooks set.
 */
import { spawnSync } from 'node:child_process';
import { CommandError } from '../../src/cli/terminal/command.ts';
import { ROOT } from '../../src/tools/harness/root.ts';

const NO_GIT = 'git is needed for that, and is not there; see https://git-scm.com/downloads';

const OTHERS = ['DIR', 'WORK_TREE', 'INDEX_FILE', 'OBJECT_DIRECTORY', 'COMMON_DIR', 'PREFIX', 'NAMESPACE'];

export function gitEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const name of OTHERS) delete environment[`GIT_${name}`];
  return environment;
}

/** Git's output without the last newline; undefined if it failed. `input` is its standard input. */
export function tryGit(args: readonly string[], input: string | Buffer = ''): string | undefined {
  const { status, stdout } = run(args, input);
  return status === 0 ? stdout.replace(/\n$/, '') : undefined;
}

/** The same, but a failure is an error with Git's own reason. */
export function git(args: readonly string[], input: string | Buffer = ''): string {
  const { status, stdout, stderr } = run(args, input);
  if (status !== 0) throw new CommandError(`git ${args[0]}: ${reasonIn(stderr) || `exit code ${status}`}`);
  return stdout.replace(/\n$/, '');
}

/** Why this folder is no repository to Git; undefined if it is one. */
export function whyNoRepository(): string | undefined {
  const { status, stderr } = run(['rev-parse', '--git-dir'], '');
  return status === 0 ? undefined : reasonIn(stderr);
}

/** From the line that is fatal on: Git may add what mends it. */
function reasonIn(stderr: string): string {
  const from = stderr.search(/^(?:fatal|error): /m);
  return stderr
    .slice(Math.max(0, from))
    .replace(/^(?:fatal|error): /, '')
    .trim();
}

function run(args: readonly string[], input: string | Buffer) {
  const options = { cwd: ROOT, env: gitEnvironment(), input, encoding: 'utf8' } as const;
  // Ignores the reader's replaced objects, and does not refresh the index.
  const ran = spawnSync('git', ['--no-replace-objects', '--no-optional-locks', ...args], options);
  if (ran.error !== undefined) throw new CommandError(isMissing(ran.error) ? NO_GIT : ran.error.message);
  return ran;
}

function isMissing(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
