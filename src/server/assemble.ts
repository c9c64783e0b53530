/**
 * Assembles the engine, the sessions in front of it and, if balances are to stay, the journal. Engine and sessions share
 * the read buffer and the secret seed of the hash.
 */
import type { Cluster } from '../cluster/cluster.ts';
import { parseKeep } from '../config/keep.ts';
import type { Settings } from '../config/settings.ts';
import { Engine } from '../engine/engine.ts';
import type { Intake } from '../engine/intake.ts';
import type { WorkerEvents } from '../engine/workers.ts';
import type { Guards } from '../guard/guards.ts';
import type { Journal, StartProgress } from '../journal/journal.ts';
import type { Log } from '../log.ts';
import { drawHashSeed } from '../protocol/hash.ts';
import { createReadBuffer, Sessions } from '../session/sessions.ts';

export interface Assembled<Kind extends Intake = Intake> {
  readonly engine: Kind;
  readonly sessions: Sessions;
  /** Before the workers start: gives the engine what the journal has. */
  restore(progress?: StartProgress): void;
  /** When they have started: what was owed is paid. */
  settle(): Promise<void>;
}

/** Starts nothing yet. */
export function assemble(
  settings: Settings,
  log: Log,
  journal?: Journal,
  guardsOf?: (engine: Intake, journal?: Journal) => Guards | undefined,
): Assembled<Engine> {
  const readBuffer = createReadBuffer(settings);
  const events: Omit<WorkerEvents, 'onProgress'> = {
    onDeath: (worker, reason) =>
      log.warn('worker_died', { worker, reason }, `worker ${worker} died: ${reason}; replacing it`),
    onReplaced: worker => log.warn('worker_replaced', { worker }, `worker ${worker} is replaced`),
    onFailed: (_, reason) => journal?.failed(reason),
  };
  const { ledger, idKey } = journal?.recovered ?? {};
  const options = {
    ...settings,
    idsRestored: ledger?.idCount ?? 0,
    firstTransfer: ledger?.transits.end ?? 1,
  };
  const engine = new Engine(readBuffer.view, options, events, journal);
  const seed = drawHashSeed(idKey);
  const restore = (progress?: StartProgress) => journal?.begin(engine, readBuffer.view, seed, progress);
  const guards = guardsOf?.(engine, journal);
  return {
    engine,
    sessions: new Sessions(settings, engine, readBuffer, seed, log, { journal }, guards),
    restore,
    settle: async () => journal?.settle(engine),
  };
}

/** Takes the folder of the journal and reads it; loads nothing if there is none. */
export async function openJournal(
  settings: Settings,
  progress?: StartProgress,
): Promise<Journal | undefined> {
  if (settings.data === '' || settings.cluster !== '') return undefined;
  const { Journal } = await import('../journal/journal.ts');
  return Journal.open({ ...settings, keep: parseKeep(settings.journalKeep)! }, progress);
}

/** The same for a node of a cluster, which has no engine. Throws `ClusterError`. */
export function assembleNode(
  settings: Settings,
  log: Log,
  cluster: Cluster,
  guardsOf?: (engine: Intake) => Guards | undefined,
): Assembled {
  const readBuffer = createReadBuffer(settings);
  const node = cluster.nodeFor(readBuffer.view);
  const sessions = new Sessions(settings, node, readBuffer, cluster.seed, log, { cluster }, guardsOf?.(node));
  node.replies = sessions.dispatch;
  return { engine: node, sessions, restore() {}, async settle() {} };
}

/** Becomes a node of the cluster; loads nothing if there is none. `given`: the settings that were given. */
export async function openCluster(
  settings: Settings,
  given: ReadonlySet<string>,
  version: string,
): Promise<Cluster | undefined> {
  if (settings.cluster === '') return undefined;
  const { Cluster } = await import('../cluster/cluster.ts');
  return Cluster.open(settings, given, version);
}
