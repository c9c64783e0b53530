/**
 * The socket thread's side of the engine: it accepts events, and learns what became of them.
 *
 * An event passes three points: *accepted*, it is in the ring of the worker that owns its user; *applied*, that
 * worker's head has passed it; *answered*, the client that wants the result has it. Most events want no result and
 * cost nothing after the first point. An ask (an event with `wait`, or a request for a balance) goes through the same
 * ring, so its answer is the balance at exactly that place in the order of events.
 */
import { Outcome } from '../protocol/outcome.ts';
import { type ParsedRequest, Wants } from '../protocol/request.ts';
import { Balances } from './balances.ts';
import { Counting } from './counting.ts';
import { Experiments } from './experiments.ts';
import { Lane } from './lane.ts';
import { balancesOf, createMemory, laneOf } from './memory-layout.ts';
import { type Counts, type EngineOptions, shapeFor } from './options.ts';
import { FULL, LIMITED, type NoRoom, Owners } from './owners.ts';
import { Commit, type Position } from './position.ts';
import { Reading } from './reading.ts';
import type { Recording } from './recording.ts';
import { Restoring } from './restoring.ts';
import { Sampler } from './sampler.ts';
import { Transfers } from './transfers.ts';
import { balanceSlotsFor } from './user-indices.ts';
import type { UserLimits } from './user-limits.ts';
import { type Name, NOBODY, UserTable } from './user-table.ts';
import { Word } from './words.ts';
import { type WorkerEvents, Workers } from './workers.ts';

// A constant of this module: an imported binding is looked up, and checked, at every use.
const accepted = Outcome.accepted;

