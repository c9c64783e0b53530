/**
 * The worker threads' lives: started, noticed when they die, replaced, joined.
 *
 * The balances and rings outlive a worker: they are the engine's memory. A new one takes back the run that the dead
 * one had not finished, and goes on there.
 */
import type { Worker } from 'node:worker_threads';
import { createThread } from '../threads/thread.ts';
import { laneOf, shapeOf, Word } from './memory-layout.ts';
import type { WorkerMessage, WorkerStart } from './worker.ts';

/** A worker that dies at once, again and again, is started again ever more slowly. */
const RESTART_MS_MIN = 20;
const RESTART_MS_MAX = 5_000;
const HEALTHY_AFTER_MS = 100;

export interface WorkerEvents {
  /** The worker is attached, or has come further since somebody wanted to hear of it. */
  onProgress(worker: number): void;
  onDeath(worker: number, reason: string): void;
  onReplaced(worker: number): void;
}

interface Seat {
  thread: Worker | undefined;
  isReady: boolean;
  readyAtMs: number;
  restartMs: number;
  restart: NodeJS.Timeout | undefined;
  deaths: number;
}

export class Workers {
  readonly #buffer: SharedArrayBuffer;
  readonly #events: WorkerEvents;
  readonly #seats: Seat[];
  #isStopping = false;
  #onChange: () => void = () => {};

  constructor(buffer: SharedArrayBuffer, events: WorkerEvents) {
    this.#buffer = buffer;
    this.#events = events;
    this.#seats = Array.from({ length: shapeOf(buffer).workers }, () => ({
      thread: undefined,
      isReady: false,
      readyAtMs: 0,
      restartMs: RESTART_MS_MIN,
      restart: undefined,
      deaths: 0,
    }));
  }

  get ready(): number {
    return this.#seats.filter(seat => seat.isReady).length;
  }

  get areAllReady(): boolean {
    return this.#seats.every(seat => seat.isReady);
  }

  /** Of each worker, whether it is attached and working. */
  get areReady(): boolean[] {
    return this.#seats.map(seat => seat.isReady);
  }

  get deaths(): number {
    return this.#seats.reduce((sum, seat) => sum + seat.deaths, 0);
  }

  /** Starts all; resolves when every one has attached to the memory, rejects if one dies before that. */
  async start(): Promise<void> {
    for (let worker = 0; worker < this.#seats.length; worker++) this.#spawn(worker);
    await this.#until(() => {
      if (this.deaths > 0) throw new Error('a worker thread died while the server was starting');
      return this.areAllReady;
    });
  }

  /** Ends one thread wherever it is (a debug request). */
  kill(worker: number): void {
    void this.#seats[worker]?.thread?.terminate();
  }

  /** Each leaves when its ring is empty; the words must have been set. Resolves when none is left. */
  async join(): Promise<void> {
    this.#isStopping = true;
    for (const seat of this.#seats) clearTimeout(seat.restart);
    await this.#until(() => this.#seats.every(seat => seat.thread === undefined));
  }

  /** Ends all threads wherever they are. */
  terminate(): void {
    this.#isStopping = true;
    for (const seat of this.#seats) {
      clearTimeout(seat.restart);
      void seat.thread?.terminate();
    }
  }

  #spawn(worker: number): void {
    const seat = this.#seats[worker]!;
    const start: WorkerStart = { buffer: this.#buffer, worker };
    const thread = createThread(new URL('./worker', import.meta.url), {
      workerData: start,
      name: `tally-worker-${worker}`,
    });
    seat.thread = thread;
    let reason = 'it was terminated';
    thread.on('message', (message: WorkerMessage) => {
      if (message === 'ready') {
        seat.isReady = true;
        seat.readyAtMs = performance.now();
        if (seat.deaths > 0) this.#events.onReplaced(worker);
        this.#onChange();
      }
      this.#events.onProgress(worker);
    });
    thread.on('error', error => {
      reason = error instanceof Error ? error.message : String(error);
    });
    thread.on('exit', () => {
      seat.thread = undefined;
      seat.isReady = false;
      if (!this.#isStopping) this.#replace(worker, reason);
      this.#onChange();
    });
  }

  #replace(worker: number, reason: string): void {
    const seat = this.#seats[worker]!;
    const wasHealthy = seat.readyAtMs > 0 && performance.now() - seat.readyAtMs > HEALTHY_AFTER_MS;
    seat.restartMs = wasHealthy ? RESTART_MS_MIN : Math.min(seat.restartMs * 2, RESTART_MS_MAX);
    seat.deaths += 1;
    seat.readyAtMs = 0;
    Atomics.store(laneOf(this.#buffer, shapeOf(this.#buffer), worker).words, Word.crash, 0);
    this.#events.onDeath(worker, reason);
    const restart = () => {
      try {
        this.#spawn(worker);
      } catch (error) {
        // The system gives no more threads now. Its ring keeps what it holds until there is one.
        this.#replace(worker, String(error));
      }
    };
    seat.restart = setTimeout(restart, wasHealthy ? 0 : seat.restartMs);
  }

  #until(isReached: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onChange = () => {
        try {
          if (isReached()) resolve();
        } catch (error) {
          reject(error);
        }
      };
      this.#onChange();
    });
  }
}
