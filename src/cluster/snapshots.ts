/**
 * Snapshots of the state in the object store, so that a new node need not read all streams, and these can be kept short.
 *
 * A key of the bucket says which object is the newest that is complete, and for which sequences it stands. Whoever has
 * written an object sets the key from the revision that it has read before; so of two that write at once one is late,
 * and removes its object. The last two are kept. What a writer that died has left can be told without a clock: whatever
 * was there before the key was set, and is none of the two, belongs to somebody who has read an older key.
 */
import { randomUUID } from 'node:crypto';
import type { JetStreamManager } from '@nats-io/jetstream';
import { type ObjectStore, Objm, setSha256Backend } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Bucket, Entry } from './bucket.ts';
import { SNAPSHOT_KEY, snapshotsOf, streamOf } from './names.ts';
import { inTime } from './patience.ts';
import { isNameInUse, isPassing, Refusal } from './refusal.ts';

/** What is known of a snapshot without reading it. */
export interface SnapshotPlace {
  /** Of the object. */
  readonly name: string;
  /** The object store's own, of its pieces. */
  readonly pieces: string;
  readonly bytes: number;
  /** By partition: all blocks up to these are in it. */
  readonly sequences: readonly number[];
  /** Who wrote it, and when by its clock, for people. */
  readonly node: string;
  readonly writtenMs: number;
}

/** What the key holds. */
export interface SnapshotPlaces {
  readonly newest: SnapshotPlace;
  readonly before?: SnapshotPlace;
}

export interface Snapshot {
  readonly place: SnapshotPlace;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Nothing comes for so long: the server that sent it is gone. */
const SILENCE_MS_MAX = 5_000;
const READ_ATTEMPTS = 4;
/** A piece of an object is a message. */
const PIECE_MS_MAX = 10_000;

export class Snapshots {
  readonly #store: ObjectStore;
  readonly #manager: JetStreamManager;
  readonly #bucket: Bucket;
  readonly #cluster: string;

  private constructor(store: ObjectStore, manager: JetStreamManager, bucket: Bucket, cluster: string) {
    this.#store = store;
    this.#manager = manager;
    this.#bucket = bucket;
    this.#cluster = cluster;
  }

  /** Makes the object store if it is not there. */
  static async open(
    nats: NatsConnection,
    manager: JetStreamManager,
    bucket: Bucket,
    { cluster, replicas }: { cluster: string; replicas: number },
  ): Promise<Snapshots> {
    setSha256Backend('native');
    const objects = new Objm(nats);
    const name = snapshotsOf(cluster);
    const store = await objects.create(name, { replicas }).catch(error => {
      // Another node makes it at the same moment.
      if (isNameInUse(error)) return objects.open(name);
      throw error;
    });
    return new Snapshots(store, manager, bucket, cluster);
  }

