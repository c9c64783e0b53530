/**
 * The life cycle of the worker threads: start, detection of a death, replacement, join.
 *
 * Balances and rings outlive a worker: they are the engine's memory. A new worker undoes the unfinished run of the
 * dead one, and continues from there.
 */
import type { Worker } from 'node:worker_threads';
import { type RestartPolicy, Supervisor } from '../threads/supervisor.ts';
import { createThread } from '../threads/thread.ts';
import { laneOf, shapeOf } from './memory-layout.ts';
import type { Recording } from './recording.ts';
import { Word } from './words.ts';
import type { WorkerMessage, WorkerStart } from './worker.ts';

const RESTART: RestartPolicy = { healthyMs: 0, firstMs: 40, maxMs: 5_000 };

export interface WorkerEvents {
  /** The worker is attached, or has made the progress that a message was requested for. */
  onProgress(worker: number): void;
  onDeath(worker: number, reason: string): void;
  onReplaced(worker: number): void;
  /** Its journal can't be written. */
  onFailed?(worker: number, reason: string): void;
}

export class Workers {
  readonly #buffer: SharedArrayBuffer;
  readonly #events: WorkerEvents;
  readonly #recording: Recording | undefined;
  readonly #seats: Supervisor[];
  #onChange: () => void = () => {};

  constructor(buffer: SharedArrayBuffer, events: WorkerEvents, recording?: Recording) {
    this.#buffer = buffer;
    this.#recording = recording;
    this.#events = events;
    this.#seats = Array.from(
      { length: shapeOf(buffer).workers },
      (_, worker) =>
        new Supervisor(RESTART, {
          endReason: 'it was terminated',
          create: () => this.#create(worker),
          onDeath: reason => this.#died(worker, reason),
          onExit: () => this.#onChange(),
        }),
    );
  }

  get ready(): number {
    return this.#seats.filter(seat => seat.isReady).length;
  }

  get areAllReady(): boolean {
    return this.#seats.every(seat => seat.isReady);
  }

  /** For each worker: whether it is attached to the memory. */
  get areReady(): boolean[] {
    return this.#seats.map(seat => seat.isReady);
  }

  get deaths(): number {
    return this.#seats.reduce((sum, seat) => sum + seat.deaths, 0);
  }

  /** Starts all; resolves when every one has attached to the memory, rejects if one dies before it has. */
  async start(): Promise<void> {
    for (const seat of this.#seats) seat.start();
    await this.#until(() => {
      if (this.deaths > 0) throw new Error('a worker thread died while the server was starting');
      return this.areAllReady;
    });
  }

  /** Ends one thread at any point of its code (a debug request). */
  kill(worker: number): void {
    void this.#seats[worker]?.thread?.terminate();
  }

  /** Resolves when every worker has exited; their `stop` words must have been set. */
  async join(): Promise<void> {
    for (const seat of this.#seats) seat.end();
    await this.#until(() => this.#seats.every(seat => seat.thread === undefined));
  }

  /** Ends all threads at any point of their code. */
  terminate(): void {
    for (const seat of this.#seats) {
      seat.end();
      void seat.thread?.terminate();
    }
  }

  #create(worker: number): Worker {
    const start: WorkerStart = { buffer: this.#buffer, worker };
    const module = this.#recording?.workerModule ?? new URL('./worker-thread', import.meta.url);
    const thread = createThread(module, {
      workerData: { ...start, ...this.#recording?.workerData(worker) },
      name: `tally-worker-${worker}`,
    });
    thread.on('message', (message: WorkerMessage) => {
      if (typeof message === 'object') {
        this.#events.onFailed?.(worker, message.failed);
        return;
      }
      if (message === 'ready') {
        const seat = this.#seats[worker]!;
        seat.ready();
        if (seat.deaths > 0) this.#events.onReplaced(worker);
        this.#onChange();
      }
      this.#events.onProgress(worker);
    });
    return thread;
  }

  #died(worker: number, reason: string): void {
    Atomics.store(laneOf(this.#buffer, shapeOf(this.#buffer), worker).words, Word.crash, 0);
    this.#events.onDeath(worker, reason);
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
