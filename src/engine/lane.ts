/**
 * The socket thread's end of one worker: its ring, its bell, and the positions that are waited for.
 */
import type { ParsedRequest } from '../protocol/request.ts';
import { Asks } from './asks.ts';
import type { Decided } from './deciding.ts';
import { type ExtraKind, putExtra } from './extra.ts';
import { Ids } from './ids.ts';
import type { LaneMemory } from './memory-layout.ts';
import { Commit, Position } from './position.ts';
import type { LaneRecorder } from './recording.ts';
import { Producer } from './ring.ts';
import { Bell } from './wakeup.ts';
import { Count, Word } from './words.ts';

export class Lane {
  readonly ring: Producer;
  readonly #memory: LaneMemory;
  readonly #bell: Bell;
  readonly #asks: Asks;
  /** The sequence after the last event: slots from there on only read a balance. */
  #eventsEnd: number;
  #retries: (() => void)[] = [];
  readonly #recorder: LaneRecorder | undefined;
  /** Events up to here have a commit that waits for them, oldest first; only with a journal. */
  #committed: number;
  readonly #commits: { sequence: number; commit: Commit }[] = [];
  #commitsReached = 0;

  constructor(memory: LaneMemory, recorder?: LaneRecorder) {
    this.#memory = memory;
    this.#recorder = recorder;
    this.ring = new Producer(memory, recorder);
    this.#eventsEnd = this.ring.tail;
    this.#committed = this.ring.tail;
    this.#asks = new Asks(memory);
    this.#bell = new Bell(memory.words);
  }

  /** Pushes an event; false if the ring is full. */
  tryPush(user: number, amount: number): boolean {
    if (!this.ring.tryPush(user, 0, amount)) return false;
    this.#eventsEnd = this.ring.tail;
    return true;
  }

