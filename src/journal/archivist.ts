/**
 * The archivist's work: it prepares the next segments, syncs what the workers have written (where they do not), folds
 * segments that are closed into snapshots, and deletes what is no longer needed. Workers and the socket thread never
 * stop for it, unless they are faster than the disk.
 */
import { type Disk, errorCode } from './disk.ts';
import { createSegment, epochsOf, laneFilesOf, type Part, partsOf } from './folder.ts';
import {
  bytesBefore,
  Damage,
  epochName,
  laneName,
  numbered,
  SEGMENT_HEADER_BYTES,
  type Secret,
  segmentName,
  snapshotName,
} from './format.ts';
import { readLane } from './lane-reader.ts';
import type { Sync } from './lane-writer.ts';
import {
  Count,
  ENTERED_UNIT,
  Head,
  HeadCount,
  headCountsOf,
  headOf,
  type JournalLane,
  journalLaneOf,
  Word,
} from './memory.ts';
import { roomNeeded } from './recorder.ts';
import { damageOf } from './recovery.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

/** What is kept though it is in a snapshot: what is younger than `ms`, or fits into `bytes`. */
export interface Keep {
  ms: number;
  bytes: number;
}

export interface ArchivistStart {
  buffer: SharedArrayBuffer;
  dir: string;
  /** The folder of this start. */
  folder: string;
  epoch: number;
  secret: Secret;
  lanes: number;
  ringSlots: number;
  segmentBytes: number;
  sync: Sync;
  syncMs: number;
  keep: Keep;
}

const FULL_RETRY_MS = 1_000;

/** How it ended that a snapshot was asked for: it is there, the disk has no room, or what it is made of can't be read. */
export type Snapshotted = 'written' | 'full' | 'damaged';

export class Archivist {
  readonly #disk: Disk;
  readonly #start: ArchivistStart;
  readonly #lanes: JournalLane[];
  /** Of each lane, the first segment that may have unsynced blocks. */
  readonly #unsynced: number[];
  #nextSyncMs: number;
  #nextTryMs = 0;
  /** The number of the last snapshot, its bytes, and where its lanes go on. */
  #snapshot = 0;
  #snapshotBytes = 0;
  #folded: number[];
  #isToPrune = true;
  /** The last request for a snapshot that was served, and how that ended. */
  served: { wanted: number; how: Snapshotted } = { wanted: 0, how: 'written' };
  /** A closed segment can't be read: nothing is folded, or deleted, any more. */
  damage: string | undefined;

