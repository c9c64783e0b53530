#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * `tally <command>`: finds the command, reports a mistake in one line, sets the exit code.
 *
 * The flag above keeps the young generation of the heap small. It would grow to 32 MiB under load, for objects that
 * die young in any case; measured under abuse, the flag saves about 25 MiB and costs no throughput.
 */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config/config-error.ts';
import { describeSettings } from '../config/help.ts';
import { readSettings } from '../config/read.ts';
import { Log } from '../log.ts';
import { ListenError } from '../net/listener.ts';
import { Exit } from '../server/shutdown.ts';
import { serve } from '../server/start.ts';
import { warnOfVariables } from '../server/warnings.ts';
import { orNearest } from './terminal/nearest.ts';

const HELP = `Tally: a TCP event server. Line-delimited JSON in, exact balances out.

  tally serve [flags]    start the server (tally serve --help lists the flags)
  tally load [flags]     put a server under load, and say what happened (tally load --help)
  tally compare A B      two runs of tally load side by side
  tally watch [:PORT]    a running server, live: its counts, rings and latency

  tally steps            the path: ten servers, each wrong in one new way, and how far you have come
  tally step N           run one of them
  tally pain N           hurt it, and see what happens
  tally race N M         two of them under the same load, side by side
  tally diff N M         what changes from one to another
  tally check N          does a server of your own do what step N must? (in any language)
  tally roadmap          the path as tasks to work through: printed, as issues, or as files of your own
  tally explore          a few threads in every order there is: which orders lose an update?
  tally tags             cut the git tags step-00 to step-10

In a checkout, write npx tally.

  tally --help           this text
  tally --version        the version

Once it serves, from another terminal:

  printf '{"user":"alice","action":"buy","amount":100}\\n' | nc -N 127.0.0.1 7878
  printf '{"type":"balance","user":"alice"}\\n' | nc -N 127.0.0.1 7878

Exit codes: 0 stopped cleanly, 1 could not start, 2 wrong usage, 3 accepted events were lost,
130 or 143 stopped at once by a second signal.
`;

const COMMANDS = [...HELP.matchAll(/^ {2}tally ([a-z]+)/gm)].map(([, name]) => name!);

const SERVE_HELP = `tally serve: start the server, until SIGINT (Ctrl+C) or SIGTERM.

One JSON object a line in, one reply line out, in order. A flag wins over its environment variable, which is
TALLY_ and the flag in capitals: --port is TALLY_PORT, --line-bytes-max is TALLY_LINE_BYTES_MAX.

  tally serve --port 0 --workers 2        two workers, a free port (it is reported)
  tally serve --ring 1024 --work-us 200   events that cost 200 µs and a small queue: see server_busy
  tally serve --http 9100                 a live page at http://127.0.0.1:9100/, and /metrics, /healthz, /readyz
${describeSettings()}

On a terminal it prints readable lines (NO_COLOR is respected); elsewhere JSON lines, the first of them
{"event":"listening",…}, the last {"event":"stopped",…} with the ledger.
`;

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    case 'serve':
      if (rest.includes('--help') || rest.includes('-h')) return printHelp(SERVE_HELP);
      return runServe(rest);
    // Loaded on demand: a server does not need them.
    case 'load':
      return (await import('../tools/load/command.ts')).loadCommand(rest);
    case 'compare':
      return (await import('../tools/load/command.ts')).compareCommand(rest);
    case 'watch':
      return (await import('../tools/watch/command.ts')).watchCommand(rest);
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
    case 'tags':
      return (await import('../../steps/kit/tags.ts')).tagsCommand(rest);
    case '--version':
    case '-v':
      return printHelp(`${version()}\n`);
    case '--help':
    case '-h':
    case 'help':
      return rest[0] === undefined ? printHelp(HELP) : main([rest[0], '--help']);
    case undefined:
      process.exitCode = Exit.usage;
      return printHelp(HELP, process.stderr);
    default:
      fail(
        Exit.usage,
        `unknown command: ${command}${orNearest(command, COMMANDS)}; tally --help lists the commands`,
      );
  }
}

async function runServe(args: string[]): Promise<void> {
  const settings = readSettings(args, process.env);
  const log = new Log(settings, process.stdout, process.env);
  try {
    await serve(settings, log, version());
  } finally {
    // Behind the first line, which says where it listens; or beside the one that says why it does not.
    warnOfVariables(log, process.env);
  }
}

function version(): string {
  // The compiled file is one folder deeper.
  const up = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
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

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigError) fail(Exit.usage, error.message);
  else if (error instanceof ListenError) fail(Exit.notStarted, error.message);
  else fail(Exit.notStarted, `could not start: ${error instanceof Error ? error.message : String(error)}`);
}
