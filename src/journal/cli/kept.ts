/**
 * What a folder keeps, as it was at one moment. A server that runs goes on meanwhile: it writes, prepares segments, and
 * deletes what it needs no longer. So the files are opened at once, and each lane ends where it ended then.
 */
import { existsSync, statSync } from 'node:fs';
import { CommandError } from '../../cli/terminal/command.ts';
import { reasonOf } from '../../cli/terminal/output.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { type Disk, type DiskFile, errorCode, realDisk } from '../disk.ts';
import { epochsOf, laneFilesOf, type Part, partAt } from '../folder.ts';
import { Damage, epochName, numbered, SEGMENT_HEADER_BYTES, segmentName, snapshotName } from '../format.ts';
import { pause } from './reading.ts';

const TRIES = 20;
const REST_MS = 25;
/** Well below the least limit of descriptors that systems have. What is beyond is opened when it is read. */
const HELD_MAX = 900;
const FIRST_BLOCK_BYTES = 64;

export interface Listing {
  /** In order. */
  parts: Part[];
  /** Of what could not be listed. */
  damage: Damage[];
}

export interface Kept extends Listing {
  dir: string;
  /** Reads what is held. */
  disk: Disk;
  /** The segments of the lane below this one were there. */
  endOf(part: Part, lane: number): number;
  close(): void;
}

/** The last snapshot, and what is behind it: what a server starts with. */
export function newest(dir: string): Listing {
  const epoch = epochsOf(realDisk, dir).at(-1)!;
  const snapshot = snapshotsOf(dir, epoch).at(-1);
  if (snapshot === undefined) throw noSnapshot(dir, epoch);
  return { parts: [partAt(realDisk, dir, epoch, snapshot)], damage: [] };
}

/** All that is there. */
export function everything(dir: string): Listing {
  const parts: Part[] = [];
  const damage: Damage[] = [];
  const tryTo = <Value>(work: () => Value): Value | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      damage.push(error);
      return undefined;
    }
  };
  const epochs = tryTo(() => epochsOf(realDisk, dir)) ?? numbered(realDisk.list(dir), epochName);
  for (const epoch of epochs) {
    const snapshots = snapshotsOf(dir, epoch);
    for (const snapshot of snapshots) {
      const part = tryTo(() => partAt(realDisk, dir, epoch, snapshot));
      if (part !== undefined) parts.push(part);
    }
    // An older one is about to be deleted.
    if (snapshots.length === 0 && epoch === epochs.at(-1)) damage.push(noSnapshot(dir, epoch));
  }
  return { parts, damage };
}

function snapshotsOf(dir: string, epoch: number): number[] {
  return numbered(realDisk.list(`${dir}/${epochName(epoch)}`), snapshotName);
}

function noSnapshot(dir: string, epoch: number): Damage {
  return new Damage(`${dir}/${epochName(epoch)}`, undefined, `epoch ${epoch} has no snapshot`);
}

/** Holds what is listed. Throws `CommandError` if there is no journal, and `Damage`. */
export function hold(dir: string, list: (dir: string) => Listing): Kept {
  checkFolder(dir);
  for (let tries = 1; tries <= TRIES; tries++) {
    const held = new Held();
    try {
      const listing = list(dir);
      for (const [at, part] of listing.parts.entries()) {
        held.hold(part.path);
        if (listing.parts[at - 1]?.epoch !== part.epoch) held.holdLanes(part);
      }
      // A server that deletes a part begins with its snapshot: where that is still there, all of it was there.
      if (listing.parts.every(({ path }) => existsSync(path)))
        return {
          ...listing,
          dir,
          disk: held.disk,
          endOf: (part, lane) => held.endOf(laneFilesOf(part, lane).folder),
          close: () => held.close(),
        };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        held.close();
        throw error;
      }
    }
    held.close();
    pause(REST_MS);
  }
  throw new CommandError(
    `${quoteIfNeeded(dir)}: files are deleted faster than they can be opened; try again`,
  );
}

function checkFolder(dir: string): void {
  const name = quoteIfNeeded(dir);
  try {
    if (!statSync(dir).isDirectory()) throw new CommandError(`${name} is no folder`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${name}: ${reasonOf(error)}`);
  }
  const names = realDisk.list(dir);
  if (!names.includes('meta.json') && numbered(names, epochName).length === 0)
    throw new CommandError(`${name} is no journal: it has no meta.json`);
}

class Held {
  readonly #files = new Map<string, DiskFile>();
  readonly #lists = new Map<string, string[]>();
  readonly #ends = new Map<string, number>();
  readonly disk: Disk = {
    ...realDisk,
    open: (path, access) => {
      const file = this.#files.get(path);
      if (file === undefined || access !== 'read') return realDisk.open(path, access);
      return {
        bytes: file.bytes,
        read: (into, at) => file.read(into, at),
        write: (views, at) => file.write(views, at),
        sync: () => file.sync(),
        close: () => {},
      };
    },
    list: folder => this.#lists.get(folder) ?? realDisk.list(folder),
  };

  hold(path: string): void {
    if (this.#files.size < HELD_MAX && !this.#files.has(path))
      this.#files.set(path, realDisk.open(path, 'read'));
  }

  holdLanes(part: Part): void {
    for (const [lane, { segment }] of part.lanes.entries())
      this.#holdLane(laneFilesOf(part, lane).folder, segment);
  }

  /** A segment is entered only when the next one exists: so the last one of a list is empty, unless one is missing. */
  #holdLane(folder: string, from: number): void {
    for (let tries = 1; ; tries++) {
      const names = realDisk.list(folder);
      const segments = numbered(names, segmentName).filter(segment => segment >= from);
      for (const segment of segments) this.hold(`${folder}/${segmentName(segment)}`);
      this.#lists.set(folder, names);
      const last = segments.at(-1);
      if (last !== undefined && this.#isEmpty(`${folder}/${segmentName(last)}`)) {
        this.#ends.set(folder, last + 1);
        return;
      }
      // Whoever reads the lane finds out what is wrong with it.
      if (last === undefined || tries === TRIES) return;
      pause(REST_MS);
    }
  }

  #isEmpty(path: string): boolean {
    const file = this.disk.open(path, 'read');
    try {
      const bytes = Buffer.alloc(FIRST_BLOCK_BYTES);
      file.read(bytes, SEGMENT_HEADER_BYTES);
      return bytes.every(byte => byte === 0);
    } finally {
      file.close();
    }
  }

  endOf(folder: string): number {
    return this.#ends.get(folder) ?? Infinity;
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
