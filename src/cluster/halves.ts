/**
 * Sends the halves that partitions owe one another, until they are applied.
 *
 * Any node may send them. The one whose client waits for the transfer does it at once; the others when nothing has
 * happened for a while: then that node is probably gone. What is sent twice is passed over (chains.ts).
 */
import { Outcome } from '../protocol/outcome.ts';
import { Wants } from '../protocol/request.ts';
import { emptyRecord, RecordKind } from './block.ts';
import type { Chain, Owed } from './chains.ts';
import type { Machine } from './machine.ts';
import type { Outbox } from './outbox.ts';

/** After so long without progress, halves that others should have sent are sent, too; at random up to twice as long. */
const PATIENCE_MS = 1_500;
/** Of one chain in one block. */
const AT_ONCE = 1_000;
const NOBODY_ELSE = new Uint8Array(0);

/** What this node has sent of one chain. */
interface Sending {
  /** The own block that the last of them are in. */
  block: number;
  /** Since when nothing has passed. */
  sinceMs: number;
  passed: number;
}

export class Halves {
  readonly #machine: Machine;
  readonly #outboxes: readonly Outbox[];
  readonly #sendings = new Map<Chain, Sending>();
  readonly #record = emptyRecord();
  readonly #patienceMs: number;

  constructor(machine: Machine, outboxes: readonly Outbox[], random: () => number = Math.random) {
    this.#machine = machine;
    this.#outboxes = outboxes;
    this.#patienceMs = PATIENCE_MS * (1 + random());
  }

  /** Called after blocks were applied, and from time to time. */
  send(nowMs: number): void {
    const { credits, refunds } = this.#machine;
    for (const [kind, chains] of [
      [RecordKind.credit, credits],
      [RecordKind.refund, refunds],
    ] as const)
      for (const [source, row] of chains.entries())
        for (const [target, chain] of row.entries())
          if (chain.open.size > 0) this.#sendChain(kind, chain, source, this.#outboxes[target]!, nowMs);
          else if (this.#sendings.size > 0) this.#sendings.delete(chain);
  }

  #sendChain(kind: RecordKind, chain: Chain, source: number, outbox: Outbox, nowMs: number): void {
    const sending = this.#sendingOf(chain, nowMs);
    // What was sent is not applied yet.
    if (sending.block > outbox.applied) return;
    const isLate = nowMs - sending.sinceMs > this.#patienceMs;
    let until = 0;
    for (const [place, owed] of chain.open) if (isLate || owed.waiting.length > 0) until = place;
    let left = AT_ONCE;
    for (const [place, owed] of chain.open) {
      if (place > until || left === 0 || !outbox.hasRoom) break;
      left -= 1;
      this.#add(kind, owed, source, place, outbox);
      sending.block = outbox.number;
    }
    if (isLate) sending.sinceMs = nowMs;
  }

  #sendingOf(chain: Chain, nowMs: number): Sending {
    let sending = this.#sendings.get(chain);
    if (sending === undefined) {
      sending = { block: 0, sinceMs: nowMs, passed: chain.passed };
      this.#sendings.set(chain, sending);
    } else if (sending.passed !== chain.passed) {
      sending.passed = chain.passed;
      sending.sinceMs = nowMs;
    }
    return sending;
  }

  #add(kind: RecordKind, owed: Owed, source: number, place: number, outbox: Outbox): void {
    const { amount, from, to, id, number, reason } = owed;
    const isRefund = kind === RecordKind.refund;
    const record = this.#record;
    const party = isRefund ? from : to;
    record.kind = kind;
    record.amount = amount;
    record.wants = id === undefined ? 0 : Wants.id;
    if (id !== undefined) record.id.set(id);
    record.nameBytes = party.name.length;
    record.hash = party.hash;
    record.to.hash = isRefund ? 0 : from.hash;
    record.source = source;
    record.chain = place;
    record.number = number;
    record.reason = isRefund ? reason : Outcome.accepted;
    outbox.writer.addHalf(record, party.name, isRefund ? NOBODY_ELSE : from.name);
  }
}
