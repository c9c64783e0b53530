/**
 * A whole journal in one thread, on a disk that lies: users, rings, workers, archivist, deaths, crashes, and new starts.
 * The order of everything is drawn at random. What was acknowledged is noted, and compared with what comes back.
 */
import { Lane } from '../../src/engine/lane.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Restoring } from '../../src/engine/restoring.ts';
import { Transfers } from '../../src/engine/transfers.ts';
import { balanceSlotsFor } from '../../src/engine/user-indices.ts';
import { type Name, NOBODY, UserTable } from '../../src/engine/user-table.ts';
import { beginEpoch } from '../../src/journal/folder.ts';
import { bytesBefore, laneName, type Secret } from '../../src/journal/format.ts';
import { placeFirst, type WriterStart } from '../../src/journal/lane-writer.ts';
import { Count, createJournalMemory, journalLaneOf, namesBytesFor, Word } from '../../src/journal/memory.ts';
import { move } from '../../src/journal/moving.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import { recover } from '../../src/journal/recovery.ts';
import { AskedArchivist } from './asked-archivist.ts';
import { type Hired, hire } from './hiring.ts';
import type { LyingDisk } from './lying-disk.ts';
import { NotedLane } from './noted-lane.ts';
import { Death, DIR, type Plan } from './plan.ts';
import { type Back, checkTold, comeBack, type Known, nothingKnown, type Told } from './told.ts';
import { type Deed, SEED, Traffic } from './traffic.ts';

const IDS_MS = 600_000_000;

// There is one thread: nobody would ever wake it.
Atomics.wait = () => {
  throw new Error('a worker waits for ever');
};

