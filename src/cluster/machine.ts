/**
 * What all nodes agree on: users, balances, ids and transfers, as the blocks of all partitions make them.
 *
 * It is a replicated state machine (Schneider, https://doi.org/10.1145/98163.98167): whatever is decided follows from
 * the blocks and the order in which they lie in the stream of their partition, and from nothing else: no clock, no
 * setting of a node, and not from how the partitions are interleaved. So what counts, counts by partition: users, ids,
 * chains. The state that a snapshot is made of is folded by the same code (see archivist.ts).
 */
import { BALANCE_MAX, type Decided, decide, OVERFLOWED, outcomeOf, refusal } from '../engine/deciding.ts';
import { EXTRA_BYTES, ExtraKind, putExtra } from '../engine/extra.ts';
import { balanceSlotsFor } from '../engine/user-indices.ts';
import { NOBODY, UserTable } from '../engine/user-table.ts';
import { Outcome } from '../protocol/outcome.ts';
import { Wants } from '../protocol/request.ts';
import { BlockError, BlockReader, type BlockRecord, type NameAt, RecordKind, SLACK_BYTES } from './block.ts';
import { type Chain, chainsFor, type Owed, type Party } from './chains.ts';
import type { Constitution, Stored } from './messages.ts';
import { isNew, newPart, type Part } from './part.ts';
import { NOBODY_WAITS, type Waiting } from './waiting.ts';

/** Where blocks lie while they are applied; before them there is room for a name that is looked up. */
const BLOCK_AT = 512;
/** What NATS takes by default, less what comes with a message. */
export const BLOCK_BYTES_MAX = 2 ** 20 - 2 ** 12;

const TOO_MANY = refusal(Outcome.tooManyUsers);
const NO_ID = new Int32Array(4);

export class Machine {
  readonly constitution: Constitution;
  readonly users: UserTable;
  readonly balances: Float64Array;
  readonly parts: readonly Part[];
  /** From each partition to each: second halves, and what goes back. */
  readonly credits: readonly (readonly Chain[])[];
  readonly refunds: readonly (readonly Chain[])[];
  /** Events that were decided since `beginCounting`; these counts are no part of the state. */
  events = 0;
  tooManyUsers = 0;
  readonly decided: Decided = {
    ...{ processed: 0, overflowed: 0, insufficient: 0 },
    ...{ reused: 0, duplicate: 0, idsFull: 0 },
  };
  /** By user and id, transfers that are not over: their repeats wait for the end. */
  readonly #openIds = new Map<string, Owed>();
  readonly #usersMax: number;
  readonly names = Buffer.allocUnsafeSlow(BLOCK_AT + BLOCK_BYTES_MAX + SLACK_BYTES);
  readonly #view: DataView;
  /** A name that is looked up, at the beginning of `names`. */
  readonly #found = { nameAt: 0, nameBytes: 0, hash: 0 };
  readonly #reader = new BlockReader(this.names);
  readonly #extra: { words: Int32Array; floats: Float64Array };

