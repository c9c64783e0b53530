#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * `tally <command>`: finds the command, reports a mistake in one line, sets the exit code.
 *
 * This file imports nothing before it runs, and uses no syntax that an old Node can't parse: so signals are watched
 * from the first moment, and a Node that is too old is told in one line.
 *
 * The flag above keeps the young generation of the heap small. It would grow to 32 MiB under load, for objects that
 * die young in any case; measured under abuse, the flag saves about 25 MiB and costs no throughput.
 */

/** As in package.json. */
const NODE_MIN = [20, 19] as const;
/** As in server/shutdown.ts, which is not loaded for these two. */
const NOT_STARTED = 1;
const USAGE = 2;

const HELP = `Tally: a TCP event server. Line-delimited JSON in, exact balances out.

  tally serve [flags]    start the server (tally serve --help lists the flags)
  tally load [flags]     put a server under load, and say what happened (tally load --help)
  tally compare A B      two runs of tally load side by side
  tally watch [:PORT]    a running server, live: its counts, rings and latency
  tally admin users      its users and balances; connections, close N, log-level LEVEL, snapshot (tally admin --help)

  tally cluster status   a cluster of several nodes: who runs, what is stored, how old the snapshot is
  tally cluster try      three nodes and three NATS servers on this machine, to kill and to watch (tally cluster --help)

  tally config check FILE     what tally serve --config FILE would run with, or what is wrong (tally config --help)
  tally config example        a file of all settings, to begin with

  tally journal verify DIR    what tally serve --data DIR keeps: is it whole? (tally journal --help)
  tally journal events DIR    its events, a JSON line each
  tally journal balances DIR  its balances, now or as they were
  tally backup DIR TO         a whole copy of it, of a running server too
  tally token list --tokens FILE  who may do what, for which users; new and revoke change it (tally token --help)

  tally steps            the path: ten servers, each wrong in one new way, and how far you have come
  tally step N           run one of them
  tally pain N           hurt it, and see what happens
  tally race N M         two of them under the same load, side by side
  tally diff N M         what changes from one to another
  tally check N          does a server of your own do what step N must? (in any language)
  tally roadmap          the path as tasks to work through: printed, as issues, or as files of your own
  tally explore          a few threads in every order there is: which orders lose an update?
  tally lab NAME         something small beside a step: what await is made of, copies against locks
  tally tags             cut the git tags step-00 to step-10, and two for each lesson
  tally lessons          the path goes on: what goes wrong with real money and more than one process
  tally lesson N         run one of the two servers of a lesson; pain, race, diff and check know lessons, too

In a checkout, write npx tally.

  tally --help           this text
  tally --version        the version

Once it serves, from another terminal:

  printf '{"user":"alice","action":"buy","amount":100}\\n' | nc -N 127.0.0.1 7878
  printf '{"type":"balance","user":"alice"}\\n' | nc -N 127.0.0.1 7878

Exit codes: 0 stopped cleanly, 1 could not start, 2 wrong usage, 3 accepted events were lost,
4 the journal could not be written, or the cluster not be followed,
129, 130 or 143 stopped at once by a second signal.
`;