  constructor(disk: Disk, start: ArchivistStart, nowMs = performance.now()) {
    this.#disk = disk;
    this.#start = start;
    this.#lanes = Array.from({ length: start.lanes }, (_, lane) =>
      journalLaneOf(start.buffer, start.lanes, lane),
    );
    this.#unsynced = this.#lanes.map(() => 0);
    this.#folded = this.#lanes.map(() => 0);
    this.#nextSyncMs = nowMs + start.syncMs;
  }

  /** Does what is due. Throws if the disk fails, except for a disk that is full. */
  turn(nowMs = performance.now()): void {
    if (nowMs >= this.#nextTryMs) this.#whileThereIsRoom(nowMs, () => this.#prepare());
    if (this.#start.sync === 'interval' && nowMs >= this.#nextSyncMs) {
      this.syncAll();
      this.#nextSyncMs = nowMs + this.#start.syncMs;
    }
    const wanted = Atomics.load(headOf(this.#start.buffer), Head.wanted);
    if (wanted !== this.served.wanted) this.served = { wanted, how: this.#foldNow(nowMs) };
    else if (nowMs >= this.#nextTryMs) this.#whileThereIsRoom(nowMs, () => this.#foldIfDue());
    if (this.#isToPrune) {
      this.#isToPrune = false;
      this.#unlessDamaged(() => this.#prune());
    }
  }

  /** Syncs every block that is written when it is called. */
  syncAll(): void {
    this.#lanes.forEach((memory, lane) => {
      const { words, counts } = memory;
      const number = Atomics.load(counts, Count.number);
      if (number === Atomics.load(counts, Count.synced)) return;
      const last = Atomics.load(words, Word.segment);
      // What is in a snapshot is synced with it.
      const first = Math.max(this.#unsynced[lane]!, this.#folded[lane]!);
      for (let segment = first; segment <= last; segment++) {
        const file = this.#disk.open(`${this.#folderOf(lane)}/${segmentName(segment)}`, 'write');
        try {
          file.sync();
        } finally {
          file.close();
        }
      }
      this.#unsynced[lane] = last;
      Atomics.store(counts, Count.synced, number);
      Atomics.store(counts, Count.syncs, Atomics.load(counts, Count.syncs) + 1n);
    });
  }

  /** Makes a snapshot of all segments that are closed. */
  fold(): void {
    const { folder, dir } = this.#start;
    const part = partsOf(this.#disk, dir).at(-1)!;
    const snapshot = readSnapshot(this.#disk, part.path);
    const { ledger } = snapshot;
    let { timeMs } = snapshot;
    const lanes = snapshot.lanes.map((at, lane) => {
      const { before, number } = this.#closedIn(lane);
      if (at.segment === before) return at;
      const files = laneFilesOf(part, lane);
      const blocks = readLane(this.#disk, files, at, before);
      for (let next = blocks.next(); ; next = blocks.next()) {
        if (next.done) {
          if (next.value.number === number) return { segment: before, number };
          const { segment, offset } = next.value;
          throw new Damage(
            `${files.folder}/${segmentName(segment)}`,
            offset,
            `block ${next.value.number} is not whole`,
          );
        }
        const wrong = ledger.apply(lane, next.value);
        if (wrong !== undefined) throw damageOf(files.folder, next.value, wrong);
        timeMs = Math.max(timeMs, next.value.timeMs);
      }
    });
    this.#snapshotBytes = writeSnapshot(this.#disk, folder, snapshotName(part.snapshot + 1), {
      ...snapshot,
      timeMs,
      lanes,
    });
    this.#snapshot = part.snapshot + 1;
    this.#folded = lanes.map(({ segment }) => segment);
    Atomics.store(headCountsOf(this.#start.buffer), HeadCount.snapshotMs, BigInt(Date.now()));
    Atomics.store(headOf(this.#start.buffer), Head.snapshots, this.#snapshot);
    this.#isToPrune = true;
  }

  /** The first segment that is not closed, and the number of its first block. */
  #closedIn(lane: number): { before: number; number: number } {
    const entered = Atomics.load(this.#lanes[lane]!.counts, Count.entered);
    return { before: Number(entered / ENTERED_UNIT), number: Number(entered % ENTERED_UNIT) };
  }

  get snapshots(): number {
    return this.#snapshot;
  }

  /** Prepares segments until each lane has what its ring may need, twice. */
  #prepare(): void {
    const { ringSlots, segmentBytes, epoch, secret } = this.#start;
    const wanted = 2 * roomNeeded(ringSlots);
    this.#lanes.forEach(({ words, counts }, lane) => {
      for (;;) {
        const prepared = Atomics.load(words, Word.prepared);
        const room = bytesBefore(prepared, segmentBytes) - Number(Atomics.load(counts, Count.used));
        if (room >= wanted && prepared >= Atomics.load(words, Word.segment) + 2) break;
        createSegment(
          this.#disk,
          this.#folderOf(lane),
          { epoch, lane, segment: prepared + 1, secret },
          segmentBytes,
        );
        // The one before it may be entered now.
        Atomics.store(counts, Count.capacity, BigInt(bytesBefore(prepared + 1, segmentBytes)));
        Atomics.store(words, Word.prepared, prepared + 1);
        Atomics.notify(words, Word.prepared);
      }
      Atomics.store(words, Word.full, 0);
    });
  }

  #whileThereIsRoom(nowMs: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC' && errorCode(error) !== 'EDQUOT') throw error;
      for (const { words } of this.#lanes) Atomics.store(words, Word.full, 1);
      this.#nextTryMs = nowMs + FULL_RETRY_MS;
    }
  }

  /** What can't be read back is no failure of the disk: the workers go on, and the server knows the balances. */
  #unlessDamaged(work: () => void): void {
    if (this.damage !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      this.damage = error.message;
    }
  }

  /** A snapshot is due when as many bytes are closed as it has itself, and a segment at least. */
  #foldIfDue(): void {
    const { segmentBytes } = this.#start;
    let closed = 0;
    this.#lanes.forEach(({ words }, lane) => {
      const segment = Atomics.load(words, Word.segment);
      closed += bytesBefore(segment, segmentBytes) - bytesBefore(this.#folded[lane]!, segmentBytes);
    });
    if (closed < Math.max(segmentBytes - SEGMENT_HEADER_BYTES, this.#snapshotBytes)) return;
    this.#unlessDamaged(() => this.fold());
  }

  /** Whether or not it is due, and also where no segment was closed since the last one. */
  #foldNow(nowMs: number): Snapshotted {
    const before = this.#snapshot;
    this.#whileThereIsRoom(nowMs, () => this.#unlessDamaged(() => this.fold()));
    if (this.damage !== undefined) return 'damaged';
    return this.#snapshot === before ? 'full' : 'written';
  }

  /** Deletes the parts of the history that need not be kept, the oldest first; never the last one. */
  #prune(): void {
    const { dir, keep } = this.#start;
    const parts = partsOf(this.#disk, dir);
    const sizes = parts.map((part, at) => this.#bytesOf(part, parts[at + 1]));
    let bytes = sizes.reduce((sum, each) => sum + each, 0);
    parts.slice(0, -1).forEach((part, at) => {
      const next = parts[at + 1]!;
      const isKept = (keep.ms > 0 && next.timeMs >= Date.now() - keep.ms) || bytes <= keep.bytes;
      bytes -= sizes[at]!;
      if (isKept) return;
      // First of all: without its snapshot, what is left of it is known as nobody's.
      this.#disk.remove(part.path);
      if (next.epoch === part.epoch) for (const file of this.#segmentsOf(part, next)) this.#disk.remove(file);
    });
    const alive = new Set(partsOf(this.#disk, dir).map(({ epoch }) => epoch));
    for (const epoch of epochsOf(this.#disk, dir))
      if (!alive.has(epoch)) this.#disk.remove(`${dir}/${epochName(epoch)}`);
  }

  /** The segments that a part has alone, and all before them. */
  #segmentsOf(part: Part, next: Part | undefined): string[] {
    return part.lanes.flatMap((_, lane) => {
      const folder = `${part.folder}/${laneName(lane)}`;
      const before = next?.epoch === part.epoch ? next.lanes[lane]!.segment : Infinity;
      return numbered(this.#disk.list(folder), segmentName)
        .filter(segment => segment < before)
        .map(segment => `${folder}/${segmentName(segment)}`);
    });
  }

  #bytesOf(part: Part, next: Part | undefined): number {
    return part.lanes.reduce((sum, { segment }, lane) => {
      const isSame = next?.epoch === part.epoch;
      const end = isSame ? next.lanes[lane]!.segment : this.#lastOf(part, lane);
      const { segmentBytes } = this.#start;
      return sum + bytesBefore(end, segmentBytes) - bytesBefore(segment, segmentBytes);
    }, 0);
  }

  #lastOf(part: Part, lane: number): number {
    return numbered(this.#disk.list(`${part.folder}/${laneName(lane)}`), segmentName).at(-1) ?? 0;
  }

  #folderOf(lane: number): string {
    return `${this.#start.folder}/${laneName(lane)}`;
  }
}
