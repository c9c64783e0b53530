/**
 * `tally serve`: its help, its mistakes in one line, its output.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asGiven } from '../config/as-given.ts';
import { ConfigError } from '../config/config-error.ts';
import { describeSettings } from '../config/help.ts';
import { loadSettings } from '../config/read.ts';
import { Log } from '../log.ts';
import { ListenError } from '../net/listener.ts';
import { Output } from '../output.ts';
import { Exit } from '../server/shutdown.ts';
import { type StartDisplay, serve } from '../server/start.ts';
import { warnOfVariables } from '../server/warnings.ts';
import { hasColour } from './terminal/terminal.ts';
import { version } from './version.ts';

const SERVE_HELP = `tally serve: start the server, until SIGINT (Ctrl+C), SIGTERM, or its terminal goes.

One JSON object a line in, one reply line out, in order. A flag wins over its environment variable, which is
TALLY_ and the flag in capitals: --port is TALLY_PORT, --line-bytes-max is TALLY_LINE_BYTES_MAX. A variable wins over
the file of --config, which SIGHUP has read again (tally config --help).

  tally serve --port 0 --workers 2        two workers, a free port (it is reported)
  tally serve --ring 1024 --work-us 200   events that cost 200 µs and a small queue: see server_busy
  tally serve --data ./data               balances that outlive the server, and kill -9
  tally serve --config tally.toml         settings from a file
  tally serve --cluster nats://10.0.0.1 --node shop-1   one of several nodes with the same balances
  tally serve --http 9100                 a live page at http://127.0.0.1:9100/, and /metrics, /healthz, /readyz
${describeSettings()}

On a terminal it prints readable lines (NO_COLOR is respected); elsewhere JSON lines, the first of them
{"event":"listening",…}, the last {"event":"stopped",…} with the ledger.
`;

/** How long a mistake may wait for the reader of standard error. */
const READER_MS_MAX = 1_000;
const LOOK_MS = 10;

export async function serveCommand(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return printServeHelp();
  try {
    const load = async () => (await loadSettings(args, process.env)).settings;
    const { settings, given } = await loadSettings(args, process.env);
    const output = new Output(1);
    const log = new Log(settings, output, hasColour(output, process.env));
    keepOutput(log);
    const display = settings.data === '' && settings.cluster === '' ? undefined : await startDisplay();
    try {
      await serve(settings, log, version(), load, display, new Set(given.keys()));
    } catch (error) {
      throw asGiven(error, given);
    } finally {
      display?.clear();
      // Behind the first line, which says where it listens; or beside the one that says why it does not.
      warnOfVariables(log, process.env);
    }
  } catch (error) {
    if (error instanceof ConfigError) await fail(Exit.usage, error.message);
    else if (error instanceof ListenError) await fail(Exit.notStarted, error.message);
    else await fail(Exit.notStarted, `could not start: ${error instanceof Error ? error.message : error}`);
  }
}

/** Undefined if standard error is no terminal. */
async function startDisplay(): Promise<StartDisplay | undefined> {
  const output = new Output(2);
  if (!output.isTTY) return undefined;
  return (await import('./start-display.ts')).startDisplay(output);
}

/** Loaded on demand: a server does not need it. */
async function printServeHelp(): Promise<void> {
  (await import('./terminal/output.ts')).prepareOutput('tally');
  (await import('./terminal/help.ts')).printHelp(SERVE_HELP);
}

/** What Node has to say goes into the log too. Node itself writes to standard error, and would wait for its reader. */
function keepOutput(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ stack, message }) =>
    log.warn('node_warning', { reason: stack ?? message }, message),
  );
  process.setUncaughtExceptionCaptureCallback(error => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('crashed', { reason }, reason);
    process.exit(Exit.notStarted);
  });
}

async function fail(exitCode: number, message: string): Promise<void> {
  process.exitCode = exitCode;
  const output = new Output(2);
  output.write(`tally: ${message}\n`);
  const endMs = performance.now() + READER_MS_MAX;
  while (!output.isWritten && performance.now() < endMs) await sleep(LOOK_MS);
}
