/**
 * The socket thread's side of the engine: it accepts events, and learns what became of them.
 *
 * An event passes three points: *accepted*, it is in the ring of the worker that owns its user; *applied*, that
 * worker's head has passed it; *answered*, the client that wants the result has it. Most events want no result and
 * cost nothing after the first point. An ask (an event with `wait`, or a request for a balance) goes through the same
 * ring, so its answer is the balance at exactly that place in the order of events.
 */
import { Outcome } from '../protocol/outcome.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import { Balances } from './balances.ts';
import { Experiments } from './experiments.ts';
import { Lane } from './lane.ts';
import { balancesOf, createMemory, laneOf, Word } from './memory-layout.ts';
import type { Counts, EngineOptions } from './options.ts';
import type { Commit, Position } from './position.ts';
import type { Recording } from './recording.ts';
import { refusedOf } from './refusals.ts';
import { Sampler } from './sampler.ts';
import { balanceSlotsFor, type Name, NOBODY, UserTable } from './user-table.ts';
import { type WorkerEvents, Workers } from './workers.ts';

// A constant of this module: an imported binding is looked up, and checked, at every use.
const accepted = Outcome.accepted;

export class Engine {
  readonly users: UserTable;
  readonly workers: Workers;
  readonly experiments: Experiments;
  readonly #lanes: Lane[];
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #buffer: SharedArrayBuffer;
  readonly #names: DataView;
  readonly #recording: Recording | undefined;
  readonly #waits: boolean;
  /**
   * Events by outcome. Doubles from the start: an integer property that grows past 2^31 changes its representation,
   * and V8 then discards all optimised code that uses it, under full load.
   */
  readonly #outcomes = new Float64Array(Outcome.balanceOverflow);

