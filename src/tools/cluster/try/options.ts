/** The flags of `tally cluster try`. */
import { orNearest } from '../../../cli/terminal/nearest.ts';
import { readDurationMs } from '../../../cli/terminal/numbers.ts';
import { quoteIfNeeded } from '../../../cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../../cli/terminal/usage.ts';

/** What a script may have killed. */
export const VICTIMS = ['node', 'nats-leader'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface TryOptions {
  /** How long the load goes on; undefined: until somebody ends it. */
  readonly loadMs: number | undefined;
  /** Killed one after the other, and brought back. */
  readonly kills: readonly Victim[];
  readonly http: boolean;
}

const OPTIONS = {
  seconds: { type: 'string' },
  kill: { type: 'string', multiple: true },
  http: { type: 'boolean' },
} as const;
/** Where something is to be killed, and nothing is said about the time. */
const LOAD_MS = 10_000;
const LOAD_MS_MAX = 24 * 3_600_000;

export function readOptions(args: string[]): TryOptions {
  const { values, positionals } = readArgs('cluster try', args, OPTIONS);
  if (positionals.length > 0)
    throw new UsageError(`${quoteIfNeeded(positionals[0]!)} is too much: tally cluster try takes flags only`);
  const kills = (values.kill ?? []).map(victimOf);
  const loadMs = values.seconds === undefined ? undefined : readDurationMs(values.seconds);
  if (values.seconds !== undefined && (loadMs === undefined || loadMs < 1 || loadMs > LOAD_MS_MAX))
    throw new UsageError(
      `--seconds ${quoteIfNeeded(values.seconds)} is not a time, such as 10; a day is the most`,
    );
  return { loadMs: loadMs ?? (kills.length > 0 ? LOAD_MS : undefined), kills, http: values.http === true };
}

function victimOf(name: string): Victim {
  const victim = VICTIMS.find(each => each === name);
  if (victim === undefined)
    throw new UsageError(
      `--kill ${quoteIfNeeded(name)} is neither node nor nats-leader${orNearest(name, VICTIMS)}`,
    );
  return victim;
}
