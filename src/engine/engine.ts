/**
 * The socket thread's side of the engine: where an event is accepted, and where its outcome is learned.
 *
 * Three moments are kept apart: *accepted*, the event is in the ring of its user's owner; *applied*, the owner's
 * head has passed it; *answered*, whoever asked has been told. Most events are never asked about and cost
 * nothing beyond the first. An ask (an event with `wait`, or the reading of a balance) goes through the same
 * ring, so its answer is exact for its place among the events; the worker leaves it in the lane's answers.
 */
import { Outcome } from '../protocol/outcome.ts';
import type { ParsedRequest } from '../protocol/request.ts';
import { Balances } from './balances.ts';
import { Experiments } from './experiments.ts';
import { Lane } from './lane.ts';
import { balancesOf, createMemory, laneOf, Word, type WorkKind } from './memory-layout.ts';
import type { Position } from './position.ts';
import { Sampler } from './sampler.ts';
import { balanceSlotsFor, type Name, NOBODY, UserTable } from './user-table.ts';
import { type WorkerEvents, Workers } from './workers.ts';

/** Named as the server's settings, so that these can be handed in as they are. */
export interface EngineOptions {
  workers: number;
  /** Slots of the ring before each worker; a power of two. */
  ring: number;
  /** Users at most. */
  users: number;
  workUs: number;
  work: WorkKind;
  /** Where the sequences start: tests start them just below where they wrap. */
  firstSequence?: number;
}

export interface Counts {
  received: number;
  processed: number;
  dropped: number;
  queued: number;
}

// A name of its own: what is imported is looked up, and checked, whenever it is used.
const accepted = Outcome.accepted;

export class Engine {
  readonly users: UserTable;
  readonly workers: Workers;
  readonly experiments: Experiments;
  readonly #lanes: Lane[];
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #buffer: SharedArrayBuffer;
  /**
   * How often each outcome was. Doubles from the first event on: a property that counts past 2^31 becomes a number of
   * another kind there, and V8 throws away all the code that touches it, under full load.
   */
  readonly #outcomes = new Float64Array(Outcome.balanceOverflow);

