/**
 * A whole journal in one thread, on a disk that lies: users, rings, workers, archivist, deaths, crashes, and new starts.
 * The order of everything is drawn at random. What was acknowledged is noted, and compared with what comes back.
 */
import { Balances } from '../../src/engine/balances.ts';
import { Lane } from '../../src/engine/lane.ts';
import {
  balancesOf,
  createMemory,
  laneOf,
  Word as RingWord,
  type Shape,
} from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { balanceSlotsFor, NOBODY, UserTable } from '../../src/engine/user-table.ts';
import { Archivist } from '../../src/journal/archivist.ts';
import { beginEpoch } from '../../src/journal/folder.ts';
import { bytesBefore, laneName, type Secret } from '../../src/journal/format.ts';
import { LaneWriter, placeFirst, type WriterStart } from '../../src/journal/lane-writer.ts';
import { Count, createJournalMemory, journalLaneOf, namesBytesFor, Word } from '../../src/journal/memory.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import { recover } from '../../src/journal/recovery.ts';
import { hashName } from '../../src/protocol/hash.ts';
import type { LyingDisk } from './lying-disk.ts';
import { Death, DIR, type Plan } from './plan.ts';
import { checkTold, comeBack, type Told } from './told.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const SEED = { start: 7, first: 0x1234567, second: 0x7654321 };

// There is one thread: nobody would ever wake it.
Atomics.wait = () => {
  throw new Error('a worker waits for ever');
};

export class World {
  readonly disk: LyingDisk;
  readonly plan: Plan;
  readonly #random: () => number;
  /** Balances at the start of this epoch. */
  #before = new Map<string, number>();
  told: Told[] = [];
  /** Since this epoch ended. */
  #hasLostPower = false;
  #lanes: Lane[] = [];
  #buffer!: SharedArrayBuffer;
  #shape!: Shape;
  #journal!: SharedArrayBuffer;
  #writers: LaneWriter[] = [];
  #balances: Balances[] = [];
  #consumers: Consumer[] = [];
  #starts: WriterStart[] = [];
  #table!: UserTable;
  #names = new DataView(new ArrayBuffer(256));
  #archivist!: Archivist;
  #nowMs = 0;
  refusals = 0;
  #filled = 0;
  /** Told when a worker begins to work, and when it has ended. */
  onWork: (isWorking: boolean) => void = () => {};
  /** Told before each store of a worker into its places. */
  onPlaced: () => void = () => {};
  snapshots = 0;

  constructor(disk: LyingDisk, plan: Plan, random: () => number) {
    this.disk = disk;
    this.plan = plan;
    this.#random = random;
    disk.makeFolder(DIR);
    disk.syncFolder('');
  }