export class Engine {
  readonly users: UserTable;
  readonly workers: Workers;
  readonly experiments: Experiments;
  /** For a journal. */
  readonly restoring: Restoring;
  readonly reading: Reading;
  readonly #lanes: Lane[];
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #buffer: SharedArrayBuffer;
  readonly #names: DataView;
  readonly #owners: Owners;
  readonly #recording: Recording | undefined;
  readonly #waits: boolean;
  /** Events. Doubles: an integer that grows past 2^31 changes its representation, and V8 discards all code that uses it. */
  readonly #outcomes = new Float64Array(Outcome.rateLimited + 1);
  /** Of the visit that is going on, if it has sent an event with an id. */
  #promises: Commit | undefined;
  readonly #idsMax: number;
  readonly #counting: Counting;
  readonly #transfers: Transfers;
  /** After `NO_ROOM`, and where a balance can't be asked for: the hash of a user whose ring has no room. */
  stalledHash = 0;

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
    const { workers, users, idsMax = 0, firstSequence, firstTransfer = 1 } = options;
    const shape = shapeFor(options, balanceSlotsFor(users));
    this.#idsMax = idsMax;
    this.#transfers = new Transfers(firstTransfer);
    this.#buffer = createMemory(shape, firstSequence);
    this.users = new UserTable(names, users, workers);
    this.#lanes = Array.from(
      { length: workers },
      (_, worker) => new Lane(laneOf(this.#buffer, shape, worker), recording?.lanes[worker]),
    );
    this.#owners = new Owners(this.users, this.#lanes, names);
    this.#counting = new Counting(this.#lanes, this.#outcomes);
    this.#balances = balancesOf(this.#buffer, shape);
    this.reading = new Reading(this.#owners, this.#balances);
    this.restoring = new Restoring(this.users, this.#balances, this.#lanes, this.#transfers);
    const onProgress = (worker: number) => this.#lanes[worker]!.progressed();
    this.workers = new Workers(this.#buffer, { ...events, onProgress }, recording);
    this.experiments = new Experiments(this.#lanes, this.workers);
  }

  /**
   * What the replies made since the last call must wait for: until all events with an id are decided and, with a
   * journal, all accepted events are in it. Undefined if there are none.
   */
  commit(): Commit | undefined {
    let commit = this.#promises;
    if (commit === undefined && this.#recording === undefined) return undefined;
    this.#promises = undefined;
    if (this.#recording !== undefined) for (const lane of this.#lanes) commit = lane.commit(commit);
    // The part that stands for the visit itself.
    if (commit !== undefined) commit.reach();
    return commit;
  }

  /** Accepts or refuses an event. Workers see it after `publish`. */
  submit(event: ParsedRequest): Outcome | NoRoom {
    const lane = this.#owners.laneOf(event.hash);
    const user = this.#owners.userOf(event, lane, false);
    if (user < 0) return this.#refuseUser(user, lane, event.hash);
    if (!lane.tryPush(user, event.amount)) return this.#refuseBusy(lane, event.hash);
    this.#outcomes[accepted]! += 1;
    return accepted;
  }

  /**
   * As `submit`, for an event with an id and nothing else: its reply, the line `line` of this visit, is `accepted`, and
   * waits for the commit, which says if it has to be another.
   */
  submitPromised(event: ParsedRequest, line: number): Outcome | NoRoom {
    const lane = this.#owners.laneOf(event.hash);
    const user = this.#owners.userOf(event, lane, true);
    if (user < 0) return this.#refuseUser(user, lane, event.hash);
    this.#promises ??= new Commit();
    if (!lane.tryPromise(this.#promises, line, user, event)) return this.#refuseBusy(lane, event.hash);
    this.#outcomes[accepted]! += 1;
    return accepted;
  }

  /** As `submit`, for an event whose reply is its balance: returns its position if it is accepted. */
  submitAsking(event: ParsedRequest): Position | Outcome | NoRoom {
    const lane = this.#owners.laneOf(event.hash);
    const user = this.#owners.userOf(event, lane, true);
    if (user < 0) return this.#refuseUser(user, lane, event.hash);
    const position =
      event.wants === Wants.wait ? lane.tryAsk(user, event.amount) : lane.tryAskEvent(user, event);
    if (position === undefined) return this.#refuseBusy(lane, event.hash);
    this.#outcomes[Outcome.accepted]! += 1;
    return position;
  }

  /** As `submitAsking`, for a transfer. */
  submitTransfer(request: ParsedRequest): Position | Outcome | NoRoom {
    const { users } = this;
    const { to } = request;
    const lane = this.#owners.laneOf(request.hash);
    const toLane = this.#owners.laneOf(to.hash);
    const from = users.find(request);
    const needed = Number(from === NOBODY) + Number(users.find(to) === NOBODY);
    if (users.users + needed > users.usersMax) return this.refuse(Outcome.tooManyUsers);
    if (from !== NOBODY && !this.#owners.mayTake(from)) return this.refuse(Outcome.rateLimited);
    const position = this.#transfers.submit(request, lane, toLane, users, this.#names);
    if (position instanceof Lane)
      return this.#refuseBusy(position, position === lane ? request.hash : to.hash);
    this.#outcomes[accepted]! += 1;
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
    return this.#owners.laneOf(name.hash).isSettled ? this.#balances[user] : undefined;
  }

  /** Asks the worker that owns an existing user; undefined if its ring has no room (see `whenRoom`). */
  askBalance(name: Name): Position | undefined {
    this.stalledHash = name.hash;
    return this.#owners.laneOf(name.hash).tryAsk(this.users.find(name), 0);
  }

  /** Calls `retry` once, when the ring for this hash may have room. */
  whenRoom(hash: number, retry: () => void): void {
    this.#owners.laneOf(hash).whenRoom(retry);
  }

  /** Counts an event that is refused. */
  refuse(outcome: Outcome): Outcome {
    this.#outcomes[outcome]! += 1;
    return outcome;
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
    return this.#counting.counts();
  }

  /** The metrics beyond the four counts. */
  detail() {
    // With all that the workers have decided so far.
    this.collect();
    return this.#counting.detail({
      users: this.users.users,
      users_max: this.users.usersMax,
      in_transit: this.#transfers.inTransit,
      ids_max: this.#idsMax,
      workers: this.#lanes.length,
      workers_ready: this.workers.ready,
      worker_deaths: this.workers.deaths,
    });
  }

  set userLimits(limits: UserLimits | undefined) {
    this.#owners.limits = limits;
  }

  /** For observers of rings and shards. Must be called before the first event. */
  sampler(): Sampler {
    return new Sampler(this.#lanes, this.users.indices);
  }

  /** Nothing is in a ring, and no transfer is owed its second half: one that was decided a moment ago, either. */
  get areRingsEmpty(): boolean {
    this.collect();
    return this.#transfers.owed === 0 && this.#lanes.every(lane => lane.ring.depth === 0);
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

  #refuseUser(why: number, lane: Lane, hash: number): Outcome | NoRoom {
    if (why === LIMITED) return this.refuse(Outcome.rateLimited);
    return why === FULL ? this.refuse(Outcome.tooManyUsers) : this.#refuseBusy(lane, hash);
  }

  #refuseBusy(lane: Lane, hash: number): Outcome | NoRoom {
    // The events that fill the ring may not have been published yet.
    lane.publish();
    this.stalledHash = hash;
    if (this.#waits && lane.isFull) return this.#owners.comesAgain();
    return this.refuse(lane.isDiskFull ? Outcome.diskFull : Outcome.serverBusy);
  }
}