  /** Which there are. */
  async places(): Promise<SnapshotPlaces | undefined> {
    return (await this.#entry())?.value;
  }

  /**
   * The newest that can be read; undefined: there is none. Throws a `Refusal` if there is one, and neither it nor the one
   * before it can be read.
   */
  async read(): Promise<Snapshot | undefined> {
    let problem: unknown;
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      // Again, too: while it was read, newer ones may have been written.
      const places = await this.places();
      if (places === undefined) return undefined;
      const place = attempt < READ_ATTEMPTS - 1 ? places.newest : (places.before ?? places.newest);
      try {
        return { place, bytes: await this.#bytesOf(place) };
      } catch (error) {
        problem = error;
      }
    }
    throw new Refusal(`no snapshot of the cluster can be read: ${(problem as Error).message}`);
  }

  /**
   * Stores a snapshot that stands for these sequences. False: a newer one was written meanwhile, or is there already.
   * Throws errors of NATS; then it may be written or not.
   */
  async write(bytes: Uint8Array, sequences: readonly number[], node: string): Promise<boolean> {
    const read = await this.#entry();
    const newest = read?.value?.newest;
    if (newest !== undefined && !isBehind(newest.sequences, sequences)) return false;
    const name = `${node}.${randomUUID()}`;
    const object = await this.#store.putBlob({ name }, bytes, { timeout: PIECE_MS_MAX });
    const place: SnapshotPlace = {
      name,
      pieces: object.nuid,
      bytes: bytes.length,
      sequences,
      node,
      writtenMs: Date.now(),
    };
    const places: SnapshotPlaces = { newest: place, ...(newest !== undefined && { before: newest }) };
    const present = await this.#present();
    const isSet = await this.#setTo(places, read?.revision);
    if (isSet) await this.#removeAllBut(places, present);
    else await this.#store.delete(name);
    return isSet;
  }

  /**
   * Purges from the streams what the older one of the two kept snapshots has in it. With one only, nothing. How many
   * blocks that were.
   */
  async purge(): Promise<number> {
    const before = (await this.places())?.before;
    if (before === undefined) return 0;
    const purged = await Promise.all(
      before.sequences.map((sequence, partition) =>
        // Up to that sequence, which itself stays.
        this.#manager.streams.purge(streamOf(this.#cluster, partition), { seq: sequence + 1 }),
      ),
    );
    return purged.reduce((sum, each) => sum + each.purged, 0);
  }

  #entry(): Promise<Entry<SnapshotPlaces> | undefined> {
    return this.#bucket.get<SnapshotPlaces>(SNAPSHOT_KEY);
  }

  /** An answer that was lost on its way does not make a snapshot that is written one that is not. */
  async #setTo(places: SnapshotPlaces, revision: number | undefined): Promise<boolean> {
    try {
      if ((await this.#bucket.set(SNAPSHOT_KEY, places, revision)) !== undefined) return true;
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    return (await this.places())?.newest.name === places.newest.name;
  }

  async #bytesOf(place: SnapshotPlace): Promise<Uint8Array<ArrayBuffer>> {
    const object = await this.#store.get(place.name);
    if (object === null) throw new Error(`the object ${place.name} is not there`);
    const bytes = new Uint8Array(place.bytes);
    let at = 0;
    // Its digest is compared at the end.
    object.error.catch(() => {});
    const reader = object.data.getReader();
    for (;;) {
      const read = await inTime(reader.read(), SILENCE_MS_MAX);
      if (read === undefined) throw new Error(`nothing came of the object ${place.name}`);
      if (read.done) break;
      const { value } = read;
      if (at + value.length > bytes.length) throw new Error(`the object ${place.name} is too long`);
      bytes.set(value, at);
      at += value.length;
    }
    if (at !== bytes.length) throw new Error(`the object ${place.name} has ${at} bytes of ${bytes.length}`);
    return bytes;
  }

  /** The pieces of all objects, complete or not. */
  async #present(): Promise<string[]> {
    const prefix = `$O.${snapshotsOf(this.#cluster)}.C.`;
    const { state } = await this.#manager.streams.info(`OBJ_${snapshotsOf(this.#cluster)}`, {
      subjects_filter: `${prefix}>`,
    });
    return Object.keys(state.subjects ?? {}).map(subject => subject.slice(prefix.length));
  }

  /** If it fails, the next one does it. */
  async #removeAllBut({ newest, before }: SnapshotPlaces, present: readonly string[]): Promise<void> {
    const kept = [newest.pieces, before?.pieces];
    const objects = await this.#store.list().catch(() => []);
    for (const pieces of present.filter(each => !kept.includes(each))) {
      const object = objects.find(({ nuid }) => nuid === pieces);
      const filter = `$O.${snapshotsOf(this.#cluster)}.C.${pieces}`;
      const removed =
        object === undefined
          ? this.#manager.streams.purge(`OBJ_${snapshotsOf(this.#cluster)}`, { filter })
          : this.#store.delete(object.name);
      await removed.catch(() => {});
    }
  }
}

/** Is the first one older: further in no partition, and not the same? */
function isBehind(sequences: readonly number[], than: readonly number[]): boolean {
  return (
    sequences.every((sequence, partition) => sequence <= than[partition]!) &&
    sequences.some((sequence, partition) => sequence < than[partition]!)
  );
}
