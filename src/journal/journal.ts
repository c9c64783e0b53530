/**
 * The journal of a server, on its socket thread: takes the folder, brings back what is in it, and starts the archivist.
 * Loaded only with `--data`.
 */
import { realpathSync, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Engine } from '../engine/engine.ts';
import type { Recording } from '../engine/recording.ts';
import type { HashSeed } from '../protocol/hash.ts';
import { createThread } from '../threads/thread.ts';
import type { ArchivistStart, Keep, Snapshotted } from './archivist.ts';
import type { ArchivistMessage } from './archivist-thread.ts';
import { detailOf, type JournalDetail } from './detail.ts';
import { type Disk, makeFolders, realDisk } from './disk.ts';
import { beginEpoch, drawSecret, SEGMENTS_FIRST } from './folder.ts';
import { bytesBefore, laneName, type Secret } from './format.ts';
import { placeFirst, type Sync, type WriterStart } from './lane-writer.ts';
import { Lock } from './lock.ts';
import {
  Count,
  createJournalMemory,
  Head,
  HeadCount,
  headCountsOf,
  headOf,
  journalLaneOf,
  namesBytesFor,
  Word,
  wake,
} from './memory.ts';
import { type Moved, move } from './moving.ts';
import { Recorder } from './recorder.ts';
import { type Recovered, type RecoveryProgress, recovering } from './recovery.ts';

/** The names are those of the server's settings. */
export interface JournalOptions {
  data: string;
  sync: Sync;
  syncMs: number;
  segmentBytes: number;
  keep: Keep;
  workers: number;
  ring: number;
  users: number;
  idsMax: number;
  idsMs: number;
  firstSequence: number;
}

/** Is told how far a start is; what it tells is for people. */
export interface StartProgress {
  read(progress: RecoveryProgress): void;
  /** How many users the engine has got, of about so many. */
  restored(users: number, all: number): void;
}

/** The folder can't be used, and why: one line for people. */
export class JournalError extends Error {}

export class Journal implements Recording {
  readonly lanes: readonly Recorder[];
  readonly workerModule = new URL('./worker', import.meta.url);
  readonly recovered: Recovered;
  readonly recoveryMs: number;
  readonly dir: string;
  readonly #options: JournalOptions;
  readonly #disk: Disk;
  readonly #lock: Lock;
  readonly #buffer: SharedArrayBuffer;
  readonly #secret: Secret = drawSecret();
  readonly #head: Int32Array;
  #folder = '';
  #moved: Moved | undefined;
  #failure: string | undefined;
  #onDamaged: (reason: string) => void = () => {};
  #onFailed: (reason: string) => void = () => {};
  #archivist: Worker | undefined;
  #archivistEnded: Promise<void> = Promise.resolve();
  #isArchivistOver = false;
  /** Who waits for a snapshot, oldest first. */
  #waiting: { wanted: number; tell: (how: Snapshotted | 'ended') => void }[] = [];

