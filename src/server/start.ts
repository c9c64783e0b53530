/**
 * `tally serve`: assembles the parts, starts them, and announces the address.
 */
import { isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import type { Settings } from '../config/settings.ts';
import type { Journal, StartProgress } from '../journal/journal.ts';
import { grouped, type Log } from '../log.ts';
import { Listener, type ListensAt } from '../net/listener.ts';
import { assemble, openJournal } from './assemble.ts';
import { Shutdown } from './shutdown.ts';
import { warnIfExposed } from './warnings.ts';

/**
 * The young generation is collected by the socket thread alone. It holds only the garbage of streams, so a collection
 * has little to do; waking helper threads for it took a tenth of the processor time, and took cores from the workers.
 * (The old generation is still marked concurrently.)
 */
const COLLECTOR_FLAGS = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/** Is told how far the start with a journal is, and when there is no more to tell. */
export interface StartDisplay extends StartProgress {
  clear(): void;
}

/** Resolves when the server serves; if it can't start, stops everything again and rejects. */
export async function serve(
  settings: Settings,
  log: Log,
  version: string,
  display?: StartDisplay,
): Promise<void> {
  for (const flag of COLLECTOR_FLAGS) setFlagsFromString(flag);
  const journal = await openJournal(settings, display);
  const { engine, sessions, restore } = assemble(settings, log, journal);
  const listener = new Listener(sessions, settings);
  const watched = {
    engine,
    metrics: sessions.metrics,
    get isDraining() {
      return sessions.phase !== 'serving';
    },
  };
  // Loaded only if it is enabled.
  const httpThread =
    settings.http < 0 ? undefined : new (await import('../http/thread.ts')).HttpThread(watched, log, version);
  let at: ListensAt;
  let httpAt: ListensAt | undefined;
  try {
    httpAt = await httpThread?.listen(settings.httpHost, settings.http);
    restore(display);
    display?.clear();
    const prepared = journal?.start(reason =>
      log.error(
        'journal_damaged',
        { reason },
        `the journal is damaged: ${reason}; the balances are right while the server runs: see tally journal verify`,
      ),
    );
    await engine.workers.start();
    await prepared;
    await journal?.settle(engine);
    // Before the first client can be served, so that no signal finds accepted events and no handler.
    const shutdown = new Shutdown({ settings, engine, sessions, listener, log, journal }, httpThread);
    shutdown.watchSignals();
    journal?.onFailed(reason => shutdown.fail(reason));
    at = await listener.listen(settings.host, settings.port, settings.backlog);
    httpThread?.serving();
  } catch (error) {
    httpThread?.end();
    engine.workers.terminate();
    await journal?.close();
    throw error;
  }

  const { port } = at;
  const http = httpAt?.port;
  const { host, httpHost, workers, ring, users } = settings;
  const tryIt = `printf '{"user":"alice","action":"buy","amount":100}\\n' | nc -N ${reachable(host)} ${port}`;
  log.announce(
    'listening',
    {
      host,
      port,
      http,
      httpHost: http === undefined ? undefined : httpHost,
      pid: process.pid,
      version,
      workers,
      ring,
      users,
      connectionsMax: settings.connectionsMax,
      try: tryIt,
    },
    `${log.style('bold', `Tally ${version}`)} listens on ${log.style('cyan', `${host}:${port}`)}, ${workers} worker${workers === 1 ? '' : 's'}, pid ${process.pid}\n` +
      (http === undefined
        ? ''
        : `live page: ${log.style('cyan', `http://${inAddress(reachable(httpHost))}:${http}/`)}\n`) +
      `${log.style('gray', 'try, in another terminal:')}\n${tryIt}\n` +
      `${log.style('gray', 'Ctrl+C stops it; nothing that was accepted is lost.')}` +
      (journal === undefined
        ? `\n${log.style('gray', 'Balances are in memory only; with --data DIR they stay.')}`
        : ''),
  );
  if (journal !== undefined) logRecovery(log, journal);
  warnIfExposed(log, at.address, httpAt?.address);
}

function logRecovery(log: Log, { dir, recovered, recoveryMs }: Journal): void {
  const { epoch, events, blocks, ends } = recovered;
  const { users } = recovered.ledger;
  const isClean = epoch === 0 || ends.every(end => end.isClosed);
  const ms = Math.round(recoveryMs);
  const how = isClean ? '' : ', after a server that had not stopped by itself';
  const text =
    epoch === 0
      ? `a new journal in ${dir}`
      : `${grouped(users)} users from ${dir}, with ${grouped(events)} events behind the last snapshot, in ${ms} ms${how}`;
  log.info('recovered', { data: dir, users, events, blocks, clean: isClean, ms }, text);
}

/** From this machine. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/** As a URL has it. */
function inAddress(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
