/**
 * Whether what clients were told of one user can be explained by one order of all operations, in which each happens
 * between its start and its end: linearizability (Herlihy and Wing, https://doi.org/10.1145/78969.78972).
 *
 * The search is that of Wing and Gong (https://doi.org/10.1006/jpdc.1993.1015), which tries the operations that may come
 * next one after the other, with Lowe's memory of what was tried (https://doi.org/10.1002/cpe.3928): the same set of
 * operations with the same balance behind them is not tried twice. So does Porcupine
 * (https://github.com/anishathalye/porcupine), and as there a history is searched user by user: a whole is linearizable
 * if its parts are (Horn and Kroening, https://arxiv.org/abs/1504.00204).
 *
 * Operations whose end nobody saw may happen at any time from their start on, or never.
 */
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Deed, decidedAttempt, fateOf, startOf, wordsOf } from './history.ts';

/** What somebody did to one user, or read of it. */
export interface Operation {
  readonly deed: Deed;
  readonly startedAt: number;
  /** Infinity: nobody saw it end. */
  readonly endedAt: number;
  /** False: it may never have happened. */
  readonly isSure: boolean;
  readonly isRead: boolean;
  /** What was paid comes back: sure as soon as it was paid. */
  readonly isReturn: boolean;
  readonly amount: number;
  /** −Infinity: any balance may be left. */
  readonly min: number;
  /** The balance behind it, or what became of it; undefined: that is not known. */
  readonly said: number | 'applied' | 'insufficient' | undefined;
}

export type Verdict =
  | { readonly is: 'right' | 'undecided' }
  /** With the operations up to this one's end there is no order, and before it there was one. */
  | { readonly is: 'wrong'; readonly culprit: Operation };

const NEVER = Number.POSITIVE_INFINITY;
const CHARACTER_BITS = 15;
/** What comes back to somebody who has so much may have to wait for room, and the reply does not wait for it. */
const RICH = 2 ** 52;
/** Steps of one search. */
const STEPS_MAX = 200_000;

/** Of all users: by user, what happened to them. */
export function operationsOf(deeds: readonly Deed[]): Map<string, Operation[]> {
  const byUser = new Map<string, Operation[]>();
  for (const deed of deeds)
    for (const [user, operation] of partsOf(deed)) {
      const operations = byUser.get(user);
      if (operations === undefined) byUser.set(user, [operation]);
      else operations.push(operation);
    }
  for (const [user, operations] of byUser)
    if (operations.some(({ said }) => typeof said === 'number' && said > RICH))
      byUser.set(
        user,
        operations.map(each => (each.isReturn ? { ...each, endedAt: NEVER } : each)),
      );
  return byUser;
}

function partsOf(deed: Deed): [string, Operation][] {
  const { kind, user, to, amount, min = -NEVER } = deed.wish;
  const decided = decidedAttempt(deed);
  const fate = fateOf(deed);
  const isKnown = fate !== 'unknown';
  const startedAt = startOf(deed);
  const endedAt = decided?.endedAt ?? NEVER;
  const said: Operation['said'] = decided?.reply.balance ?? (fate === 'applied' ? 'applied' : undefined);
  const base = {
    deed,
    startedAt,
    endedAt,
    isSure: isKnown,
    isRead: false,
    isReturn: false,
    amount,
    min,
    said,
  };
  // What other nodes may not have yet is another check (sessions.ts).
  if (kind === 'balance') return [];
  if (kind === 'fresh') return isKnown ? [[user, { ...base, isRead: true }]] : [];
  if (fate === 'refused') {
    const isInsufficient = decided?.reply.outcome === Outcome.insufficientBalance;
    const change = kind === 'transfer' ? -amount : amount;
    return isInsufficient ? [[user, { ...base, amount: change, said: 'insufficient' }]] : [];
  }
  if (kind === 'event') return [[user, base]];
  const debit = { ...base, amount: -amount };
  const credit = { ...base, min: -NEVER };
  const back = { ...credit, isReturn: true, isSure: false, said: undefined };
  // Paid and given back, or neither.
  if (fate === 'returned')
    return [
      [user, { ...debit, isSure: false, said: undefined }],
      [user, back],
    ];
  return [
    [user, debit],
    [to!, { ...credit, said: undefined }],
    ...(isKnown ? [] : [[user, back] as [string, Operation]]),
  ];
}

/** `balance`: before all operations. */
export function check(operations: readonly Operation[], balance = 0, stepsMax = STEPS_MAX): Verdict {
  const found = search(operations, balance, stepsMax);
  if (found !== 'none') return { is: found === 'some' ? 'right' : 'undecided' };
  // A history without its end is linearizable, if the whole is: so there is one end at which it stopped being so.
  const ends = operations.filter(({ endedAt }) => endedAt < NEVER).sort((a, b) => a.endedAt - b.endedAt);
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (search(upTo(operations, ends[middle]!.endedAt), balance, stepsMax) === 'none') high = middle;
    else low = middle + 1;
  }
  return { is: 'wrong', culprit: ends[high]! };
}

/** For people: what went wrong with it, and what was going on. */
export function complaintOf(user: string, operations: readonly Operation[], culprit: Operation): string {
  const beside = operations
    .filter(({ startedAt }) => startedAt <= culprit.endedAt)
    .sort((a, b) => a.endedAt - b.endedAt || a.startedAt - b.startedAt)
    .filter(({ endedAt }) => endedAt >= culprit.startedAt || endedAt === NEVER)
    .map(({ deed }) => wordsOf(deed));
  return `not linearizable: ${user}: no order of what was done explains ${wordsOf(culprit.deed)}; beside it:\n  ${[...new Set(beside)].join('\n  ')}`;
}

