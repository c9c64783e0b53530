/**
 * The socket thread's side of the engine: where an event is accepted, and where its outcome is learned.
 *
 * Three moments are kept apart: *accepted*, the event is in the ring of its user's owner; *applied*, the owner's
 * head has passed it; *answered*, whoever asked has been told. Most events are never asked about and cost
 * nothing beyond the first. An ask (an event with `wait`, or the reading of a balance) goes through the same
 * ring, so its answer is exact for its place among the events; the worker leaves it in the lane's answers.
 */

import { Balances } from './balances.ts';
import { type Asker, Lane } from './lane.ts';
import { balancesOf, createMemory, laneOf, type WorkKind } from './memory-layout.ts';
import { Sample } from './sampler.ts';
import { balanceSlotsFor, Directory, NOBODY } from './user-table.ts';
import { type WorkerEvents, Workers } from './workers.ts';

export interface EngineOptions {
  workers: number;
  ringSlots: number;
  usersMax: number;
  workUs: number;
  workKind: WorkKind;
  /** Where the sequences start: tests start them just below where they wrap. */
  firstSequence?: number;
}

/** What became of an event that was handed in. */
export const Outcome = { accepted: 0, serverBusy: 1, tooManyUsers: 2 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
/** What became of one that was not handed in any more: counted behind the outcomes. */
const SHUTTING_DOWN = 3;

export interface Counts {
  received: number;
  processed: number;
  dropped: number;
  queued: number;
}

export class Engine {
  readonly directory: Directory;
  readonly workers: Workers;
  readonly #lanes: Lane[];
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #buffer: SharedArrayBuffer;
  /**
   * How often each outcome was. Doubles from the first event on: a property that counts past 2^31 becomes a number of
   * another kind there, and V8 throws away all the code that touches it, under full load.
   */
  readonly #outcomes = new Float64Array(SHUTTING_DOWN + 1);

  /** `names` is the memory in which the names of users will lie when events are handed in. */
  constructor(names: DataView, options: EngineOptions, events: Pick<WorkerEvents, 'onDeath' | 'onReplaced'>) {
    const { workers, usersMax, firstSequence = 0 } = options;
    const shape = { ...options, balanceSlots: balanceSlotsFor(usersMax) };
    this.#buffer = createMemory(shape, firstSequence);
    this.directory = new Directory(names, usersMax, workers);
    this.#lanes = Array.from(
      { length: workers },
      (_, worker) => new Lane(laneOf(this.#buffer, shape, worker)),
    );
    this.#balances = balancesOf(this.#buffer, shape);
    this.workers = new Workers(this.#buffer, {
      ...events,
      onProgress: worker => this.#lanes[worker]!.progressed(),
    });
  }

  /** Accepts or refuses an event. `amount` is signed and not 0. Workers see it after `publish`. */
  submit(at: number, bytes: number, hash: number, amount: number): Outcome {
    return this.#submit(at, bytes, hash, amount, undefined);
  }

  /** As `submit`; once the event was applied, `asker` learns the balance after it, or `OVERFLOWED`. */
  submitAsking(at: number, bytes: number, hash: number, amount: number, asker: Asker): Outcome {
    return this.#submit(at, bytes, hash, amount, asker);
  }

  /**
   * A balance as it is after everything accepted so far, if it is known: the user is new, or its owner has
   * nothing to do. Otherwise undefined, and `askBalance` finds out.
   */
  readBalance(at: number, bytes: number, hash: number): number | undefined {
    const user = this.directory.find(at, bytes, hash);
    if (user === NOBODY) return 0;
    // Settled: the head just read published everything that the owner has written.
    return this.#lanes[this.directory.workerOf(hash)]!.isSettled ? this.#balances[user] : undefined;
  }

  /** Asks the owner of a user that exists; false if its ring has no room to ask in (see `whenRoom`). */
  askBalance(at: number, bytes: number, hash: number, asker: Asker): boolean {
    return this.#lanes[this.directory.workerOf(hash)]!.tryAsk(this.directory.find(at, bytes, hash), 0, asker);
  }

  /** Calls back, once, when the ring of the owner of this hash may have room. */
  whenRoom(hash: number, retry: () => void): void {
    this.#lanes[this.directory.workerOf(hash)]!.whenRoom(retry);
  }

  /** Counts an event that is refused because the server is shutting down. */
  refuse(): void {
    this.#outcomes[SHUTTING_DOWN]! += 1;
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
      users: this.directory.users,
      users_max: this.directory.usersMax,
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
  sample(): Sample {
    return new Sample(this.#lanes, this.directory);
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
    for (const lane of this.#lanes) lane.stop();
    return this.workers.join();
  }

  /** Once no worker runs any more: counts what one of them had applied and not yet counted. */
  settle(): void {
    for (let worker = 0; worker < this.#lanes.length; worker++) Balances.settle(this.#buffer, worker);
  }

  /** Debug requests: workers take nothing from their rings; one dies where it is, or at its next event. */
  freeze(isFrozen: boolean): void {
    for (const lane of this.#lanes) lane.freeze(isFrozen);
  }

  crash(worker: number): void {
    this.#lanes[worker]?.crash();
  }

  get #outcomeCounts() {
    const counts = this.#outcomes;
    return {
      accepted: counts[Outcome.accepted]!,
      serverBusy: counts[Outcome.serverBusy]!,
      tooManyUsers: counts[Outcome.tooManyUsers]!,
      shuttingDown: counts[SHUTTING_DOWN]!,
    };
  }

  #submit(at: number, bytes: number, hash: number, amount: number, asker: Asker | undefined): Outcome {
    const lane = this.#lanes[this.directory.workerOf(hash)]!;
    let user = this.directory.find(at, bytes, hash);
    if (user === NOBODY) {
      if (this.directory.isFull) {
        this.#outcomes[Outcome.tooManyUsers]! += 1;
        return Outcome.tooManyUsers;
      }
      // Only an event that is accepted makes a user. Room that was seen stays: workers only make more.
      if (!lane.ring.hasRoom()) return this.#refuseBusy(lane);
      user = this.directory.add(at, bytes, hash);
    }
    const isIn = asker === undefined ? lane.tryPush(user, amount) : lane.tryAsk(user, amount, asker);
    if (!isIn) return this.#refuseBusy(lane);
    this.#outcomes[Outcome.accepted]! += 1;
    return Outcome.accepted;
  }
  #refuseBusy(lane: Lane): Outcome {
    this.#outcomes[Outcome.serverBusy]! += 1;
    // What fills the ring may not have been shown to the worker yet.
    lane.publish();
    return Outcome.serverBusy;
  }
}
