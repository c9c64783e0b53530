/**
 * What the engine needs of a journal, if there is one: it is then asked for room before an event is accepted, told the
 * names of new users, and the workers run in a module of its own.
 */

/** The socket thread's side of one lane. */
export interface LaneRecorder {
  /**
   * How many events may be pushed behind the sequence `tail`, if those from `head` on are still to be written.
   * Sequences of the ring.
   */
  roomBehind(head: number, tail: number): number;
  /** The last time there was no room, the disk had none either. */
  readonly isDiskFull: boolean;
  /** Whether a new user's name fits. */
  hasNameRoom(bytes: number, head: number): boolean;
  /** Tells the name of a new user, before its first event is pushed as `sequence`. */
  addName(sequence: number, index: number, from: DataView, at: number, bytes: number): void;
}

export interface Recording {
  /** One for each worker. */
  readonly lanes: readonly LaneRecorder[];
  /** The module of the worker threads, without its extension. */
  readonly workerModule: URL;
  /** What a worker is started with, besides what every worker is. */
  workerData(worker: number): object;
}

/** Writes events before they are applied; see runWorker. */
export interface RunWriter {
  /** The time of the events that were written last, ms; the same whenever they are read again. */
  readonly timeMs: number;
  /**
   * Writes events from the sequence `head` on, unless they are written already. Returns how many of the `available`
   * are: at least one. Throws if they can't be.
   */
  secure(head: number, available: number): number;
}