  /** `names` is the memory in which the names of users will lie when events are handed in. */
  constructor(names: DataView, options: EngineOptions, events: Pick<WorkerEvents, 'onDeath' | 'onReplaced'>) {
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
      (_, worker) => new Lane(laneOf(this.#buffer, shape, worker)),
    );
    this.#balances = balancesOf(this.#buffer, shape);
    this.workers = new Workers(this.#buffer, {
      ...events,
      onProgress: worker => this.#lanes[worker]!.progressed(),
    });
    this.experiments = new Experiments(this.#lanes, this.workers);
  }

  /** Accepts or refuses an event. Workers see it after `publish`. */
  submit(event: ParsedRequest): Outcome {
    const lane = this.#laneOf(event.hash);
    const user = this.#userOf(event, lane);
    if (user < 0) return user === FULL ? this.#refuse(Outcome.tooManyUsers) : this.#refuseBusy(lane);
    if (!lane.tryPush(user, event.amount)) return this.#refuseBusy(lane);
    this.#outcomes[accepted]! += 1;
    return accepted;
  }

  /** As `submit`, for an event whose balance is wanted: if it is accepted, the position that it got. */
  submitAsking(event: ParsedRequest): Position | Outcome {
    const lane = this.#laneOf(event.hash);
    const user = this.#userOf(event, lane);
    if (user < 0) return user === FULL ? this.#refuse(Outcome.tooManyUsers) : this.#refuseBusy(lane);
    const position = lane.tryAsk(user, event.amount);
    if (position === undefined) return this.#refuseBusy(lane);
    this.#outcomes[Outcome.accepted]! += 1;
    return position;
  }

  /**
   * A balance as it is after everything accepted so far, if it is known: the user is new, or its owner has
   * nothing to do. Otherwise undefined, and `askBalance` finds out.
   */
  readBalance(name: Name): number | undefined {
    const user = this.users.find(name);
    if (user === NOBODY) return 0;
    // Settled: the head just read published everything that the owner has written.
    return this.#laneOf(name.hash).isSettled ? this.#balances[user] : undefined;
  }

  /** Asks the owner of a user that exists; undefined if its ring has no room to ask in (see `whenRoom`). */
  askBalance(name: Name): Position | undefined {
    return this.#laneOf(name.hash).tryAsk(this.users.find(name), 0);
  }

  /** Calls back, once, when the ring of the owner of this hash may have room. */
  whenRoom(hash: number, retry: () => void): void {
    this.#laneOf(hash).whenRoom(retry);
  }

  /** Counts an event that comes too late, because the server is shutting down. */
  refuseLate(): Outcome {
    return this.#refuse(Outcome.shuttingDown);
  }

  /** Makes everything accepted visible to the workers, and wakes those that rest. */
  publish(): void {
    for (const lane of this.#lanes) lane.publish();
  }

  /** Answers whatever can be answered by now; cheap when nobody asked. */
  collect(): void {
    for (const lane of this.#lanes) lane.collect();
  }

  /** `received = processed + dropped + queued`, at any moment. */
  counts(): Counts {
    let processed = 0;
    let overflowed = 0;
    for (const lane of this.#lanes) {
      processed += lane.processed;
      overflowed += lane.overflowed;
    }
    const { accepted, serverBusy, tooManyUsers, shuttingDown } = this.#outcomeCounts;
    const refused = serverBusy + tooManyUsers + shuttingDown;
    return {
      received: accepted + refused,
      processed,
      dropped: refused + overflowed,
      queued: accepted - processed - overflowed,
    };
  }

  /** Whatever else is worth knowing. */
  detail() {
    const sum = (of: (lane: Lane) => number) => this.#lanes.reduce((total, lane) => total + of(lane), 0);
    const { accepted, serverBusy, tooManyUsers, shuttingDown } = this.#outcomeCounts;
    return {
      accepted,
      refused: {
        server_busy: serverBusy,
        too_many_users: tooManyUsers,
        shutting_down: shuttingDown,
        balance_overflow: sum(lane => lane.overflowed),
      },
      users: this.users.users,
      users_max: this.users.usersMax,
      workers: this.#lanes.length,
      workers_ready: this.workers.ready,
      worker_deaths: this.workers.deaths,
      ring_slots: this.#lanes[0]!.ring.capacity,
      ring_depths: this.#lanes.map(lane => lane.ring.depth),
      parks: sum(lane => lane.parks),
      naps: sum(lane => lane.naps),
      late_wakes: sum(lane => lane.lateWakes),
    };
  }

  /** For whoever wants to look at rings and shards; asked for before the first event, or never. */
  sampler(): Sampler {
    return new Sampler(this.#lanes, this.users);
  }

  get areRingsEmpty(): boolean {
    return this.#lanes.every(lane => lane.ring.depth === 0);
  }

  /** Starts the workers; resolves when all have attached. */
  start(): Promise<void> {
    return this.workers.start();
  }

  /** Has each worker leave when its ring is empty; resolves when all have. */
  stop(): Promise<void> {
    for (const lane of this.#lanes) lane.command(Word.stop, 1);
    return this.workers.join();
  }

  /** Once no worker runs any more: counts what one of them had applied and not yet counted. */
  settle(): void {
    for (let worker = 0; worker < this.#lanes.length; worker++) Balances.settle(this.#buffer, worker);
  }

  get #outcomeCounts() {
    const counts = this.#outcomes;
    return {
      accepted: counts[Outcome.accepted]!,
      serverBusy: counts[Outcome.serverBusy]!,
      tooManyUsers: counts[Outcome.tooManyUsers]!,
      shuttingDown: counts[Outcome.shuttingDown]!,
    };
  }

  #laneOf(hash: number): Lane {
    return this.#lanes[this.users.workerOf(hash)]!;
  }

  /** The user of an event; a new one is added, unless the table is `FULL` or the ring `BUSY`. */
  #userOf(event: ParsedRequest, lane: Lane): number {
    const user = this.users.find(event);
    if (user !== NOBODY) return user;
    if (this.users.isFull) return FULL;
    // Only an event that is accepted makes a user. Room that was seen stays: workers only make more.
    return lane.ring.hasRoom() ? this.users.add(event) : BUSY;
  }

  #refuse(outcome: Outcome): Outcome {
    this.#outcomes[outcome]! += 1;
    return outcome;
  }

  #refuseBusy(lane: Lane): Outcome {
    // What fills the ring may not have been shown to the worker yet.
    lane.publish();
    return this.#refuse(Outcome.serverBusy);
  }
}

/** Instead of a user: there can't be one. */
const BUSY = -1;
const FULL = -2;
