/** A node as it is seen: what it says of itself, and how that has changed. Pure: replies in, figures out. */

/** `joining`: it runs, and does not listen yet; `degraded`: it listens, and nothing can be stored; `silent`: no answer. */
export type State = 'down' | 'joining' | 'up' | 'degraded' | 'draining' | 'silent';

export interface Figures {
  /** Events of its clients, in blocks. */
  readonly sent: number;
  /** Events of all nodes, applied by it. */
  readonly applied: number;
  /** Blocks that are in the streams and not applied by it. */
  readonly lag: number;
  readonly underWay: number;
  readonly stored: number;
  readonly ackMs: number;
  readonly makesSnapshots: boolean;
  /** Of the newest snapshot; undefined: there is none. */
  readonly snapshotAgeMs: number | undefined;
}

export interface Rates {
  readonly sentPerS: number;
  readonly appliedPerS: number;
  /** From sending a block to its acknowledgement; undefined: there was none. */
  readonly ackMs: number | undefined;
}

export interface NodeLook {
  readonly state: State;
  /** By `performance.now()`. */
  readonly atMs: number;
  readonly figures: Figures | undefined;
  readonly rates: Rates | undefined;
}

/** A node counts acknowledgements once a second. */
const RATES_MS_MIN = 1_500;

/** Undefined if that is not what a node of a cluster says. `history`: what was seen before, the oldest first. */
export function readNode(
  health: string,
  metrics: string,
  history: readonly NodeLook[],
  atMs = performance.now(),
): NodeLook | undefined {
  const state = STATES.get(health.trimEnd());
  const figures = figuresOf(metrics);
  if (state === undefined || figures === undefined) return undefined;
  const before = history.filter(look => atMs - look.atMs >= RATES_MS_MIN).at(-1);
  const rates = before?.figures && ratesOf(before.figures, figures, atMs - before.atMs);
  return { state, atMs, figures, rates };
}

const STATES = new Map<string, State>([
  ['{"status":"ok"}', 'up'],
  ['{"status":"degraded"}', 'degraded'],
  ['{"status":"draining"}', 'draining'],
]);

interface Said {
  readonly processed: number;
  readonly cluster?: {
    readonly lags: readonly number[];
    readonly blocks_under_way: number;
    readonly blocks_stored: number;
    readonly events_sent: number;
    readonly ack_ms: number;
    readonly snapshot_age_ms: number;
    readonly makes_snapshots: number;
  };
}

function figuresOf(metrics: string): Figures | undefined {
  const { processed, cluster } = JSON.parse(metrics) as Said;
  if (cluster === undefined) return undefined;
  return {
    sent: cluster.events_sent,
    applied: processed,
    lag: cluster.lags.reduce((sum, lag) => sum + lag, 0),
    underWay: cluster.blocks_under_way,
    stored: cluster.blocks_stored,
    ackMs: cluster.ack_ms,
    makesSnapshots: cluster.makes_snapshots === 1,
    snapshotAgeMs: cluster.snapshot_age_ms < 0 ? undefined : cluster.snapshot_age_ms,
  };
}

function ratesOf(before: Figures, now: Figures, elapsedMs: number): Rates {
  const perS = (grown: number) => (1_000 * grown) / elapsedMs;
  const stored = now.stored - before.stored;
  return {
    sentPerS: perS(now.sent - before.sent),
    appliedPerS: perS(now.applied - before.applied),
    ackMs: stored > 0 ? (now.ackMs - before.ackMs) / stored : undefined,
  };
}
