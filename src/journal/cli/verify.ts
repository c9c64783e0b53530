/**
 * Reads all that a folder keeps, and says what is there and what is wrong with it: every snapshot, every block, and
 * whether the blocks behind a snapshot make the balances of the next one.
 */
import { readWhole } from '../disk.ts';
import { laneFilesOf, type Part } from '../folder.ts';
import { blockAt, checkSegment, Damage, numbered, SEGMENT_HEADER_BYTES, segmentName } from '../format.ts';
import { type Block, type LaneEnd, type LaneFiles, readLane } from '../lane-reader.ts';
import type { Ledger, OnEvent } from '../ledger.ts';
import { isLocked } from '../lock.ts';
import { readSnapshot } from '../snapshot.ts';
import { balancesDiffer } from './differing.ts';
import { everything, hold, type Kept, type Listing } from './kept.ts';
import { applyTo, readAgain } from './reading.ts';

/** Of one start of a server. */
export interface EpochFound {
  epoch: number;
  lanes: number;
  snapshots: number;
  segments: number;
  blocks: number;
  events: number;
  /** The server stopped, and said so; undefined if it runs. */
  isClean: boolean | undefined;
  /** Behind the last blocks: of blocks that were on their way, so nobody was told of them. */
  tornBytes: number;
}

export interface DamageFound {
  damage: Damage;
  /** What needs the file: the next start of a server, or only what looks back. */
  needs: 'start' | 'history';
}

export interface Found {
  isRunning: boolean;
  epochs: EpochFound[];
  users: number;
  /** Of the first and the last block; undefined: there is none. */
  firstMs: number | undefined;
  lastMs: number | undefined;
  damage: DamageFound[];
}

/** Throws `CommandError` if there is no journal. `onProgress` is told the events so far. */
export async function verifyJournal(
  dir: string,
  onProgress: (events: number) => void = () => {},
): Promise<Found> {
  let unlisted: readonly Damage[] = [];
  const list = (from: string): Listing => {
    const listing = everything(from);
    unlisted = listing.damage;
    return listing;
  };
  const kept = hold(dir, list);
  try {
    const isRunning = await isLocked(dir);
    const verifier = new Verifier(kept, isRunning, onProgress);
    // A server does not start with them.
    for (const damage of unlisted) verifier.note(damage, 'start');
    await verifier.run();
    return verifier.found;
  } finally {
    kept.close();
  }
}

class Verifier {
  readonly found: Found;
  readonly #kept: Kept;
  readonly #onProgress: (events: number) => void;
  readonly #said = new Set<string>();
  #events = 0;

  constructor(kept: Kept, isRunning: boolean, onProgress: (events: number) => void) {
    this.#kept = kept;
    this.#onProgress = onProgress;
    this.found = { isRunning, epochs: [], users: 0, firstMs: undefined, lastMs: undefined, damage: [] };
  }

  note(damage: Damage, needs: DamageFound['needs']): void {
    if (this.#said.has(damage.message)) return;
    this.#said.add(damage.message);
    this.found.damage.push({ damage, needs });
  }

  async run(): Promise<void> {
    const parts = this.#kept.parts[Symbol.iterator]();
    for (let whole = this.#nextWhole(parts); whole !== undefined; ) {
      const { part } = whole;
      const next = this.#nextWhole(parts);
      const ledger = await this.#readPart(part, next?.part, this.#epochOf(part), whole.ledger);
      const differing = ledger && next && balancesDiffer(ledger, next.ledger);
      if (differing !== undefined)
        this.note(
          new Damage(next!.part.path, undefined, `${differing} (from ${part.path} on)`),
          this.#needsOf(next!.part),
        );
      if (next === undefined) this.found.users = whole.ledger.users;
      whole = next;
    }
  }

  /** A snapshot that is damaged is passed over: what is behind it is behind the one before it, too. */
  #nextWhole(parts: Iterator<Part>): { part: Part; ledger: Ledger } | undefined {
    for (let next = parts.next(); !next.done; next = parts.next()) {
      const part = next.value;
      const snapshot = this.#tryTo(part, () => readSnapshot(this.#kept.disk, part.path));
      if (snapshot !== undefined) return { part, ledger: snapshot.ledger };
    }
    return undefined;
  }

