/**
 * The socket thread's end of one worker: its ring, its bell, and the positions that are waited for.
 */
import { Count, type LaneMemory, Word } from './memory-layout.ts';
import { Commit, Position } from './position.ts';
import type { LaneRecorder } from './recording.ts';
import { Producer } from './ring.ts';
import { Bell } from './wakeup.ts';

export class Lane {
  readonly ring: Producer;
  readonly #memory: LaneMemory;
  readonly #bell: Bell;
  /** The positions not yet reached, oldest first, from index `#answered` on. */
  #asks: Position[] = [];
  #answered = 0;
  /** Free-running count of asks; its low bits are the index of the answer. */
  #askCount = 0;
  #hasNewAsk = false;
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
    if (this.#openAsks === this.ring.capacity) this.collect();
    // An answer's place is free once the answer was collected. If none is free even now, the ring was full when
    // `collect` loaded the head; the ring may have room since then, but the places do not.
    if (this.#openAsks === this.ring.capacity) return undefined;
    const place = this.#askCount & (this.ring.capacity - 1);
    const position = new Position(this.ring.tail);
    if (!this.ring.tryPush(user, place + 1, amount)) return undefined;
    this.#askCount = (this.#askCount + 1) | 0;
    this.#asks.push(position);
    this.#hasNewAsk = true;
    if (amount !== 0) this.#eventsEnd = this.ring.tail;
    return position;
  }

  /** Whether the next event may be the first of a user: there is room for it and, with a journal, for its name. */
  hasRoomForNew(nameBytes: number, isAsking: boolean): boolean {
    if (!this.ring.hasRoom()) return false;
    if (this.#recorder === undefined) return true;
    // Its name is told for a sequence, which must then be its own.
    if (isAsking && this.#openAsks === this.ring.capacity) this.collect();
    if (isAsking && this.#openAsks === this.ring.capacity) return false;
    return this.#recorder.hasNameRoom(nameBytes, (this.ring.tail - this.ring.depth) | 0);
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
    const sequence = (this.#eventsEnd - 1) | 0;
    const extended = commit ?? new Commit(sequence);
    if (commit !== undefined) commit.extend();
    this.#commits.push({ sequence, commit: extended });
    return extended;
  }

  /** The worker has applied every event so far, so it changes no balance until the next event is pushed. */
  get isSettled(): boolean {
    const head = (this.ring.tail - this.ring.depth) | 0;
    return ((head - this.#eventsEnd) | 0) >= 0;
  }

  get #openAsks(): number {
    return this.#asks.length - this.#answered;
  }

  /** Publishes the pushed slots; wakes the worker if it is parked, or naps and somebody waits, or the ring fills up. */
  publish(): void {
    if (!this.ring.publish()) return;
    const half = this.ring.capacity >> 1;
    const isFilling = this.ring.depthSeen >= half && this.ring.depth >= half;
    // With a journal, the replies to all events wait for the worker.
    this.#bell.notify(this.#hasNewAsk || isFilling || this.#recorder !== undefined);
    this.#hasNewAsk = false;
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
    if (this.#answered === this.#asks.length && this.#commits.length === 0) return;
    const head = (this.ring.tail - this.ring.depth) | 0;
    if (this.#commits.length > 0) this.#collectCommits(head);
    while (this.#answered < this.#asks.length) {
      const position = this.#asks[this.#answered]!;
      if (((head - position.sequence) | 0) <= 0) break;
      // Asks are answered in order, so the place of the oldest follows from the number of open ones.
      const place = (this.#askCount - this.#openAsks) & (this.ring.capacity - 1);
      this.#answered += 1;
      position.reach(this.#memory.answers[place]!);
    }
    if (this.#answered === this.#asks.length || this.#answered > this.ring.capacity) {
      this.#asks.splice(0, this.#answered);
      this.#answered = 0;
    }
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
    if (this.ring.hasRoom()) setImmediate(() => this.progressed());
  }

  get processed(): number {
    return Number(Atomics.load(this.#memory.counts, Count.processed));
  }

  get overflowed(): number {
    return Number(Atomics.load(this.#memory.counts, Count.overflowed));
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
