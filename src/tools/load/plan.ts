/**
 * What a load run is: all that the threads need to know, as plain data that can be posted to them, and the defaults.
 * The command line makes one (options.ts), the benches make others.
 */

export type ProtocolName = 'tally' | 'redis';

/** A stretch of an open loop. The rate goes from the one to the other in a straight line; equal: it holds. */
export interface Stage {
  durationMs: number;
  fromPerS: number;
  toPerS: number;
}

/** Shares of the lines by kind. Any scale; they are compared with each other. */
export interface Mix {
  buy: number;
  sell: number;
  /** Buys that are answered when they were applied. */
  wait: number;
  /** From one user to another. */
  transfer: number;
  balance: number;
  metrics: number;
  health: number;
  /** Lines that no server may accept. */
  garbage: number;
}

export interface Work {
  users: number;
  userPrefix: string;
  skew: 'uniform' | 'zipf';
  /** Of the Zipf law: 1 is the classical one; 0 would be uniform. */
  zipfExponent: number;
  mix: Mix;
  /** Every event's amount: one number, so that money lost can be told in events. */
  amount: number;
  /** Sales and transfers are to leave no less; undefined: whatever they leave. */
  min: number | undefined;
  /** Every event has an id of its own, so that it may be sent again. */
  ids: boolean;
  /** Lines of a file, instead of all of the above. */
  replayFile: string | undefined;
}

/** How an open loop waits for the next line's time: with a core of its own, or with timers of 1 ms. */
export type Pace = 'precise' | 'thrifty';

/** The server under load, where the run starts it itself: killed in the midst, and started again. */
export interface OwnServer {
  /** For a shell; it learns its port from PORT, or from `{port}`. */
  command: string;
  /** Until the first kill, and from each time that it listens again to the next; undefined: it is not killed. */
  killEveryMs: number | undefined;
  /** For it to listen, at first and after each kill. */
  startMs: number;
}

export interface LoadPlan {
  host: string;
  port: number;
  tls: boolean;
  protocol: ProtocolName;
  connections: number;
  /** Lines that a connection may have under way. */
  pipeline: number;
  threads: number;
  /** Given: an open loop. */
  stages: Stage[] | undefined;
  /** At least one of these two is given; whichever is reached first ends the run. */
  durationMs: number | undefined;
  events: number | undefined;
  /** Sent before the measurement begins; counted in the money, in nothing else. */
  warmupMs: number;
  /** How long to wait for replies when nothing more is sent. */
  graceMs: number;
  connectMs: number;
  /** Undefined: the server is there already. */
  server: OwnServer | undefined;
  /** Connections that are lost are opened again, with growing pauses. */
  reconnect: boolean;
  pace: Pace;
  seed: number;
  work: Work;
  checkBalances: boolean;
}

export const DEFAULT_WORK: Work = {
  users: 10_000,
  userPrefix: 'u',
  skew: 'uniform',
  zipfExponent: 1,
  mix: { buy: 1, sell: 0, wait: 0, transfer: 0, balance: 0, metrics: 0, health: 0, garbage: 0 },
  amount: 50,
  min: undefined,
  ids: false,
  replayFile: undefined,
};

export const DEFAULT_PLAN: Omit<LoadPlan, 'port'> = {
  host: '127.0.0.1',
  tls: false,
  protocol: 'tally',
  connections: 50,
  pipeline: 1,
  threads: 1,
  stages: undefined,
  durationMs: 10_000,
  events: undefined,
  warmupMs: 0,
  graceMs: 5_000,
  connectMs: 5_000,
  server: undefined,
  reconnect: false,
  pace: 'precise',
  seed: 1,
  work: DEFAULT_WORK,
  checkBalances: false,
};
