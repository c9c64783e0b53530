/**
 * What a node counts: the events of all nodes, as they are applied, and those of its own clients that it refused.
 */
import type { Counts } from '../engine/options.ts';
import { Outcome } from '../protocol/outcome.ts';
import { RECORD_BYTES_MAX } from './block.ts';
import { BLOCK_BYTES_MAX, type Machine } from './machine.ts';
import type { Outbox } from './outbox.ts';

/** Of the longest events, how many a block has room for at least. */
const BLOCK_EVENTS = Math.floor(BLOCK_BYTES_MAX / RECORD_BYTES_MAX);

export class NodeCounting {
  readonly #machine: Machine;
  readonly #outboxes: readonly Outbox[];
  /** Events that did not go into a block, by outcome. */
  readonly refused = new Float64Array(Outcome.rateLimited + 1);

  constructor(machine: Machine, outboxes: readonly Outbox[]) {
    this.#machine = machine;
    this.#outboxes = outboxes;
  }

  counts(): Counts {
    const { events, decided } = this.#machine;
    const refused = this.refused.reduce((sum, count) => sum + count, 0);
    const queued = this.#outboxes.reduce((sum, outbox) => sum + outbox.events, 0);
    return {
      received: events + refused + queued,
      processed: decided.processed,
      dropped: refused + this.#notApplied,
      queued,
    };
  }

  /** In the order of the wire. There are no rings and no workers: partitions stand in their place. */
  detail(partitionsReady: number) {
    const { users, inTransit, ids, constitution, parts, decided, tooManyUsers, events } = this.#machine;
    const { refused } = this;
    return {
      accepted: events,
      refused: {
        server_busy: refused[Outcome.serverBusy]! + decided.idsFull,
        too_many_users: refused[Outcome.tooManyUsers]! + tooManyUsers,
        shutting_down: refused[Outcome.shuttingDown]!,
        disk_full: 0,
        rate_limited: refused[Outcome.rateLimited]!,
        balance_overflow: decided.overflowed,
        insufficient_balance: decided.insufficient,
        id_reused: decided.reused,
        duplicate: decided.duplicate,
      },
      users: users.users,
      users_max: users.usersMax,
      in_transit: inTransit,
      ids,
      ids_max: constitution.idsMax,
      workers: parts.length,
      workers_ready: partitionsReady,
      worker_deaths: 0,
      ring_slots: BLOCK_EVENTS,
      ring_depths: this.#outboxes.map(outbox => outbox.events),
      parks: 0,
      naps: 0,
      late_wakes: 0,
    };
  }

  get #notApplied(): number {
    const { overflowed, insufficient, reused, duplicate, idsFull } = this.#machine.decided;
    return overflowed + insufficient + reused + duplicate + idsFull + this.#machine.tooManyUsers;
  }
}
