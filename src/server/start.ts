/**
 * `tally serve`: assembles the parts, starts them, and announces the address.
 */
import { setFlagsFromString } from 'node:v8';
import type { CatchUpProgress } from '../cluster/cluster.ts';
import { addressesOf } from '../config/addresses.ts';
import type { Settings } from '../config/settings.ts';
import type { Watched } from '../http/snapshot.ts';
import type { StartProgress } from '../journal/journal.ts';
import type { Log } from '../log.ts';
import { Listener, type ListensAt } from '../net/listener.ts';
import { readInto } from '../net/plain-transport.ts';
import { announce, logJoined, logLink, logRecovery } from './announce.ts';
import { assemble, assembleNode, openCluster, openJournal } from './assemble.ts';
import { Reload } from './reload.ts';
import { openSecurity } from './security.ts';
import { Shutdown } from './shutdown.ts';
import { warnIfExposed } from './warnings.ts';

/**
 * The young generation is collected by the socket thread alone. It holds only the garbage of streams, so a collection
 * has little to do; waking helper threads for it took a tenth of the processor time, and took cores from the workers.
 * (The old generation is still marked concurrently.)
 */
const COLLECTOR_FLAGS = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/** Is told how far the start with a journal or in a cluster is, and when there is no more to tell. */
export interface StartDisplay extends StartProgress, CatchUpProgress {
  clear(): void;
}

/**
 * Resolves when the server serves; if it can't start, stops everything again and rejects. `reread` reads the settings
 * anew, for a reload; `given` are those that were given, and not left at their defaults.
 */
export async function serve(
  settings: Settings,
  log: Log,
  version: string,
  reread: () => Promise<Settings>,
  display?: StartDisplay,
  given: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const flag of COLLECTOR_FLAGS) setFlagsFromString(flag);
  const addresses = addressesOf(settings, process.env);
  const security = await openSecurity(settings, log);
  const cluster = await openCluster(settings, given, version);
  const journal = await openJournal(settings, display);
  const { engine, sessions, restore, settle } =
    cluster === undefined
      ? assemble(settings, log, journal, security.guardsOf)
      : assembleNode(settings, log, cluster, security.guardsOf);
  security.watch(sessions);
  const listener = new Listener(sessions, settings, readInto, security.tls);
  const watched = {
    engine,
    metrics: sessions.metrics,
    get isDraining() {
      return sessions.phase !== 'serving';
    },
    get connectionsMax() {
      return settings.connectionsMax;
    },
  };
  // Loaded only if it is enabled.
  const http = settings.http < 0 ? undefined : await openHttp(watched, log, version, settings);
  const httpThread = http?.thread;
  // Last: it reads what the others have found to be right.
  const participants = http?.hasFiles ? [...security.participants, http.thread] : security.participants;
  const reload = new Reload({ settings, reread, sessions, log, participants });
  const all: ListensAt[] = [];
  let httpAt: ListensAt | undefined;
  try {
    httpAt = await httpThread?.listen(settings.httpHost, settings.http);
    restore(display);
    await cluster?.catchUp(display);
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
    await settle();
    // Before the first client can be served, so that no signal finds accepted events and no handler.
    const keeper = journal ?? cluster;
    const shutdown = new Shutdown({ settings, engine, sessions, listener, log, keeper }, httpThread);
    shutdown.watchSignals(reload);
    keeper?.onFailed(reason => shutdown.fail(reason));
    cluster?.onLink((isUp, reason) => logLink(log, isUp, reason));
    cluster?.onWarning(reason => log.warn('cluster_warning', { reason }, reason));
    for (const address of addresses) all.push(await listener.listen(address, settings.backlog));
    httpThread?.serving();
  } catch (error) {
    listener.close();
    httpThread?.end();
    engine.workers.terminate();
    await journal?.close();
    throw error;
  }

  announce(log, settings, version, addresses, all, httpAt, (journal ?? cluster) !== undefined);
  if (journal !== undefined) logRecovery(log, journal);
  if (cluster !== undefined) logJoined(log, settings, cluster);
  warnIfExposed(log, settings, addresses, all, httpAt?.address);
  security.warn();
  reload.begin();
}

async function openHttp(watched: Watched, log: Log, version: string, settings: Settings) {
  const [{ HttpThread }, { protectionOf }] = await Promise.all([
    import('../http/thread.ts'),
    import('../http/protection.ts'),
  ]);
  const protection = protectionOf(settings);
  return {
    thread: new HttpThread(watched, log, version, protection),
    hasFiles: protection !== undefined,
  };
}