  /** Pushes an event (or, with amount 0, a request for the balance) whose answer is wanted; undefined: no room. */
  tryAsk(user: number, amount: number): Position | undefined {
    if (!this.#hasPlace()) return undefined;
    const position = new Position(this.ring.tail);
    if (!this.ring.tryPush(user, this.#asks.next, amount)) return undefined;
    this.#asks.add(position);
    if (amount !== 0) this.#eventsEnd = this.ring.tail;
    return position;
  }

  /** As `tryAsk`, for an event that has an id or a minimum. */
  tryAskEvent(user: number, event: ParsedRequest): Position | undefined {
    const position = new Position(0);
    return this.tryAskRich(position, user, event) ? position : undefined;
  }

  /** As `tryAsk`, with an extra; `position` is one for its answer, whose sequence is set. False: no room. */
  tryAskRich(
    position: Position,
    user: number,
    event: Pick<ParsedRequest, 'amount' | 'id' | 'wants' | 'min'>,
    kind?: ExtraKind,
    other?: number,
    number?: number,
  ): boolean {
    if (!this.#hasPlace() || !this.ring.hasRoom()) return false;
    putExtra(this.ring.extras, this.ring.nextPlace, event, kind, other, number);
    position.sequence = this.ring.tail;
    this.ring.pushRich(user, this.#asks.next, event.amount);
    this.#asks.add(position);
    this.#eventsEnd = this.ring.tail;
    return true;
  }

  /** Pushes an event with an id, whose reply is `line` of those that wait for the commit; false: no room. */
  tryPromise(commit: Commit, line: number, user: number, event: ParsedRequest): boolean {
    if (!this.#hasPlace() || !this.ring.hasRoom()) return false;
    const sequence = this.ring.tail;
    putExtra(this.ring.extras, this.ring.nextPlace, event);
    this.ring.pushRich(user, this.#asks.next, event.amount);
    this.#asks.promise(commit, sequence, line);
    this.#eventsEnd = this.ring.tail;
    return true;
  }

  /** There is a place for an answer. */
  #hasPlace(): boolean {
    if (this.#asks.isFull) this.collect();
    // If none is, the ring may have room all the same: promised events free their places when the last one is applied.
    return !this.#asks.isFull;
  }

  /** Whether the next event may be the first of a user: there is room for it and, with a journal, for its name. */
  hasRoomForNew(nameBytes: number, isAsking: boolean): boolean {
    // First the place: to look for one may pay what transfers owe, into this ring.
    if ((isAsking && !this.#hasPlace()) || !this.ring.hasRoom()) return false;
    if (this.#recorder === undefined) return true;
    // Its name is told for a sequence, which must then be its own.
    return this.#recorder.hasNameRoom(nameBytes, (this.ring.tail - this.ring.depth) | 0);
  }

  /** The same for a transfer, which may tell the names of two; 0: none. */
  hasRoomForTransfer(nameBytes: number, otherBytes: number): boolean {
    // The records of two names need no more than that of one so long.
    const bytes = nameBytes === 0 ? otherBytes : otherBytes === 0 ? nameBytes : nameBytes + otherBytes + 27;
    if (bytes > 0) return this.hasRoomForNew(bytes, true);
    return this.#hasPlace() && this.ring.hasRoom();
  }

  /** Pushes a slot that does nothing: the first of a user that gets something later. */
  pushFirst(user: number): void {
    if (!this.tryPush(user, 0)) throw new Error('there was to be room for it');
  }

  get isRecorded(): boolean {
    return this.#recorder !== undefined;
  }

  /** Tells the journal the name of a user, whose first event is pushed next. */
  addName(
    index: number,
    names: DataView,
    { nameAt, nameBytes }: { nameAt: number; nameBytes: number },
  ): void {
    if (this.#recorder === undefined) return;
    this.#recorder.addName(this.ring.tail, index, names, nameAt, nameBytes);
    this.ring.takeNameRoom();
  }

  /** Its worker has events to do, and makes room with each. */
  get isFull(): boolean {
    return this.ring.depth === this.ring.capacity;
  }

  /** There is no room because the journal has none, nor the disk. */
  get isDiskFull(): boolean {
    return this.#recorder?.isDiskFull ?? false;
  }

  /** Makes a commit wait for the events since the last one, too; returns it, or a new one. */
  commit(commit: Commit | undefined): Commit | undefined {
    if (this.#committed === this.#eventsEnd) return commit;
    this.#committed = this.#eventsEnd;
    // The second half of a transfer is pushed outside a visit: nobody would tell of it any more.
    if (this.isSettled) return commit;
    const sequence = (this.#eventsEnd - 1) | 0;
    const extended = commit ?? new Commit();
    extended.extend();
    this.#commits.push({ sequence, commit: extended });
    return extended;
  }

  /** The worker has applied every event so far, so it changes no balance until the next event is pushed. */
  get isSettled(): boolean {
    const head = (this.ring.tail - this.ring.depth) | 0;
    return ((head - this.#eventsEnd) | 0) >= 0;
  }

  /** Publishes the pushed slots; wakes the worker if it is parked, or naps and somebody waits, or the ring fills up. */
  publish(): void {
    if (!this.ring.publish()) return;
    const half = this.ring.capacity >> 1;
    const isFilling = this.ring.depthSeen >= half && this.ring.depth >= half;
    // With a journal, the replies to all events wait for the worker.
    this.#bell.notify(this.#asks.isNew || isFilling || this.#recorder !== undefined);
    this.#asks.isNew = false;
  }

  /** The worker's message has arrived: there are answers, or there is room. */
  progressed(): void {
    // Acknowledged before the head is read: see sendProgress in worker.ts.
    Atomics.store(this.#memory.words, Word.acknowledged, Atomics.load(this.#memory.words, Word.messages));
    this.collect();
    const retries = this.#retries;
    this.#retries = [];
    for (const retry of retries) retry();
  }

  /** Delivers the answers of all positions that the worker has passed. */
  collect(): void {
    if (this.#asks.isEmpty && this.#commits.length === 0) return;
    const head = (this.ring.tail - this.ring.depth) | 0;
    if (this.#commits.length > 0) this.#collectCommits(head);
    this.#asks.collect(head, this.ring.tail);
  }

  #collectCommits(head: number): void {
    const commits = this.#commits;
    let at = this.#commitsReached;
    while (at < commits.length && ((head - commits[at]!.sequence) | 0) > 0) commits[at++]!.commit.reach();
    if (at === commits.length || at > this.ring.capacity) {
      commits.splice(0, at);
      at = 0;
    }
    this.#commitsReached = at;
  }

  whenRoom(retry: () => void): void {
    this.#retries.push(retry);
    Atomics.store(this.#memory.words, Word.wanted, (Atomics.load(this.#memory.words, Word.wanted) + 1) | 0);
    this.#bell.notify(true);
    // The worker stores its head, then loads `wanted`; here it is the reverse, so one of the two sees the other's
    // store.
    // If only places are lacking, an event that takes one is still to be applied, or the message of it is under way.
    if (this.ring.hasRoom() && !this.#asks.isFull) setImmediate(() => this.progressed());
  }

  /** Before its worker starts: its ids, to be filled; `done` when they are. */
  idsToRestore(): { ids: Ids; done: () => void } {
    const { words, ids: memory } = this.#memory;
    const ids = new Ids(memory, 0, 0);
    const done = () => Atomics.store(words, Word.idsTail, ids.tail);
    return { ids, done };
  }

  /** How many events its worker has decided so. */
  decided(how: keyof Decided): number {
    return Number(Atomics.load(this.#memory.counts, Count[how]));
  }

  /** Ids that are remembered. */
  get ids(): number {
    const { words } = this.#memory;
    return (Atomics.load(words, Word.idsTail) - Atomics.load(words, Word.idsHead)) | 0;
  }

  get parks(): number {
    return Atomics.load(this.#memory.words, Word.parks) >>> 0;
  }

  get naps(): number {
    return Atomics.load(this.#memory.words, Word.naps) >>> 0;
  }

  get lateWakes(): number {
    return Atomics.load(this.#memory.words, Word.lateWakes) >>> 0;
  }

  /** Sets a word that the worker reads, and wakes it. */
  command(word: number, value: number): void {
    Atomics.store(this.#memory.words, word, value);
    this.#bell.notify(true);
  }
}
