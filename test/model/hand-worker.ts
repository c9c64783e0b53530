/**
 * A worker that moves only when it is told to: it stands where `Worker` of node:worker_threads would, so the engine
 * above it is the real one, with its seats, deaths and successors. What it does to the shared memory is done by the
 * engine's own `Consumer` and `Balances`; only the loop of worker.ts is taken apart here, because that one blocks.
 */
import { EventEmitter } from 'node:events';
import { Balances } from '../../src/engine/balances.ts';
import { balancesOf, type LaneMemory, laneOf, shapeOf } from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX, Word } from '../../src/engine/words.ts';
import type { WorkerStart } from '../../src/engine/worker.ts';

class Died extends Error {}

/**
 * Dies before an event of a run is applied, or when all are, before the run is done; or at a look at one of its slots:
 * whoever saves, decides or takes back a run looks at each of them.
 */
export class MortalConsumer extends Consumer {
  /** How many events it still lets be applied. */
  eventsLeft = Number.POSITIVE_INFINITY;
  looksLeft = Number.POSITIVE_INFINITY;

  override wordAt(sequence: number): number {
    if (this.looksLeft === 0) throw new Died('died at a look');
    this.looksLeft -= 1;
    return super.wordAt(sequence);
  }

  override amountAt(sequence: number): number {
    if (this.eventsLeft === 0) throw new Died('died before an event');
    this.eventsLeft -= 1;
    return super.amountAt(sequence);
  }

  override release(head: number): void {
    if (this.eventsLeft === 0 || this.looksLeft === 0) throw new Died('died before the end of a run');
    super.release(head);
  }
}

/** Runs what may die; true if it died. */
export function dies(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof Died) return true;
    throw error;
  }
}

export class HandWorker extends EventEmitter {
  /** Those at work, by the number of their lane. */
  static readonly atWork = new Map<number, HandWorker>();
  /** How long a message is under way. It is lost if its sender dies meanwhile. */
  static mailMs = 0;
  static mailUnderWay = 0;
  /** What all of them have for the time of their events, ms. */
  static clock: () => number = Date.now;

  readonly #worker: number;
  readonly #buffer: SharedArrayBuffer;
  readonly #lane: LaneMemory;
  #ring: MortalConsumer;
  #balances: Balances;
  #wantedSeen: number;
  #isGone = false;

  constructor(_file: URL, { workerData }: { workerData: WorkerStart }) {
    super();
    const { buffer, worker } = workerData;
    this.#worker = worker;
    this.#buffer = buffer;
    this.#lane = laneOf(buffer, shapeOf(buffer), worker);
    [this.#ring, this.#balances] = this.#takeUp();
    this.#wantedSeen = (Atomics.load(this.#lane.words, Word.wanted) - 1) | 0;
    this.#balances.recover();
    HandWorker.atWork.set(worker, this);
    this.#send('ready');
  }

  /** The balances of all users, by index. */
  get balances(): Float64Array {
    return balancesOf(this.#buffer, shapeOf(this.#buffer));
  }

  /** How many events it sees in its ring. */
  get available(): number {
    return this.#ring.available();
  }

  /** How many ids it remembers. */
  get ids(): number {
    const { words } = this.#lane;
    return (Atomics.load(words, Word.idsTail) - Atomics.load(words, Word.idsHead)) | 0;
  }

  /** Applies a run of at most `most` events; returns how many it applied. Leaves if it shall, and there are none. */
  work(most: number): number {
    const { words } = this.#lane;
    const available = this.#ring.available();
    if (available === 0) {
      if (Atomics.load(words, Word.stop) === 1) this.#leave();
      return 0;
    }
    const count = Math.min(available, most, RUN_EVENTS_MAX);
    const isAsked = this.#balances.applyRun(count);
    const wanted = Atomics.load(words, Word.wanted);
    if (isAsked || wanted !== this.#wantedSeen) {
      this.#wantedSeen = wanted;
      const rung = Atomics.load(words, Word.messages);
      if (rung === Atomics.load(words, Word.acknowledged)) {
        Atomics.store(words, Word.messages, (rung + 1) | 0);
        this.#send('progress');
      }
    }
    return count;
  }

  /** Begins a run of all there is, and dies within it, so many events in; at rest if there are fewer. */
  die(eventsIn: number): void {
    const count = Math.min(this.#ring.available(), RUN_EVENTS_MAX);
    if (count > 0 && count >= eventsIn) {
      this.#ring.eventsLeft = eventsIn;
      dies(() => this.#balances.applyRun(count));
    }
    this.#leave();
  }

  /**
   * Begins a run of at most `most`, dies after so many looks at its slots, and is succeeded at once. So is each successor
   * that dies after so many looks while it takes back. Returns how many events it had applied: all of the run, or none.
   */
  dieAndGoOn(most: number, looks: number, looksOfSuccessors: readonly number[]): number {
    const count = Math.min(this.#ring.available(), most, RUN_EVENTS_MAX);
    this.#ring.looksLeft = looks;
    const hasDied = count === 0 || dies(() => void this.#balances.applyRun(count));
    for (const looksLeft of [...looksOfSuccessors, Number.POSITIVE_INFINITY]) {
      [this.#ring, this.#balances] = this.#takeUp();
      this.#ring.looksLeft = looksLeft;
      dies(() => this.#balances.recover());
    }
    // It says that it is there, and with it what the one before had no time to say.
    this.#send('progress');
    return hasDied ? 0 : count;
  }

  /** As the real one's. */
  terminate(): Promise<number> {
    this.#leave();
    return Promise.resolve(1);
  }

  #takeUp(): [MortalConsumer, Balances] {
    const ring = new MortalConsumer(this.#lane);
    const clock = () => HandWorker.clock();
    return [ring, new Balances(this.#buffer, shapeOf(this.#buffer), this.#worker, ring, clock)];
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (HandWorker.atWork.get(this.#worker) === this) HandWorker.atWork.delete(this.#worker);
    setImmediate(() => this.emit('exit', 1));
  }

  /** A message is never there at once. */
  #send(message: 'ready' | 'progress'): void {
    HandWorker.mailUnderWay += 1;
    const arrive = () => {
      HandWorker.mailUnderWay -= 1;
      if (!this.#isGone) this.emit('message', message);
    };
    if (message === 'ready' || HandWorker.mailMs === 0) setImmediate(arrive);
    else setTimeout(arrive, HandWorker.mailMs);
  }
}