/** What was known at that time. */
function upTo(operations: readonly Operation[], at: number): Operation[] {
  return operations
    .filter(({ startedAt }) => startedAt <= at)
    .map(operation => {
      if (operation.endedAt <= at) return operation;
      return { ...operation, endedAt: NEVER, isSure: false, said: undefined };
    })
    .filter(({ isRead, said }) => !isRead || said !== undefined);
}

interface Step {
  /** Those that may come next, and how many of them were tried. */
  readonly next: readonly number[];
  tried: number;
  readonly balance: number;
  readonly first: number;
  /** No operation that ended before this may come any more. */
  readonly latest: number;
  readonly sureLeft: number;
}

function search(all: readonly Operation[], balance: number, stepsMax: number): 'some' | 'none' | 'undecided' {
  const order = new Order(all);
  const known = new Set<string>();
  const sure = all.filter(({ isSure }) => isSure).length;
  const steps = [order.step({ first: 0, latest: -NEVER, sureLeft: sure, balance })];
  const path: number[] = [];
  for (let count = 0; steps.length > 0; ) {
    const step = steps.at(-1)!;
    if (step.sureLeft === 0) return 'some';
    if (step.tried === step.next.length) {
      steps.pop();
      if (path.length > 0) order.undo(path.pop()!);
      continue;
    }
    const index = step.next[step.tried++]!;
    const after = behind(order.operations[index]!, step.balance);
    if (after === undefined) continue;
    count += 1;
    if (count > stepsMax) return 'undecided';
    const sureLeft = step.sureLeft + order.do(index);
    const key = order.keyFrom(step.first, after);
    if (known.has(key)) {
      order.undo(index);
      continue;
    }
    known.add(key);
    path.push(index);
    const latest = Math.max(step.latest, order.operations[index]!.startedAt);
    steps.push(order.step({ first: step.first, latest, sureLeft, balance: after }));
  }
  return 'none';
}

/** What is done so far. */
class Order {
  /** By their starts. */
  readonly operations: readonly Operation[];
  readonly #isDone: Uint8Array;
  /** Of what comes back: where it was paid. */
  readonly #paid: Int32Array;
  /** Of what may come back: where that is. */
  readonly #back: Int32Array;

  constructor(operations: readonly Operation[]) {
    this.operations = [...operations].sort((a, b) => a.startedAt - b.startedAt);
    this.#isDone = new Uint8Array(operations.length);
    this.#paid = new Int32Array(operations.length).fill(-1);
    this.#back = new Int32Array(operations.length).fill(-1);
    for (const [back, { isReturn, deed }] of this.operations.entries()) {
      if (!isReturn) continue;
      const paid = this.operations.findIndex(other => other.deed === deed && !other.isReturn);
      this.#paid[back] = paid;
      this.#back[paid] = back;
    }
  }

  /** Returns how many more must be done now. */
  do(index: number): number {
    const wasSure = this.#isSure(index);
    this.#isDone[index] = 1;
    const back = this.#back[index]!;
    return Number(back >= 0 && this.#isSure(back)) - Number(wasSure);
  }

  undo(index: number): void {
    this.#isDone[index] = 0;
  }

  step({ first, ...rest }: Omit<Step, 'next' | 'tried'>): Step {
    let from = first;
    while (this.#isDone[from] === 1) from += 1;
    return { ...rest, first: from, next: this.#next(from, rest.latest), tried: 0 };
  }

  /** What is done, and the balance; all before `first` is done. */
  keyFrom(first: number, balance: number): string {
    const isDone = this.#isDone;
    let from = first;
    while (isDone[from] === 1) from += 1;
    let end = isDone.length;
    while (end > from && isDone[end - 1] === 0) end -= 1;
    let bits = '';
    for (let at = from; at < end; at += CHARACTER_BITS) {
      let word = 0;
      for (let bit = 0; bit < CHARACTER_BITS && at + bit < end; bit++) word |= isDone[at + bit]! << bit;
      bits += String.fromCharCode(word);
    }
    return `${from} ${balance} ${bits}`;
  }

  /** Those that no other one, not done yet, must come before: the ones that end first are tried first. */
  #next(first: number, latest: number): number[] {
    const { operations } = this;
    const next: number[] = [];
    let end = NEVER;
    for (let index = first; index < operations.length; index++) {
      const { startedAt, endedAt, isReturn } = operations[index]!;
      if (startedAt > end) break;
      if (this.#isDone[index] === 1 || endedAt < latest) continue;
      if (isReturn && this.#isDone[this.#paid[index]!] === 0) continue;
      next.push(index);
      if (this.#isSure(index)) end = Math.min(end, endedAt);
    }
    return next.sort((a, b) => operations[a]!.endedAt - operations[b]!.endedAt);
  }

  #isSure(index: number): boolean {
    const { isSure, isReturn, endedAt } = this.operations[index]!;
    return isSure || (isReturn && endedAt < NEVER && this.#isDone[this.#paid[index]!] === 1);
  }
}

/** The balance behind it; undefined: it can't have happened here. */
function behind({ isRead, amount, min, said }: Operation, balance: number): number | undefined {
  if (isRead) return said === balance ? balance : undefined;
  const sum = balance + amount;
  if (sum < min) return said === 'insufficient' ? balance : undefined;
  if (said === 'insufficient') return undefined;
  return typeof said !== 'number' || said === sum ? sum : undefined;
}