  private constructor(
    options: JournalOptions,
    disk: Disk,
    lock: Lock,
    recovered: Recovered,
    recoveryMs: number,
  ) {
    const { data, workers, ring } = options;
    this.#options = options;
    this.#disk = disk;
    this.#lock = lock;
    this.dir = data;
    this.recovered = recovered;
    this.recoveryMs = recoveryMs;
    this.#buffer = createJournalMemory(workers, namesBytesFor(ring));
    this.#head = headOf(this.#buffer);
    this.lanes = Array.from({ length: workers }, (_, lane) => new Recorder(this.#memoryOf(lane)));
  }

  /** Takes the folder and reads it. Throws `JournalError`, or `Damage`; then the folder is as it was. */
  static async open(options: JournalOptions, progress?: StartProgress): Promise<Journal> {
    const data = folderAt(options.data);
    const lock = await Lock.take(data);
    if (lock === undefined) throw new JournalError(`${data} is in use by another server`);
    try {
      const startMs = performance.now();
      const recovered = await inSteps(recovering(realDisk, data), step => progress?.read(step));
      const { users } = recovered.ledger;
      if (users > options.users)
        throw new JournalError(`${data} has ${users} users, more than --users ${options.users}; raise it`);
      return new Journal({ ...options, data }, realDisk, lock, recovered, performance.now() - startMs);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Gives the engine its users, and makes the folder of this start; the workers can start then. `names` is where the
   * engine looks for the names of users.
   */
  begin(engine: Engine, names: DataView, seed: HashSeed, progress?: StartProgress): void {
    const { ledger, epoch, timeMs, idKey } = this.recovered;
    const { workers: lanes, segmentBytes, firstSequence, idsMax, idsMs, sync } = this.#options;
    const moved = move(ledger, engine, names, seed, index => progress?.restored(index, ledger.indexEnd));
    const { newIndexOf, ids } = moved;
    this.#moved = moved;
    const rules = { idsMax: Math.ceil(idsMax / lanes), idsMs, isDurable: sync === 'always' };
    const start = { epoch: epoch + 1, secret: this.#secret, timeMs, idKey, ledger, lanes };
    Atomics.store(headCountsOf(this.#buffer), HeadCount.snapshotMs, BigInt(Date.now()));
    this.#folder = beginEpoch(this.#disk, this.dir, start, segmentBytes, { newIndexOf, ids, rules });
    for (let lane = 0; lane < lanes; lane++) {
      const memory = this.#memoryOf(lane);
      placeFirst(memory, firstSequence | 0, timeMs);
      Atomics.store(memory.words, Word.prepared, SEGMENTS_FIRST - 1);
      Atomics.store(memory.counts, Count.capacity, BigInt(bytesBefore(SEGMENTS_FIRST - 1, segmentBytes)));
    }
  }

  /** When the workers have started: has the engine pay what transfers owed when the last server stopped. */
  settle(engine: Engine): Promise<void> {
    const { owed, laneOf } = this.#moved!;
    return engine.restoring.transfers(owed, user => laneOf[user]!);
  }

  /** The disk has failed: nothing is written any more. */
  failed(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#onFailed(reason);
  }

  /** Why nothing is written any more. */
  get failure(): string | undefined {
    return this.#failure;
  }

  readonly kind = 'journal';
  readonly failing = "the journal can't be written";

  /** Called once, at once if the disk has failed already. */
  onFailed(tell: (reason: string) => void): void {
    this.#onFailed = tell;
    if (this.#failure !== undefined) tell(this.#failure);
  }

  /**
   * Starts the archivist; resolves when there is room for full rings, or the disk is full or has failed. `onDamaged` is
   * told if what was written can't be read back.
   */
  start(onDamaged: (reason: string) => void): Promise<void> {
    this.#onDamaged = onDamaged;
    const { workers: lanes, ring: ringSlots, segmentBytes, sync, syncMs, keep } = this.#options;
    const start: ArchivistStart = {
      buffer: this.#buffer,
      dir: this.dir,
      folder: this.#folder,
      epoch: this.recovered.epoch + 1,
      secret: this.#secret,
      lanes,
      ringSlots,
      segmentBytes,
      sync,
      syncMs,
      keep,
    };
    const thread = createThread(new URL('./archivist-thread', import.meta.url), {
      workerData: start,
      name: 'tally-archivist',
    });
    const prepared = new Promise<void>(resolve => {
      thread.once('message', () => resolve());
      thread.once('exit', () => resolve());
    });
    thread.on('message', (message: ArchivistMessage) => {
      if (message === 'prepared') return;
      if ('failed' in message) this.failed(message.failed);
      else if ('damaged' in message) this.#onDamaged(message.damaged);
      else this.#snapshotted(message.wanted, message.how);
    });
    thread.on('error', error => this.failed(`the archivist died: ${error.message}`));
    this.#archivist = thread;
    // Watched from now on: when it has failed, it ends before anybody waits for that.
    this.#archivistEnded = new Promise(resolve => thread.once('exit', () => resolve()));
    thread.once('exit', () => {
      this.#isArchivistOver = true;
      this.#snapshotted(Infinity, 'ended');
    });
    return prepared;
  }

  /**
   * Has a snapshot made of all segments that are full now, due or not. Resolves to how that ended; `ended`: the archivist
   * has ended, and makes none.
   */
  snapshot(): Promise<Snapshotted | 'ended'> {
    return new Promise(tell => {
      if (this.#isArchivistOver) return tell('ended');
      const wanted = Atomics.add(this.#head, Head.wanted, 1) + 1;
      this.#waiting.push({ wanted, tell });
      wake(this.#head);
    });
  }

  /** All requests up to this one are served. */
  #snapshotted(wanted: number, how: Snapshotted | 'ended'): void {
    const served = this.#waiting.filter(each => each.wanted <= wanted);
    this.#waiting.splice(0, served.length);
    for (const { tell } of served) tell(how);
  }

  /** For the metrics. */
  detail(): JournalDetail {
    const { workers, sync } = this.#options;
    const recovered = { events: this.recovered.events, ms: this.recoveryMs };
    return detailOf(this.#buffer, workers, sync === 'always', recovered);
  }

  workerData(lane: number): { journal: WriterStart } {
    const { workers: lanes, segmentBytes, sync } = this.#options;
    const folder = `${this.#folder}/${laneName(lane)}`;
    return {
      journal: { buffer: this.#buffer, lanes, lane, folder, secret: this.#secret, segmentBytes, sync },
    };
  }

  /** When the workers have ended: syncs what is left to sync, and gives the folder back. */
  async close(): Promise<void> {
    Atomics.store(this.#head, Head.stop, 1);
    wake(this.#head);
    // It may be in the midst of a snapshot, which nobody needs now; but it may have to sync.
    if (this.#options.sync === 'always') this.terminate();
    await this.#archivistEnded;
    this.#lock.release();
  }

  /** Ends the archivist at any point of its code: it loses nothing by it. */
  terminate(): void {
    void this.#archivist?.terminate();
  }

  #memoryOf(lane: number) {
    return journalLaneOf(this.#buffer, this.#options.workers, lane);
  }
}

/** Lets the event loop turn between the steps, so that signals are heard meanwhile. */
async function inSteps<Step, Value>(
  steps: Generator<Step, Value>,
  onStep: (step: Step) => void,
): Promise<Value> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    onStep(step.value);
    await setImmediate();
  }
}

/** The folder, made if there is none. */
function folderAt(data: string): string {
  try {
    makeFolders(data);
    if (!statSync(data).isDirectory()) throw new JournalError(`--data ${data} is no folder`);
    return realpathSync(data);
  } catch (error) {
    if (error instanceof JournalError) throw error;
    throw new JournalError(`--data ${data}: ${(error as Error).message}`);
  }
}
