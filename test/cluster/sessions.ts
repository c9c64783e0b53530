/**
 * What a balance may be that is not `fresh`: what the same connection has written is in it, and all that this node had
 * acknowledged when it was asked; on one node it never goes back; nothing is in it that was not sent; and all nodes have
 * seen things happen in one order.
 *
 * Of a balance that goes up and down a number says little about what is in it. So this looks at savers (savers.ts).
 */
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Attempt, type Deed, decidedAttempt, fateOf, nameOf, startOf, wordsOf } from './history.ts';
import { isSaver } from './savers.ts';

/** What a user got: one bit of the balance. */
interface Gain {
  readonly deed: Deed;
  readonly bit: bigint;
  readonly startedAt: number;
}

interface Seen {
  readonly deed: Deed;
  readonly attempt: Attempt;
  readonly endedAt: number;
  /** The balance. */
  readonly bits: bigint;
}

/** The complaints about a history. */
export function checkSessions(deeds: readonly Deed[]): string[] {
  const gains = new Map<string, Gain[]>();
  const seen = new Map<string, Seen[]>();
  for (const deed of deeds) {
    const { kind, user, to, amount } = deed.wish;
    const getter = kind === 'transfer' ? to! : user;
    const isGain = kind === 'event' || kind === 'transfer';
    if (isGain && isSaver(getter))
      add(gains, getter, { deed, bit: BigInt(amount), startedAt: startOf(deed) });
    const balance = balanceIn(deed);
    if (balance === undefined || kind === 'transfer' || !isSaver(user)) continue;
    const attempt = deed.attempts[0]!;
    add(seen, user, { deed, attempt, endedAt: attempt.endedAt!, bits: BigInt(balance) });
  }
  return [...seen].flatMap(([user, balances]) => [
    ...checkReads(balances, gains.get(user) ?? []),
    ...checkOrder(balances),
  ]);
}

/** That was read then, over the first attempt: a repeat is told the balance of the time when it was decided. */
function balanceIn({ attempts }: Deed): number | undefined {
  const [first, second] = attempts;
  const isAlone = second === undefined || (first!.endedAt ?? Number.POSITIVE_INFINITY) < second.startedAt;
  return isAlone ? first!.reply?.balance : undefined;
}

function checkReads(all: readonly Seen[], gains: readonly Gain[]): string[] {
  const complaints: string[] = [];
  for (const seen of all) {
    const { deed, attempt, endedAt, bits } = seen;
    const say = (what: string, other?: Deed) =>
      complaints.push(`${what}: ${wordsOf(deed)}${other === undefined ? '' : `; that is ${wordsOf(other)}`}`);
    let left = bits;
    for (const gain of gains) {
      const isIn = (bits & gain.bit) !== 0n;
      const fate = fateOf(gain.deed);
      if (!isIn && isOwn(gain, seen)) say('an own write is not read', gain.deed);
      else if (!isIn && wasToldBy(gain, attempt))
        say('what this node had acknowledged is not read', gain.deed);
      if (isIn && gain.startedAt > endedAt) say('what was not sent yet is read', gain.deed);
      if (isIn && (fate === 'refused' || fate === 'returned'))
        say(`what was refused (${nameOf(decidedAttempt(gain.deed)!.reply.outcome)}) is read`, gain.deed);
      left &= ~gain.bit;
    }
    if (left !== 0n) say(`${left} is read that nobody sent`);
  }
  return complaints;
}

/** Of two, one has all that the other has; and on one node, or one connection, it is the later one. */
function checkOrder(all: readonly Seen[]): string[] {
  const complaints: string[] = [];
  const ordered = [...all].sort((a, b) => countOf(a.bits) - countOf(b.bits));
  for (const [index, seen] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before !== undefined && (before.bits & ~seen.bits) !== 0n)
      complaints.push(`they are in two orders: ${wordsOf(before.deed)}; ${wordsOf(seen.deed)}`);
  }
  for (const later of all)
    for (const earlier of all)
      if ((earlier.bits & ~later.bits) !== 0n && isBefore(earlier, later))
        complaints.push(`it goes back: ${wordsOf(earlier.deed)}; ${wordsOf(later.deed)}`);
  return complaints;
}

/** Asked before it on one connection, or answered by a node before the other was asked there. */
function isBefore(earlier: Seen, later: Seen): boolean {
  const [one, other] = [earlier.attempt, later.attempt];
  if (one.connection === other.connection) return one.startedAt < other.startedAt;
  return one.node === other.node && earlier.endedAt < other.startedAt;
}

/** Sent before it on the same connection, and taken; of a transfer, the reply must have been seen. */
function isOwn({ deed }: Gain, { attempt }: Seen): boolean {
  return deed.attempts.some(
    ({ connection, startedAt, endedAt, reply }) =>
      connection === attempt.connection &&
      reply?.outcome === Outcome.accepted &&
      (deed.wish.kind === 'transfer' ? endedAt! < attempt.startedAt : startedAt < attempt.startedAt),
  );
}

/** This node had said that it was taken. */
function wasToldBy({ deed }: Gain, { node, startedAt }: Attempt): boolean {
  return deed.attempts.some(
    told => told.node === node && told.reply?.outcome === Outcome.accepted && told.endedAt! < startedAt,
  );
}

function countOf(bits: bigint): number {
  let count = 0;
  for (let left = bits; left > 0n; left &= left - 1n) count += 1;
  return count;
}

function add<Value>(to: Map<string, Value[]>, key: string, value: Value): void {
  const values = to.get(key);
  if (values === undefined) to.set(key, [value]);
  else values.push(value);
}