  /** What comes back, by name. Throws if that can't be what was told. */
  check(): Map<string, number> {
    const found = comeBack(this.disk);
    checkTold(found, this.#before, this.told, this.#hasLostPower);
    return found;
  }

  /** A new start: reads what is there, and serves. */
  begin(): void {
    const { workers, ringSlots, users, segmentBytes, firstSequence, sync, keep } = this.plan;
    const before = this.check();
    const { ledger, epoch, timeMs } = recover(this.disk, DIR);
    this.#shape = { workers, ringSlots, balanceSlots: balanceSlotsFor(users), workUs: 0, workKind: 'cpu' };
    this.#buffer = createMemory(this.#shape, firstSequence);
    this.#journal = createJournalMemory(workers, namesBytesFor(ringSlots));
    this.#table = new UserTable(this.#names, users, workers);
    const balances = balancesOf(this.#buffer, this.#shape);
    const newIndexOf = new Uint32Array(ledger.indexEnd);
    for (let index = 0; index < ledger.indexEnd; index++) {
      if (!ledger.has(index)) continue;
      newIndexOf[index] = this.#table.add(this.#name(ledger.nameOf(index).toString()));
      balances[newIndexOf[index]!] = ledger.balances[index]!;
    }
    const secret: Secret = {
      mark: 1 + Math.floor(this.#random() * 2 ** 31),
      start: Math.floor(this.#random() * 2 ** 32),
    };
    const start = { epoch: epoch + 1, secret, timeMs, ledger, lanes: workers };
    const folder = beginEpoch(this.disk, DIR, start, segmentBytes, newIndexOf);
    this.#before = before;
    this.#hasLostPower = false;
    this.told = Array.from({ length: workers }, () => ({ pushed: [], written: 0, synced: 0 }));
    const memories = this.told.map((_, lane) => journalLaneOf(this.#journal, workers, lane));
    for (const memory of memories) {
      placeFirst(memory, firstSequence | 0, timeMs);
      Atomics.store(memory.words, Word.prepared, 1);
      Atomics.store(memory.counts, Count.capacity, BigInt(bytesBefore(1, segmentBytes)));
    }
    this.#lanes = memories.map(
      (memory, lane) => new Lane(laneOf(this.#buffer, this.#shape, lane), new Recorder(memory)),
    );
    this.#starts = memories.map((_, lane) => ({
      buffer: this.#journal,
      lanes: workers,
      lane,
      folder: `${folder}/${laneName(lane)}`,
      secret,
      segmentBytes,
      sync,
    }));
    const archive = { dir: DIR, folder, epoch: epoch + 1, secret, lanes: workers };
    this.#archivist = new Archivist(
      this.disk,
      { buffer: this.#journal, ...archive, ringSlots, segmentBytes, sync, syncMs: 10, keep },
      this.#nowMs,
    );
    this.#archivist.turn(this.#nowMs);
    memories.forEach((_, lane) => {
      this.#startWorker(lane);
    });
  }

  /** One thing happens. */
  step(): void {
    const lane = Math.floor(this.#random() * this.plan.workers);
    const what = this.#random();
    if (what < 0.45) this.#push();
    else if (what < 0.9) this.#guarded(lane, () => this.#work(lane));
    else if (what < 0.93) this.#startWorker(lane);
    else this.#archive();
  }

  /** Lets every worker finish, and stop. */
  stop(): void {
    for (let lane = 0; lane < this.plan.workers; lane++) {
      for (let left = 1_000; this.#consumers[lane]!.available() > 0 && left > 0; left--) {
        this.#archive();
        this.#guarded(lane, () => this.#work(lane));
      }
      this.#writers[lane]!.close();
    }
    if (this.plan.sync !== 'always') this.#archivist.syncAll();
    this.#noteSynced(this.#heads());
  }

  /** What the power takes may be all that was not synced; the end of the process takes nothing that was written. */
  end(isPower: boolean): void {
    this.#noteWritten();
    if (!isPower) return;
    this.disk.powerFails();
    this.#hasLostPower = true;
  }

  /** Pushes as many events as are taken into the first lane, at most `most`; returns how many that were. */
  fill({ nameBytes, isWide }: { nameBytes: number; isWide: boolean }, most = this.plan.ringSlots): number {
    const lane = this.#lanes[0]!;
    let taken = 0;
    for (; taken < most; taken++) {
      const number = nameBytes > 0 ? this.#filled : this.#filled % 3;
      const user = `f${number}`.padEnd(nameBytes, 'x');
      const name = this.#name(user);
      let index = this.#table.find(name);
      if (index === NOBODY) {
        if (this.#table.isFull || !lane.hasRoomForNew(name.nameBytes, false)) break;
        index = this.#table.add(name);
        lane.addName(index, this.#names, name);
      }
      const amount = isWide ? 2 ** 40 : 1;
      if (!lane.tryPush(index, amount)) break;
      this.#filled += 1;
      this.told[0]!.pushed.push({ user, amount });
    }
    lane.publish();
    return taken;
  }

  /** Works off the first lane, in blocks of at most so many events. */
  drain(blockEvents: number): void {
    const ring = this.#consumers[0]!;
    while (ring.available() > 0) {
      const ready = this.#writers[0]!.secure(ring.head, Math.min(ring.available(), blockEvents));
      this.#balances[0]!.applyRun(Math.min(ready, 256));
    }
    this.#noteSynced(this.#heads());
  }

  /** Whether each lane says that nothing is missing behind its last event. */
  get isClosed(): boolean {
    return recover(this.disk, DIR).ends.every(end => end.isClosed);
  }

  get isDiskFull(): boolean {
    return this.#lanes[0]!.isDiskFull;
  }

  archive(ms?: number): void {
    this.#archive(ms);
  }

  #name(user: string) {
    const bytes = Buffer.from(user);
    new Uint8Array(this.#names.buffer).set(bytes, 0);
    new Uint8Array(this.#names.buffer).fill(0, bytes.length, bytes.length + 4);
    return { nameAt: 0, nameBytes: bytes.length, hash: hashName(this.#names, 0, bytes.length, SEED) };
  }

  #push(): void {
    const count = 1 + Math.floor(this.#random() * this.plan.ringSlots);
    for (let event = 0; event < count; event++) {
      const number = Math.floor(this.#random() ** 2 * this.plan.users * 1.1);
      const user = number % 5 === 0 ? `user-${number}-${'x'.repeat(number % 110)}` : `u${number}`;
      const name = this.#name(user);
      const owner = this.#table.workerOf(name.hash);
      const lane = this.#lanes[owner]!;
      const kind = this.#random();
      const isRead = kind < 0.05;
      const amount = isRead ? 0 : this.#amount();
      let index = this.#table.find(name);
      if (index === NOBODY) {
        if (this.#table.isFull || isRead) continue;
        if (!lane.hasRoomForNew(name.nameBytes, kind < 0.2)) {
          this.refusals += 1;
          continue;
        }
        index = this.#table.add(name);
        lane.addName(index, this.#names, name);
      }
      const isIn = kind < 0.2 ? lane.tryAsk(index, amount) !== undefined : lane.tryPush(index, amount);
      if (!isIn) this.refusals += 1;
      else this.told[owner]!.pushed.push({ user, amount });
      if (this.#random() < 0.1) lane.publish();
    }
    for (const lane of this.#lanes) lane.publish();
  }

  #amount(): number {
    const kind = this.#random();
    const sign = this.#random() < 0.5 ? 1 : -1;
    if (kind < 0.8) return sign * (1 + Math.floor(this.#random() * 1e6));
    return sign * Math.ceil(this.#random() * MAX);
  }

  #work(lane: number): void {
    const ring = this.#consumers[lane]!;
    const available = ring.available();
    if (available === 0) return;
    const ready = this.#writers[lane]!.secure(ring.head, available);
    this.#balances[lane]!.applyRun(1 + Math.floor(this.#random() * Math.min(ready, 256)));
    if (this.plan.sync === 'always') this.#noteSynced(this.#heads());
  }

  /** Runs a worker; if it dies, so be it: another starts. */
  #guarded(lane: number, work: () => void): void {
    this.onWork(true);
    try {
      work();
      this.onWork(false);
    } catch (error) {
      this.onWork(false);
      if (!(error instanceof Death)) throw error;
      this.#startWorker(lane);
    }
  }

  #startWorker(lane: number): void {
    const memory = laneOf(this.#buffer, this.#shape, lane);
    const consumer = new Consumer(memory);
    this.#consumers[lane] = consumer;
    this.#balances[lane] = new Balances(this.#buffer, this.#shape, lane, consumer);
    this.#balances[lane].recover();
    const start = this.#starts[lane]!;
    const journalLane = journalLaneOf(start.buffer, start.lanes, lane);
    const places = new Proxy(journalLane.places, {
      get: (target, key) => target[key as unknown as number],
      set: (target, key, value: number) => {
        this.onPlaced();
        target[key as unknown as number] = value;
        return true;
      },
    });
    this.#writers[lane] = new LaneWriter(this.disk, start, memory, { ...journalLane, places });
  }

  #archive(ms = this.#random() * 30): void {
    this.#nowMs += ms;
    const heads = this.#heads();
    const syncs = this.#syncs();
    this.#archivist.turn(this.#nowMs);
    if (this.#archivist.damage !== undefined) throw new Error(this.#archivist.damage);
    if (this.#syncs() !== syncs) this.#noteSynced(heads);
    this.snapshots = Math.max(this.snapshots, this.#archivist.snapshots);
  }

  #syncs(): bigint {
    let all = 0n;
    for (let lane = 0; lane < this.plan.workers; lane++)
      all += Atomics.load(journalLaneOf(this.#journal, this.plan.workers, lane).counts, Count.syncs);
    return all;
  }

  #heads(): number[] {
    return this.told.map(({ pushed }, lane) => {
      const { words } = laneOf(this.#buffer, this.#shape, lane);
      const tail = this.#lanes[lane]!.ring.tail;
      return pushed.length - ((tail - Atomics.load(words, RingWord.head)) | 0);
    });
  }

  #noteWritten(): void {
    this.#heads().forEach((head, lane) => {
      this.told[lane]!.written = head;
    });
  }

  #noteSynced(heads: number[]): void {
    heads.forEach((head, lane) => {
      this.told[lane]!.synced = Math.max(this.told[lane]!.synced, head);
    });
  }
}
