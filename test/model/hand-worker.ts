/**
 * A worker that moves only when it is told to: it stands where `Worker` of node:worker_threads would, so the engine
 * above it is the real one, with its seats, deaths and successors. What it does to the shared memory is done by the
 * engine's own `Consumer` and `Balances`; only the loop of worker.ts is taken apart here, because that one blocks.
 */
import { EventEmitter } from 'node:events';
import { Balances } from '../../src/engine/balances.ts';
import { type LaneMemory, laneOf, shapeOf } from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX, Word } from '../../src/engine/words.ts';
import type { WorkerStart } from '../../src/engine/worker.ts';

class Died extends Error {}

/** Dies before an event of a run is applied, or when all are, before the run is done. */
export class MortalConsumer extends Consumer {
  /** How many events it still lets be applied. */
  eventsLeft = Number.POSITIVE_INFINITY;

  override amountAt(sequence: number): number {
    if (this.eventsLeft === 0) throw new Died('died before an event');
    this.eventsLeft -= 1;
    return super.amountAt(sequence);
  }

  override release(head: number): void {
    if (this.eventsLeft === 0) throw new Died('died before the end of a run');
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

  readonly #worker: number;
  readonly #lane: LaneMemory;
  readonly #ring: MortalConsumer;
  readonly #balances: Balances;
  #wantedSeen: number;
  #isGone = false;

  constructor(_file: URL, { workerData }: { workerData: WorkerStart }) {
    super();
    const { buffer, worker } = workerData;
    this.#worker = worker;
    this.#lane = laneOf(buffer, shapeOf(buffer), worker);
    this.#ring = new MortalConsumer(this.#lane);
    this.#balances = new Balances(buffer, shapeOf(buffer), worker, this.#ring);
    this.#wantedSeen = (Atomics.load(this.#lane.words, Word.wanted) - 1) | 0;
    this.#balances.recover();
    HandWorker.atWork.set(worker, this);
    this.#send('ready');
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

  /** As the real one's. */
  terminate(): Promise<number> {
    this.#leave();
    return Promise.resolve(1);
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