  constructor(constitution: Constitution) {
    const { users, partitions, idsMax, idsMs } = constitution;
    this.constitution = constitution;
    const { buffer, byteOffset, byteLength } = this.names;
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.users = new UserTable(this.#view, users, partitions);
    this.balances = new Float64Array(balanceSlotsFor(users));
    this.#usersMax = Math.floor(users / partitions);
    this.parts = Array.from({ length: partitions }, () => newPart(Math.floor(idsMax / partitions), idsMs));
    this.credits = chainsFor(partitions);
    this.refunds = chainsFor(partitions);
    const bytes = new ArrayBuffer(EXTRA_BYTES);
    this.#extra = { words: new Int32Array(bytes), floats: new Float64Array(bytes) };
  }

  beginCounting(): void {
    this.events = 0;
    this.tooManyUsers = 0;
    for (const count of Object.keys(this.decided) as (keyof Decided)[]) this.decided[count] = 0;
  }

  partitionOf(hash: number): number {
    return this.users.workerOf(hash);
  }

  /** The index of a user whose name lies in other memory, with 3 bytes behind it that can be read; or `NOBODY`. */
  find({ nameAt, nameBytes, hash }: NameAt, names: DataView): number {
    const view = this.#view;
    for (let byte = 0; byte < nameBytes; byte += 4)
      view.setInt32(byte, names.getInt32(nameAt + byte, true), true);
    const found = this.#found;
    found.nameBytes = nameBytes;
    found.hash = hash;
    return this.users.find(found);
  }

  /** What transfers have taken and not yet given. */
  get inTransit(): number {
    return Number(this.parts.reduce((sum, part) => sum + part.inTransit, 0n));
  }

  get ids(): number {
    return this.parts.reduce((sum, { ids }) => sum + ids.count, 0);
  }

  /**
   * Applies the next block of a partition. `waitingFor` is asked, if the block is not a repeat, who waits for its
   * records, in their order. Throws `BlockError`: no node can go on.
   */
  apply(
    stored: Stored,
    waitingFor?: (node: string, epoch: number, number: number) => readonly Waiting[],
  ): void {
    const { partition, sequence, timeMs, bytes } = stored;
    const part = this.parts[partition]!;
    // A consumer that was made anew may begin with what was there.
    if (sequence <= part.sequence) return;
    if (bytes.length > BLOCK_BYTES_MAX) throw new BlockError(`it has ${bytes.length} bytes`);
    this.names.set(bytes, BLOCK_AT);
    const { node, epoch, number, records } = this.#reader.open(BLOCK_AT, bytes.length);
    part.sequence = sequence;
    part.timeMs = Math.max(part.timeMs, timeMs);
    if (!isNew(part, `${node}/${epoch}`, number)) return;
    part.ids.forget(Math.max(part.timeMs, part.ids.lastMs));
    const waiting = waitingFor?.(node, epoch, number) ?? NOBODY_WAITS;
    let next = 0;
    for (let record = 0; record < records; record++) {
      const waits = waiting[next]?.record === record ? waiting[next++] : undefined;
      this.#record(part, partition, this.#reader.next(), waits);
    }
  }

  /** After a snapshot was restored: the ids of transfers that are not over. */
  noteOpenIds(): void {
    for (const chains of [this.credits, this.refunds])
      for (const row of chains)
        for (const { open } of row)
          for (const owed of open.values())
            if (owed.id !== undefined) this.#openIds.set(keyOf(this.indexOf(owed.from), owed.id), owed);
  }

  #record(part: Part, partition: number, record: BlockRecord, waits: Waiting | undefined): void {
    switch (record.kind) {
      case RecordKind.event: {
        const answer = this.#event(part, record);
        waits?.decided(answer);
        return;
      }
      case RecordKind.transfer:
        this.#transfer(part, partition, record, waits);
        return;
      case RecordKind.credit:
        this.#credit(part, partition, record);
        return;
      case RecordKind.refund:
        this.#refund(part, partition, record);
        return;
      case RecordKind.mark:
        waits?.decided(0);
    }
  }