  /** `names` is the memory that holds the name of the user when an event is submitted. */
  constructor(
    names: DataView,
    options: EngineOptions,
    events: Omit<WorkerEvents, 'onProgress'>,
    recording?: Recording,
  ) {
    this.#names = names;
    this.#recording = recording;
    this.#waits = options.whenFull === 'wait';
    const { workers, ring, users, workUs, work, firstSequence = 0 } = options;
    const shape = {
      workers,
      ringSlots: ring,
      balanceSlots: balanceSlotsFor(users),
      workUs,
      workKind: work,
    };
    this.#buffer = createMemory(shape, firstSequence);
    this.users = new UserTable(names, users, workers);
    this.#lanes = Array.from(
      { length: workers },
      (_, worker) => new Lane(laneOf(this.#buffer, shape, worker), recording?.lanes[worker]),
    );
    this.#balances = balancesOf(this.#buffer, shape);
    const onProgress = (worker: number) => this.#lanes[worker]!.progressed();
    this.workers = new Workers(this.#buffer, { ...events, onProgress }, recording);
    this.experiments = new Experiments(this.#lanes, this.workers);
  }

  /** Before anything is accepted: gives a user a balance. Returns its index. */
  restore(name: Name, balance: number): number {
    const user = this.users.add(name);
    this.#balances[user] = balance;
    return user;
  }

  /** With a journal: reached when all events accepted since the last call are in it. Undefined if there are none. */
  commit(): Commit | undefined {
    if (this.#recording === undefined) return undefined;
    let commit: Commit | undefined;
    for (const lane of this.#lanes) commit = lane.commit(commit);
    return commit;
  }

  /** Accepts or refuses an event. Workers see it after `publish`. */
  submit(event: ParsedRequest): Outcome | NoRoom {
    const lane = this.#laneOf(event.hash);
    const user = this.#userOf(event, lane, false);
    if (user < 0) return user === FULL ? this.#refuse(Outcome.tooManyUsers) : this.#refuseBusy(lane);
    if (!lane.tryPush(user, event.amount)) return this.#refuseBusy(lane);
    this.#outcomes[accepted]! += 1;
    return accepted;
  }

  /** As `submit`, for an event with `wait`: returns its position if it is accepted. */
  submitAsking(event: ParsedRequest): Position | Outcome | NoRoom {
    const lane = this.#laneOf(event.hash);
    const user = this.#userOf(event, lane, true);
    if (user < 0) return user === FULL ? this.#refuse(Outcome.tooManyUsers) : this.#refuseBusy(lane);
    const position = lane.tryAsk(user, event.amount);
    if (position === undefined) return this.#refuseBusy(lane);
    this.#outcomes[Outcome.accepted]! += 1;
    return position;
  }

  /**
   * The balance after every event accepted so far, if it is known at once: the user is unknown (0), or its worker has
   * applied everything. Otherwise undefined: use `askBalance`.
   */
  readBalance(name: Name): number | undefined {
    const user = this.users.find(name);
    if (user === NOBODY) return 0;
    // Settled: the head just loaded published every balance that the owner has written.
    return this.#laneOf(name.hash).isSettled ? this.#balances[user] : undefined;
  }

  /** Asks the worker that owns an existing user; undefined if its ring has no room (see `whenRoom`). */
  askBalance(name: Name): Position | undefined {
    return this.#laneOf(name.hash).tryAsk(this.users.find(name), 0);
  }

  /** Calls `retry` once, when the ring for this hash may have room. */
  whenRoom(hash: number, retry: () => void): void {
    this.#laneOf(hash).whenRoom(retry);
  }

  /** Counts an event that is refused because the server is shutting down. */
  refuseLate(): Outcome {
    return this.#refuse(Outcome.shuttingDown);
  }

  /** Makes all accepted events visible to the workers, and wakes those that must be woken. */
  publish(): void {
    for (const lane of this.#lanes) lane.publish();
  }

  /** Delivers the answers that are ready; cheap when no answer is pending. */
  collect(): void {
    for (const lane of this.#lanes) lane.collect();
  }

  /** `received = processed + dropped + queued`, at any moment. */
  counts(): Counts {
    const processed = this.#sum(lane => lane.processed);
    const overflowed = this.#sum(lane => lane.overflowed);
    const wasAccepted = this.#outcomes[accepted]!;
    const refused = Object.values(refusedOf(this.#outcomes)).reduce((sum, count) => sum + count, 0);
    return {
      received: wasAccepted + refused,
      processed,
      dropped: refused + overflowed,
      queued: wasAccepted - processed - overflowed,
    };
  }

  /** The metrics beyond the four counts. */
  detail() {
    return {
      accepted: this.#outcomes[accepted]!,
      refused: { ...refusedOf(this.#outcomes), balance_overflow: this.#sum(lane => lane.overflowed) },
      users: this.users.users,
      users_max: this.users.usersMax,
      workers: this.#lanes.length,
      workers_ready: this.workers.ready,
      worker_deaths: this.workers.deaths,
      ring_slots: this.#lanes[0]!.ring.capacity,
      ring_depths: this.#lanes.map(lane => lane.ring.depth),
      parks: this.#sum(lane => lane.parks),
      naps: this.#sum(lane => lane.naps),
      late_wakes: this.#sum(lane => lane.lateWakes),
    };
  }

  /** For observers of rings and shards. Must be called before the first event. */
  sampler(): Sampler {
    return new Sampler(this.#lanes, this.users);
  }

  get areRingsEmpty(): boolean {
    return this.#lanes.every(lane => lane.ring.depth === 0);
  }

  /** Starts the workers; resolves when all have attached to the memory. */
  start(): Promise<void> {
    return this.workers.start();
  }

  /** Tells each worker to exit when its ring is empty; resolves when all have. */
  stop(): Promise<void> {
    for (const lane of this.#lanes) lane.command(Word.stop, 1);
    return this.workers.join();
  }

  /** When no worker is left: undoes any unfinished run, so that balances and counts agree. */
  settle(): void {
    for (let worker = 0; worker < this.#lanes.length; worker++) Balances.settle(this.#buffer, worker);
  }

  #sum(of: (lane: Lane) => number): number {
    return this.#lanes.reduce((total, lane) => total + of(lane), 0);
  }

  #laneOf(hash: number): Lane {
    return this.#lanes[this.users.workerOf(hash)]!;
  }

  /** The user of an event, added if new; `FULL` if the table has no room, `BUSY` if the ring has none. */
  #userOf(event: ParsedRequest, lane: Lane, isAsking: boolean): number {
    const user = this.users.find(event);
    if (user !== NOBODY) return user;
    if (this.users.isFull) return FULL;
    // Only an accepted event adds a user. Room seen here remains until the push: workers only make more.
    if (!lane.hasRoomForNew(event.nameBytes, isAsking)) return BUSY;
    const index = this.users.add(event);
    lane.addName(index, this.#names, event);
    return index;
  }

  #refuse(outcome: Outcome): Outcome {
    this.#outcomes[outcome]! += 1;
    return outcome;
  }

  #refuseBusy(lane: Lane): Outcome | NoRoom {
    // The events that fill the ring may not have been published yet.
    lane.publish();
    if (this.#waits && lane.isFull) return NO_ROOM;
    return this.#refuse(lane.isDiskFull ? Outcome.diskFull : Outcome.serverBusy);
  }
}

/** The event was neither accepted nor refused, and not counted: to be submitted again when there is room. */
export const NO_ROOM = -1;
export type NoRoom = typeof NO_ROOM;

/** Results of `#userOf` that are not users. */
const BUSY = -1;
const FULL = -2;