export class World {
  readonly disk: LyingDisk;
  readonly plan: Plan;
  readonly #random: () => number;
  readonly #traffic: Traffic;
  /** At the start of this epoch. */
  #before = nothingKnown();
  readonly #takenBack: Back['takenBack'] = new Map();
  told: Told[] = [];
  #hasLostPower = false;
  #lanes: NotedLane[] = [];
  #transfers = new Transfers(1);
  #buffer!: SharedArrayBuffer;
  #shape!: Shape;
  #journal!: SharedArrayBuffer;
  #crew: Hired[] = [];
  #starts: WriterStart[] = [];
  #table!: UserTable;
  #archivist!: AskedArchivist;
  #nowMs = 0;
  refusals = 0;
  readonly #userNames = new Map<number, string>();
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
    this.#traffic = new Traffic(random, plan.users);
    disk.makeFolder(DIR);
    disk.syncFolder('');
  }

  /** What comes back. Throws if that can't be what was told. */
  check(): Known {
    const back = comeBack(this.disk);
    // A start that crashed may have settled what the last one left.
    for (const [number, what] of back.takenBack) this.#takenBack.set(number, what);
    back.takenBack = new Map(this.#takenBack);
    checkTold(back, this.#before, this.told, this.plan.idsMax, this.#hasLostPower);
    return back;
  }

  /** A new start: reads what is there, and serves. */
  begin(): void {
    const { workers, ringSlots, users, segmentBytes, firstSequence, sync, keep, idsMax } = this.plan;
    const before = this.check();
    const { ledger, epoch, timeMs, idKey } = recover(this.disk, DIR);
    const idSlots = 2 ** Math.ceil(Math.log2(Math.max(1, idsMax, ledger.idCount)));
    const shape: Shape = {
      ...{ workers, ringSlots, balanceSlots: balanceSlotsFor(users), workUs: 0, workKind: 'cpu' },
      ...{ idSlots, idsMax, idsMs: IDS_MS },
    };
    const buffer = createMemory(shape, firstSequence);
    const journal = createJournalMemory(workers, namesBytesFor(ringSlots));
    const table = new UserTable(this.#traffic.names, users, workers);
    const balances = balancesOf(buffer, shape);
    const lanes = Array.from({ length: workers }, (_, lane) => {
      const recorder = new Recorder(journalLaneOf(journal, workers, lane));
      return new NotedLane(laneOf(buffer, shape, lane), recorder);
    });
    const transfers = new Transfers(ledger.transits.end);
    const restoring = new Restoring(table, balances, lanes, transfers);
    const moved = move(ledger, { users: table, restoring }, this.#traffic.names, SEED);
    const { newIndexOf, ids } = moved;
    const secret: Secret = {
      mark: 1 + Math.floor(this.#random() * 2 ** 31),
      start: Math.floor(this.#random() * 2 ** 32),
    };
    const start = { epoch: epoch + 1, secret, timeMs, idKey, ledger, lanes: workers };
    const renewed = { newIndexOf, ids, rules: { idsMax, idsMs: IDS_MS, isDurable: sync === 'always' } };
    const folder = beginEpoch(this.disk, DIR, start, segmentBytes, renewed);
    // Only now: a start that crashed leaves what there was.
    this.#shape = shape;
    this.#buffer = buffer;
    this.#journal = journal;
    this.#table = table;
    this.#lanes = lanes;
    this.#transfers = transfers;
    this.#userNames.clear();
    for (let index = 0; index < ledger.indexEnd; index++)
      if (ledger.has(index)) this.#userNames.set(newIndexOf[index]!, ledger.nameOf(index).toString());
    this.#before = before;
    this.#takenBack.clear();
    this.#hasLostPower = false;
    this.told = ids.map(({ count }) => ({ pushed: [], written: 0, synced: 0, idsBefore: count }));
    const memories = this.told.map((_, lane) => journalLaneOf(this.#journal, workers, lane));
    for (const memory of memories) {
      placeFirst(memory, firstSequence | 0, timeMs);
      Atomics.store(memory.words, Word.prepared, 1);
      Atomics.store(memory.counts, Count.capacity, BigInt(bytesBefore(1, segmentBytes)));
    }
    this.#lanes.forEach((lane, index) => {
      lane.pushed = this.told[index]!.pushed;
      lane.nameOf = user => this.#userNames.get(user)!;
    });
    this.#starts = memories.map((_, lane) => ({
      buffer: this.#journal,
      lanes: workers,
      lane,
      folder: `${folder}/${laneName(lane)}`,
      secret,
      segmentBytes,
      sync,
    }));
    const sizes = { lanes: workers, ringSlots, segmentBytes };
    const where = { buffer: this.#journal, dir: DIR, folder, epoch: epoch + 1, secret };
    const archive = { ...where, ...sizes, sync, syncMs: 10, keep };
    this.#archivist = new AskedArchivist(this.disk, archive, this.#nowMs);
    this.#archivist.turn(this.#nowMs);
    memories.forEach((_, lane) => {
      this.#startWorker(lane);
    });
    void restoring.transfers(moved.owed, user => moved.laneOf[user]!);
  }

  /** One thing happens. */
  step(): void {
    const lane = Math.floor(this.#random() * this.plan.workers);
    const what = this.#random();
    if (what < 0.45) this.#push();
    else if (what < 0.9) this.#guarded(lane, () => this.#work(lane));
    else if (what < 0.93) this.#startWorker(lane);
    else this.archive();
  }

  /** Lets every worker finish, and stop. */
  stop(): void {
    // What one finishes may owe something to another.
    for (let left = 3_000; left > 0 && this.#crew.some(({ ring }) => ring.available() > 0); left--) {
      this.archive();
      this.#crew.forEach((_, lane) => {
        this.#guarded(lane, () => this.#work(lane));
      });
    }
    for (const { writer } of this.#crew) writer.close();
    if (this.plan.sync !== 'always') this.#archivist.syncAll();
    this.#noteSynced(this.#heads());
    if ([...comeBack(this.disk).owed.values()].includes('credit')) throw new Error('something is owed still');
  }

  /** What the power takes may be all that was not synced; the end of the process takes nothing that was written. */
  end(isPower: boolean): void {
    this.#heads().forEach((head, lane) => {
      this.told[lane]!.written = head;
    });
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
      const name = this.#traffic.name(user);
      const index = this.#indexOf(user, name, lane, false);
      if (index === NOBODY) break;
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
    const ring = this.#crew[0]!.ring;
    while (ring.available() > 0) {
      const ready = this.#crew[0]!.writer.secure(ring.head, Math.min(ring.available(), blockEvents));
      this.#crew[0]!.balances.applyRun(Math.min(ready, 256));
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

  #push(): void {
    const count = 1 + Math.floor(this.#random() * this.plan.ringSlots);
    for (let event = 0; event < count; event++) {
      if (this.plan.idsMax > 0 && this.#random() < 0.4) {
        const deed = this.#traffic.deed();
        if (deed.to === undefined) this.#pushRich(deed);
        else this.#transfer(deed, deed.to);
        continue;
      }
      const user = this.#traffic.user();
      const kind = this.#random();
      const isAsking = kind < 0.2;
      const isRead = kind < 0.05;
      const amount = isRead ? 0 : this.#traffic.amount();
      const name = this.#traffic.name(user);
      const lane = this.#laneOf(name);
      const index = this.#indexOf(user, name, lane, isAsking, isRead);
      if (index === NOBODY) continue;
      const isIn = isAsking ? lane.tryAsk(index, amount) !== undefined : lane.tryPush(index, amount);
      if (isIn) lane.pushed.push({ user, amount });
      else this.refusals += 1;
      if (this.#random() < 0.1) lane.publish();
    }
    for (const lane of this.#lanes) lane.publish();
  }

  #laneOf({ hash }: Name): NotedLane {
    return this.#lanes[this.#table.workerOf(hash)]!;
  }

  /** Adds the user if it is new, and if that can be. */
  #indexOf(user: string, name: Name, lane: NotedLane, isAsking: boolean, isRead = false): number {
    let index = this.#table.find(name);
    if (index === NOBODY) {
      if (this.#table.isFull || isRead) return NOBODY;
      if (!lane.hasRoomForNew(name.nameBytes, isAsking)) {
        this.refusals += 1;
        return NOBODY;
      }
      index = this.#table.add(name);
      lane.addName(index, this.#traffic.names, name);
    }
    this.#userNames.set(index, user);
    return index;
  }

  #pushRich(deed: Deed): void {
    const name = this.#traffic.name(deed.user);
    const lane = this.#laneOf(name);
    const index = this.#indexOf(deed.user, name, lane, true);
    if (index === NOBODY) return;
    if (lane.tryAskEvent(index, { ...deed.terms, ...name }) === undefined) this.refusals += 1;
  }

  #transfer({ user, terms }: Deed, other: string): void {
    const request = { ...terms, ...this.#traffic.name(user), to: this.#traffic.name(other, 256) };
    if (this.#table.users + 2 > this.#table.usersMax) return;
    const [lane, toLane] = [this.#laneOf(request), this.#laneOf(request.to)];
    lane.nextNames = toLane.nextNames = [user, other];
    const position = this.#transfers.submit(request, lane, toLane, this.#table, this.#traffic.names);
    lane.nextNames = toLane.nextNames = undefined;
    for (const name of [request, request.to]) {
      const index = this.#table.find(name);
      if (index !== NOBODY) this.#userNames.set(index, name === request ? user : other);
    }
    if (position instanceof Lane) this.refusals += 1;
  }

  #work(lane: number): void {
    const ring = this.#crew[lane]!.ring;
    const available = ring.available();
    if (available === 0) return;
    const ready = this.#crew[lane]!.writer.secure(ring.head, available);
    this.#crew[lane]!.balances.applyRun(1 + Math.floor(this.#random() * Math.min(ready, 256)));
    if (this.plan.sync === 'always') this.#noteSynced(this.#heads());
    // The socket thread hears of it: second halves are pushed.
    this.#lanes[lane]!.progressed();
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
    this.#crew[lane] = hire(this.disk, this.#buffer, this.#shape, this.#starts[lane]!, () => this.onPlaced());
  }

  archive(ms = this.#random() * 30): void {
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
    return this.told.map(({ pushed }, lane) => pushed.length - this.#lanes[lane]!.ring.depth);
  }

  #noteSynced(heads: number[]): void {
    heads.forEach((head, lane) => {
      this.told[lane]!.synced = Math.max(this.told[lane]!.synced, head);
    });
  }
}
