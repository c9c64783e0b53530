/** The user's own servers: started by a shell command, or running already. */
import { addressText } from '../../cli/terminal/address.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { freePort, type Server, ServerError, startOnPort, unreachable } from './server.ts';

/** The command may compile first. */
const START_LIMIT_MS = 120_000;

/** Values for a command, passed in its environment and for placeholders such as `{port}`. Names in capitals. */
export type Variables = Record<string, string>;

/** Where a command must listen, and how soon. */
export interface Listening {
  port: number;
  limitMs: number;
}

/** Starts a command for a shell, which learns its port (a free one, unless it is given) from PORT or from `{port}`. */
export async function startCommand(
  command: string,
  variables: Variables,
  where: Partial<Listening> = {},
): Promise<Server> {
  const { port = await freePort(), limitMs = START_LIMIT_MS } = where;
  const known: Variables = { ...variables, PORT: String(port) };
  const line = command.replace(/\{(\w+)\}/g, (whole, name: string) => known[name.toUpperCase()] ?? whole);
  // A process group of its own: the shell, and whatever the command starts, end together.
  const program = {
    name: command,
    program: 'sh',
    args: ['-c', GATE + forShell(line)],
    env: known,
    isGroup: true,
  };
  return startOnPort(program, port, limitMs);
}

/** Waits for the word to start, and starts nothing if it does not come. The command has no input. */
const GATE = 'read -r go || exit\nexec </dev/null\n';

/**
 * The process should end with the command. For a plain command the shell is replaced by it (`exec`); for anything
 * else (`cd app && …`, `DEBUG=1 …`) it stays, ignores signals, and ends with the command's exit code.
 */
function forShell(line: string): string {
  const isPlain = /^\s*[\w./~-]+(?:\s|$)/.test(line) && !/[;&|\n`]|\$\(/.test(line) && !SHELL_WORD.test(line);
  return isPlain ? `exec ${line}` : `trap : INT TERM\n${line}`;
}

/** Words and characters that only a shell can interpret. */
const SHELL_WORD =
  /^\s*(?:\.|case|cd|command|eval|exec|exit|export|for|if|read|set|source|trap|ulimit|umask|unset|until|wait|while)(?:\s|$)/;

/** A server that runs already. It is not stopped. */
export async function findServer(host: string, port: number): Promise<Server> {
  const why = await unreachable(host, port);
  if (why?.includes('ECONNREFUSED'))
    throw new ServerError(`nothing listens on ${addressText({ host, port })}`);
  if (why !== undefined) throw new ServerError(`no connection to ${addressText({ host, port })}: ${why}`);
  return {
    host,
    port,
    pid: undefined,
    hasEnded: false,
    ended: new Promise(() => {}),
    output: () => '',
    signal: () => {
      throw new UsageError(
        'a server that was found on a port cannot be signalled; give its command with --cmd',
      );
    },
    stop: async () => {},
  };
}
