/**
 * The events that were refused, by reason, as the metrics have them.
 */
import { Outcome } from '../protocol/outcome.ts';

/** `outcomes`: the number of events by outcome. */
export function refusedOf(outcomes: Float64Array) {
  return {
    server_busy: outcomes[Outcome.serverBusy]!,
    too_many_users: outcomes[Outcome.tooManyUsers]!,
    shutting_down: outcomes[Outcome.shuttingDown]!,
    disk_full: outcomes[Outcome.diskFull]!,
  };
}