const COMMANDS = [...HELP.matchAll(/^ {2}tally ([a-z]+)/gm)].map(([, name]) => name!);

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    // Each is loaded on demand: a server does not need the others.
    case 'serve':
      return (await import('./serve.ts')).serveCommand(rest);
    case 'config':
      return (await import('./config/command.ts')).configCommand(rest);
    case 'load':
      return (await import('../tools/load/command.ts')).loadCommand(rest);
    case 'compare':
      return (await import('../tools/load/command.ts')).compareCommand(rest);
    case 'watch':
      return (await import('../tools/watch/command.ts')).watchCommand(rest);
    case 'admin':
      return (await import('../tools/admin/command.ts')).adminCommand(rest);
    case 'cluster':
      return (await import('./cluster.ts')).clusterCommand(rest);
    case 'journal':
      return (await import('../journal/cli/command.ts')).journalCommand(rest);
    case 'backup':
      return (await import('../journal/cli/backup.ts')).backupCommand(rest);
    case 'token':
      return (await import('../security/cli/command.ts')).tokenCommand(rest);
    case 'race':
      return (await import('../../steps/race/command.ts')).raceCommand(rest);
    case 'steps':
      return (await import('../../steps/kit/listing.ts')).stepsCommand(rest);
    case 'step':
      return (await import('../../steps/kit/step.ts')).stepCommand(rest);
    case 'pain':
      return (await import('../../steps/kit/pain.ts')).painCommand(rest);
    case 'diff':
      return (await import('../../steps/kit/diff.ts')).diffCommand(rest);
    case 'check':
      return (await import('../../steps/kit/check/command.ts')).checkCommand(rest);
    case 'roadmap':
      return (await import('../../steps/kit/roadmap/command.ts')).roadmapCommand(rest);
    case 'explore':
      return (await import('../../steps/explore/command.ts')).exploreCommand(rest);
    case 'lab':
      return (await import('../../steps/labs/command.ts')).labCommand(rest);
    case 'lessons':
      return (await import('../../steps/lesson-kit/listing.ts')).lessonsCommand(rest);
    case 'lesson':
      return (await import('../../steps/lesson-kit/run.ts')).lessonCommand(rest);
    case 'tags':
      return (await import('../../steps/kit/tags.ts')).tagsCommand(rest);
    case '--version':
    case '-v':
      return printHelp(`${(await import('./version.ts')).version()}\n`);
    case '--help':
    case '-h':
    case 'help':
      return rest[0] === undefined ? printHelp(HELP) : main([rest[0], '--help']);
    case undefined:
      process.exitCode = USAGE;
      return printHelp(HELP, process.stderr);
    default: {
      const { orNearest } = await import('./terminal/nearest.ts');
      fail(
        USAGE,
        `unknown command: ${command}${orNearest(command, COMMANDS)}; tally --help lists the commands`,
      );
    }
  }
}

/** Loaded on demand, like the commands. */
async function printHelp(text: string, out: NodeJS.WriteStream = process.stdout): Promise<void> {
  (await import('./terminal/output.ts')).prepareOutput('tally');
  (await import('./terminal/help.ts')).printHelp(text, out);
}

function fail(exitCode: number, message: string): void {
  process.stderr.write(`tally: ${message}\n`);
  process.exitCode = exitCode;
}

/** Empty if this Node is recent enough. */
function nodeMistake(version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return '';
  return `this is Node ${version}, and Tally needs ${NODE_MIN.join('.')} or newer`;
}

/**
 * Until the command watches signals itself, they end the process. They do so by default, but not as process 1 of a
 * container. (A command that writes to a terminal may be blocked there; then only the default ends it.)
 */
function watchSignals(): void {
  if (process.argv[2] !== 'serve' && process.pid !== 1) return;
  process.on('SIGINT', endOn).on('SIGTERM', endOn);
}

function endOn(signal: NodeJS.Signals, number: number): void {
  if (process.listenerCount(signal) > 1) return;
  process.off(signal, endOn);
  process.kill(process.pid, signal);
  process.exit(128 + number);
}

async function start(): Promise<void> {
  const { closeGoneTerminals, endWithNpm, hasTerminal, keepHangUp } = await import('../signals.ts');
  if (process.listenerCount('SIGTERM') > 0) process.on('SIGHUP', hasTerminal ? endOn : keepHangUp);
  closeGoneTerminals();
  endWithNpm();
  await main(process.argv.slice(2));
}

const mistake = nodeMistake(process.versions.node);
if (mistake !== '') fail(NOT_STARTED, mistake);
else {
  watchSignals();
  start().catch(error =>
    fail(NOT_STARTED, `could not start: ${error instanceof Error ? error.message : String(error)}`),
  );
}
