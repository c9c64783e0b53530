/**
 * When a snapshot of the cluster is due, and which node makes it.
 *
 * Nodes take turns by compare-and-set on a key: whoever sets it makes the next one. A holder renews it; one that has not
 * for a while is gone. No clock is compared: a revision that does not change while we look is an old one. Should two
 * make one all the same, the snapshots' own key lets one of them win (snapshots.ts).
 */
import type { Worker } from 'node:worker_threads';
import { createThread } from '../threads/thread.ts';
import type { Bucket } from './bucket.ts';
import type { LinkStart } from './link-options.ts';
import type { Constitution } from './messages.ts';
import { DUTY_KEY } from './names.ts';
import { isPassing, messageOf } from './refusal.ts';
import type { SnapshotMessage, SnapshotStart } from './snapshot-thread.ts';
import type { SnapshotPlace, Snapshots } from './snapshots.ts';

const LOOK_MS = 5_000;
/** So many looks without a renewal: the holder is gone. */
const LOOKS = 6;
/** With few blocks behind the newest, the next one is due after so long, if there are any. */
const DUE_MS = 10 * 60_000;

interface Duty {
  /** Undefined: nobody has it. */
  readonly node?: string;
  readonly epoch?: number;
}

export interface DutyStart {
  readonly link: LinkStart;
  readonly constitution: Constitution;
  readonly epoch: number;
  readonly bucket: Bucket;
  readonly snapshots: Snapshots;
  /** What is applied here, by partition. */
  sequences(): readonly number[];
  /** There is a new one. */
  onNewest(place: SnapshotPlace): void;
  /** It could not be made; it will be tried again. */
  onFailed(reason: string): void;
}

export class SnapshotDuty {
  readonly #start: DutyStart;
  readonly #timer: NodeJS.Timeout;
  #isLooking = false;
  #newest: SnapshotPlace | undefined;
  #newestSinceMs = performance.now();
  /** Of another holder: the last revision, and how often it was seen. */
  #seen = { revision: 0, looks: 0 };
  /** Our own, while we hold it. */
  #revision: number | undefined;
  #thread: Worker | undefined;
  #isStopped = false;

  constructor(start: DutyStart, newest: SnapshotPlace | undefined) {
    this.#start = start;
    this.#newest = newest;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  get newest(): SnapshotPlace | undefined {
    return this.#newest;
  }

  get isMaking(): boolean {
    return this.#thread !== undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#thread?.terminate();
    await this.#release();
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    try {
      const newest = (await this.#start.snapshots.places())?.newest;
      if (newest !== undefined && newest.name !== this.#newest?.name) {
        this.#newest = newest;
        this.#newestSinceMs = performance.now();
        this.#start.onNewest(newest);
      }
      if (this.#thread !== undefined) await this.#renew();
      else if (this.#isDue && (await this.#take())) this.#make();
    } catch (error) {
      if (!isPassing(error)) this.#start.onFailed(messageOf(error));
    } finally {
      this.#isLooking = false;
    }
  }

  get #isDue(): boolean {
    const stands = this.#newest?.sequences;
    const blocks = this.#start
      .sequences()
      .reduce((sum, sequence, partition) => sum + Math.max(0, sequence - (stands?.[partition] ?? 0)), 0);
    return (
      blocks >= this.#start.link.snapshotBlocks ||
      (blocks > 0 && performance.now() - this.#newestSinceMs >= DUE_MS)
    );
  }

  /** True if the duty is ours now. */
  async #take(): Promise<boolean> {
    const { bucket, link, epoch } = this.#start;
    const entry = await bucket.get<Duty>(DUTY_KEY);
    if (entry?.value?.node !== undefined) {
      const isSame = entry.revision === this.#seen.revision;
      this.#seen = { revision: entry.revision, looks: isSame ? this.#seen.looks + 1 : 0 };
      if (this.#seen.looks < LOOKS) return false;
    }
    this.#revision = await bucket.set(DUTY_KEY, { node: link.node, epoch } satisfies Duty, entry?.revision);
    return this.#revision !== undefined && !this.#isStopped;
  }

  async #renew(): Promise<void> {
    const { bucket, link, epoch } = this.#start;
    this.#revision = await bucket.set(DUTY_KEY, { node: link.node, epoch } satisfies Duty, this.#revision);
  }

  #make(): void {
    const { link, constitution, onFailed } = this.#start;
    const workerData: SnapshotStart = { link, constitution };
    const thread = createThread(new URL('./snapshot-thread', import.meta.url), {
      workerData,
      name: 'tally-snapshot',
    });
    this.#thread = thread;
    thread.on('message', (message: SnapshotMessage) => {
      if (typeof message === 'object') onFailed(message.failed);
    });
    thread.on('error', error => onFailed(error.message));
    thread.once('exit', () => {
      this.#thread = undefined;
      void this.#release();
    });
  }

  async #release(): Promise<void> {
    const revision = this.#revision;
    this.#revision = undefined;
    if (revision === undefined) return;
    // Otherwise the others see that it is not renewed.
    await this.#start.bucket.set(DUTY_KEY, {} satisfies Duty, revision).catch(() => {});
  }
}
