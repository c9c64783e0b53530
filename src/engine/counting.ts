/**
 * What is counted about events: by the socket thread those that it refused, by the workers what became of the others.
 */
import { Outcome } from '../protocol/outcome.ts';
import type { Lane } from './lane.ts';
import type { Counts } from './options.ts';

type Elsewhere =
  | 'users'
  | 'users_max'
  | 'in_transit'
  | 'ids_max'
  | 'workers'
  | 'workers_ready'
  | 'worker_deaths';

export class Counting {
  readonly #lanes: readonly Lane[];
  /** Events by outcome, as the socket thread saw them. */
  readonly #outcomes: Float64Array;

  constructor(lanes: readonly Lane[], outcomes: Float64Array) {
    this.#lanes = lanes;
    this.#outcomes = outcomes;
  }

  /** `received = processed + dropped + queued`, at any moment. */
  counts(): Counts {
    const processed = this.#sum(lane => lane.decided('processed'));
    const notApplied = total(this.#notApplied()) + this.#idsFull;
    const accepted = this.#outcomes[Outcome.accepted]!;
    const refused = total(this.#refused());
    return {
      received: accepted + refused,
      processed,
      dropped: refused + notApplied,
      queued: accepted - processed - notApplied,
    };
  }

  /** With what is not counted here, in the order of the wire. */
  detail({ users, users_max, in_transit, ids_max, ...workers }: Record<Elsewhere, number>) {
    const refused = this.#refused();
    refused.server_busy += this.#idsFull;
    return {
      accepted: this.#outcomes[Outcome.accepted]!,
      refused: { ...refused, ...this.#notApplied() },
      users,
      users_max,
      in_transit,
      ids: this.#sum(lane => lane.ids),
      ids_max,
      ...workers,
      ring_slots: this.#lanes[0]!.ring.capacity,
      ring_depths: this.#lanes.map(lane => lane.ring.depth),
      parks: this.#sum(lane => lane.parks),
      naps: this.#sum(lane => lane.naps),
      late_wakes: this.#sum(lane => lane.lateWakes),
    };
  }

  /** Events that were refused before a worker saw them, by reason. */
  #refused() {
    const outcomes = this.#outcomes;
    return {
      server_busy: outcomes[Outcome.serverBusy]!,
      too_many_users: outcomes[Outcome.tooManyUsers]!,
      shutting_down: outcomes[Outcome.shuttingDown]!,
      disk_full: outcomes[Outcome.diskFull]!,
      rate_limited: outcomes[Outcome.rateLimited]!,
    };
  }

  /** Accepted events that their worker did not apply, by reason. */
  #notApplied() {
    return {
      balance_overflow: this.#sum(lane => lane.decided('overflowed')),
      insufficient_balance: this.#sum(lane => lane.decided('insufficient')),
      id_reused: this.#sum(lane => lane.decided('reused')),
      duplicate: this.#sum(lane => lane.decided('duplicate')),
    };
  }

  /** Events whose id had no room: their worker said `server_busy`. */
  get #idsFull(): number {
    return this.#sum(lane => lane.decided('idsFull'));
  }

  #sum(of: (lane: Lane) => number): number {
    let sum = 0;
    for (const lane of this.#lanes) sum += of(lane);
    return sum;
  }
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