  #tryTo<Value>(part: Part, work: () => Value): Value | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      this.note(error, this.#needsOf(part));
      return undefined;
    }
  }

  #needsOf(part: Part): DamageFound['needs'] {
    return part === this.#kept.parts.at(-1) ? 'start' : 'history';
  }

  #epochOf({ epoch, lanes }: Part): EpochFound {
    const last = this.found.epochs.at(-1);
    const found =
      last?.epoch === epoch
        ? last
        : {
            epoch,
            lanes: lanes.length,
            snapshots: 0,
            segments: 0,
            blocks: 0,
            events: 0,
            isClean: true,
            tornBytes: 0,
          };
    if (found !== last) this.found.epochs.push(found);
    found.snapshots += 1;
    return found;
  }

  /** Applies the blocks of a part to the ledger. Returns it, unless something is damaged. */
  async #readPart(part: Part, next: Part | undefined, epoch: EpochFound, ledger: Ledger) {
    let isWhole = true;
    for (const lane of part.lanes.keys())
      if (!(await this.#readLane(part, lane, next, epoch, ledger))) isWhole = false;
    return isWhole ? ledger : undefined;
  }

  /** Returns whether it is whole. */
  async #readLane(
    part: Part,
    lane: number,
    next: Part | undefined,
    epoch: EpochFound,
    ledger: Ledger,
  ): Promise<boolean> {
    const from = part.lanes[lane]!;
    const to = next?.epoch === part.epoch ? next.lanes[lane] : undefined;
    const before = to?.segment ?? this.#kept.endOf(part, lane);
    const files = laneFilesOf(part, lane);
    epoch.segments += this.#segmentsIn(files, from.segment, before).length;
    if (from.segment === before) return true;
    const blocks = readAgain(this.#kept.disk, files, from, before);
    const readBlock = () => {
      const step = blocks.next();
      if (!step.done) this.#count(step.value, files, epoch, ledger);
      return step;
    };
    let { segment } = from;
    let step = this.#tryTo(part, readBlock);
    for (; step?.done === false; step = this.#tryTo(part, readBlock)) {
      // For signals.
      if (step.value.segment !== segment) await new Promise(setImmediate);
      ({ segment } = step.value);
    }
    if (step?.done !== true) {
      this.#lookOn(part, files, segment + 1, before);
      return false;
    }
    const end = step.value;
    if (to === undefined) {
      this.#countEnd(files, end, epoch, next === undefined && this.found.isRunning);
      return true;
    }
    if (end.number === to.number) return true;
    const file = `${files.folder}/${segmentName(end.segment)}`;
    const what = `block ${end.number} is not whole, but was when ${next!.path} was made`;
    this.note(new Damage(file, end.offset, what), this.#needsOf(part));
    return false;
  }

  #countEnd(files: LaneFiles, end: LaneEnd, epoch: EpochFound, isRunning: boolean): void {
    if (isRunning) {
      epoch.isClean = undefined;
      return;
    }
    if (!end.isClosed) epoch.isClean = false;
    if (end.isTorn) epoch.tornBytes += this.#bytesBehind(files, end);
  }

  #count(block: Block, files: LaneFiles, epoch: EpochFound, ledger: Ledger): void {
    const { found } = this;
    let events = 0;
    const onEvent: OnEvent = () => {
      events++;
    };
    applyTo(ledger, files, block, onEvent);
    epoch.blocks += 1;
    epoch.events += events;
    found.firstMs = Math.min(found.firstMs ?? Infinity, block.timeMs);
    found.lastMs = Math.max(found.lastMs ?? 0, block.timeMs);
    this.#events += events;
    this.#onProgress(this.#events);
  }

  /** Behind damage nothing can be applied; but there may be more of it. */
  #lookOn(part: Part, files: LaneFiles, from: number, before: number): void {
    const { disk } = this.#kept;
    for (const segment of this.#segmentsIn(files, from, before))
      this.#tryTo(part, () => {
        const path = `${files.folder}/${segmentName(segment)}`;
        const bytes = readWhole(disk, path);
        checkSegment(bytes, path, { ...files, segment });
        const first = blockAt(bytes, SEGMENT_HEADER_BYTES, bytes.length & ~7, files.secret);
        if (first === undefined) return;
        for (const _ of readLane(disk, files, { segment, number: first.number }, segment + 1));
      });
  }

  #segmentsIn({ folder }: LaneFiles, from: number, before: number): number[] {
    return numbered(this.#kept.disk.list(folder), segmentName).filter(
      segment => segment >= from && segment < before,
    );
  }

  #bytesBehind({ folder }: LaneFiles, end: LaneEnd): number {
    const bytes = readWhole(this.#kept.disk, `${folder}/${segmentName(end.segment)}`);
    let last = bytes.length;
    while (last > end.offset && bytes[last - 1] === 0) last--;
    return last - end.offset;
  }
}
