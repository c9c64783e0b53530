/** The load of a race. Both servers get the same. */
export interface RaceLoad {
  /** Lines a second of an open loop; undefined: a closed loop, as fast as it gets. */
  ratePerS: number | undefined;
  connections: number;
  /** Lines that a connection may have under way. */
  pipeline: number;
  users: number;
  /** Events are answered when they were applied. */
  waits: boolean;
  workUs: number;
  windowUs: number;
  workers: number;
  /** Events that fit into the queue of a worker. */
  queue: number;
  seed: number;
  /** How long each server is under load, all laps together. */
  durationMs: number;
  laps: number;
}
