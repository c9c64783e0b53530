/** The times without a server, as its clients saw them. */

/** From the loss of the last open connection to the next reply, in ms since the measurement began. */
export interface Outage {
  fromMs: number;
  /** Infinite: no reply came any more. */
  untilMs: number;
}

/** When all threads were without a server. */
export function commonOutages([first = [], ...others]: readonly (readonly Outage[])[]): Outage[] {
  return others.reduce<Outage[]>((common, next) => common.flatMap(one => overlaps(one, next)), [...first]);
}

function overlaps(one: Outage, others: readonly Outage[]): Outage[] {
  return others
    .map(other => ({
      fromMs: Math.max(one.fromMs, other.fromMs),
      untilMs: Math.min(one.untilMs, other.untilMs),
    }))
    .filter(({ fromMs, untilMs }) => fromMs < untilMs);
}