  #event(part: Part, record: BlockRecord): number {
    this.events += 1;
    const user = this.#userOf(part, record);
    if (user === NOBODY) return this.#tooMany();
    const { amount, wants } = record;
    if ((wants & (Wants.id | Wants.min)) !== 0)
      return this.#decide(part, user, record, ExtraKind.event, 0, 0);
    const sum = this.balances[user]! + amount;
    if (sum > BALANCE_MAX || sum < -BALANCE_MAX) {
      this.decided.overflowed += 1;
      return OVERFLOWED;
    }
    this.decided.processed += 1;
    this.balances[user] = sum;
    return sum;
  }

  #transfer(part: Part, partition: number, record: BlockRecord, waits: Waiting | undefined): void {
    this.events += 1;
    const { to } = record;
    const toPartition = this.partitionOf(to.hash);
    const isWithin = toPartition === partition;
    const from = this.users.find(record);
    const needed = Number(from === NOBODY) + Number(isWithin && this.users.find(to) === NOBODY);
    if (part.users + needed > this.#usersMax) {
      const answer = this.#tooMany();
      waits?.decided(answer);
      return;
    }
    const user = this.#userOf(part, record);
    if (isWithin) {
      const other = this.#userOf(part, to);
      const answer = this.#decide(part, user, record, ExtraKind.transfer, other, 0);
      waits?.decided(answer);
      return;
    }
    const chain = this.credits[partition]![toPartition]!;
    const { duplicate } = this.decided;
    // What the id was used for is remembered with the hash of the other name: its index is not known here on every node.
    const answer = this.#decide(part, user, record, ExtraKind.debit, to.hash, chain.issued + 1);
    const hasId = (record.wants & Wants.id) !== 0;
    const key = hasId ? keyOf(user, record.id) : '';
    if (outcomeOf(answer) !== Outcome.accepted) {
      waits?.decided(answer);
    } else if (this.decided.duplicate !== duplicate) {
      const open = this.#openIds.get(key);
      if (waits === undefined) return;
      if (open === undefined) waits.decided(answer);
      else open.waiting.push(waits.decided.bind(waits));
    } else {
      part.inTransit += BigInt(-record.amount);
      const owed = this.#owedOf(record, -record.amount, chain.issued + 1, hasId);
      owed.answer = answer;
      if (waits !== undefined) owed.waiting.push(waits.decided.bind(waits));
      this.#owe(owed, partition, toPartition, key);
    }
  }

  /** The debit was applied. The credit may have been met already. */
  #owe(owed: Owed, partition: number, toPartition: number, key: string): void {
    const chain = this.credits[partition]![toPartition]!;
    chain.issue(owed);
    let open: Owed | undefined = owed;
    if (chain.issued <= chain.passed) {
      open = undefined;
      for (const back of this.refunds[toPartition]![partition]!.open.values())
        if (back.number === owed.number) open = back;
      if (open === undefined) end(owed, owed.answer);
      else open.waiting.push(...owed.waiting);
    }
    if (open !== undefined && key !== '') this.#openIds.set(key, open);
  }

  #credit(part: Part, partition: number, record: BlockRecord): void {
    const { source, amount } = record;
    const chain = this.credits[source]![partition]!;
    if (!chain.isNext(record.chain)) return;
    const known = chain.pass();
    const user = this.#userOf(part, record);
    const sum = user === NOBODY ? Number.NaN : this.balances[user]! + amount;
    if (sum <= BALANCE_MAX) {
      this.balances[user] = sum;
      part.inTransit -= BigInt(amount);
      if (known !== undefined) this.#end(known, known.answer);
      return;
    }
    const hasId = (record.wants & Wants.id) !== 0;
    const back = known ?? this.#owedBack(record, hasId);
    back.reason = user === NOBODY ? Outcome.tooManyUsers : Outcome.balanceOverflow;
    const refunds = this.refunds[partition]![source]!;
    // It may have come back already: partitions are read side by side.
    if (refunds.issue(back) <= refunds.passed) this.#end(back, refusal(back.reason));
  }

  #refund(part: Part, partition: number, record: BlockRecord): void {
    const { source, amount, number, reason } = record;
    const chain = this.refunds[source]![partition]!;
    if (!chain.isNext(record.chain)) return;
    // Whoever is paid back has paid, so it is there.
    const user = this.users.find(record);
    if ((record.wants & Wants.id) !== 0) {
      this.#extra.words.set(record.id);
      if (part.ids.find(user, this.#extra, 0) && part.ids.isOf(number)) part.ids.answer = refusal(reason);
    }
    const sum = this.balances[user]! + amount;
    const open = chain.open.get(record.chain);
    // It stays owed, and is sent again: the user may spend meanwhile. That it was refused is known.
    if (open !== undefined) this.#end(open, refusal(reason));
    if (sum > BALANCE_MAX) return;
    chain.pass();
    this.balances[user] = sum;
    part.inTransit -= BigInt(amount);
    this.decided.processed -= 1;
    if (reason === Outcome.tooManyUsers) this.tooManyUsers += 1;
    else this.decided.overflowed += 1;
  }

  /** The user with this name, added if there is room. */
  #userOf(part: Part, name: NameAt): number {
    const user = this.users.find(name);
    if (user !== NOBODY) return user;
    if (part.users >= this.#usersMax) return NOBODY;
    part.users += 1;
    return this.users.add(name);
  }

  #tooMany(): number {
    this.tooManyUsers += 1;
    return TOO_MANY;
  }

  #decide(
    part: Part,
    user: number,
    record: BlockRecord,
    kind: ExtraKind,
    other: number,
    number: number,
  ): number {
    putExtra(this.#extra, 0, record, kind, other, number);
    const nowMs = Math.max(part.timeMs, part.ids.lastMs);
    return decide(this.balances, part.ids, user, record.amount, this.#extra, 0, nowMs, this.decided);
  }

  #owedOf(record: BlockRecord, amount: number, number: number, hasId: boolean): Owed {
    return {
      amount,
      from: this.#party(record),
      to: this.#party(record.to),
      id: hasId ? record.id.slice() : undefined,
      number,
      reason: Outcome.accepted,
      answer: Number.NaN,
      waiting: [],
    };
  }

  /** Of a credit that was met before its debit. */
  #owedBack(record: BlockRecord, hasId: boolean): Owed {
    const owed = this.#owedOf(record, record.amount, record.number, hasId);
    return { ...owed, from: owed.to, to: owed.from };
  }

  #party({ nameAt, nameBytes, hash }: NameAt): Party {
    return { name: Uint8Array.prototype.slice.call(this.names, nameAt, nameAt + nameBytes), hash };
  }

  indexOf({ name, hash }: Party): number {
    this.names.set(name);
    return this.users.find({ nameAt: 0, nameBytes: name.length, hash });
  }

  #end(owed: Owed, answer: number): void {
    if (owed.id !== undefined) {
      const key = keyOf(this.indexOf(owed.from), owed.id);
      // Its id may have been forgotten, and be that of another one.
      if (this.#openIds.get(key) === owed) this.#openIds.delete(key);
    }
    end(owed, answer);
  }
}

function end(owed: Owed, answer: number): void {
  const { waiting } = owed;
  owed.waiting = [];
  for (const decided of waiting) decided(answer);
}

function keyOf(user: number, id: Int32Array = NO_ID): string {
  return `${user} ${id.join(' ')}`;
}
