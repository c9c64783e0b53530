/**
 * What must be so when all is done: every balance is what was acknowledged, and on every node the same; what was sent
 * again counted once, and was answered alike; no reply is missing.
 */
import { type Deed, decidedAttempt, fateOf, isDecided, wordsOf } from './history.ts';

/** Sums of so many parts that may be in a balance or not are tried. */
const SUMS_MAX = 2 ** 20;

/** By user, what was acknowledged, and what may have been applied. */
interface Due {
  /** On the way to the sum, more than a balance can hold may be reached. */
  sure: bigint;
  readonly unsure: number[];
}

function duesOf(deeds: readonly Deed[]): Map<string, Due> {
  const dues = new Map<string, Due>();
  const dueOf = (user: string) => {
    let due = dues.get(user);
    if (due === undefined) {
      due = { sure: 0n, unsure: [] };
      dues.set(user, due);
    }
    return due;
  };
  for (const deed of deeds) {
    const { kind, user, to, amount } = deed.wish;
    const fate = fateOf(deed);
    if (kind === 'balance' || kind === 'fresh' || fate === 'refused' || fate === 'returned') continue;
    const parts =
      kind === 'event'
        ? [[user, amount] as const]
        : ([
            [user, -amount],
            [to!, amount],
          ] as const);
    for (const [whom, change] of parts)
      if (fate === 'applied') dueOf(whom).sure += BigInt(change);
      else dueOf(whom).unsure.push(change);
  }
  return dues;
}

/**
 * The complaints, and how many balances could not be checked because too much of unknown fate may be in them. Of every
 * node, the balances of all users that have one.
 */
export function checkSums(
  deeds: readonly Deed[],
  nodes: readonly ReadonlyMap<string, number>[],
): { complaints: string[]; undecided: number } {
  const dues = duesOf(deeds);
  const complaints: string[] = [];
  let undecided = 0;
  const users = new Set([...dues.keys(), ...nodes.flatMap(balances => [...balances.keys()])]);
  for (const user of users) {
    const balances = nodes.map(all => all.get(user) ?? 0);
    const balance = balances[0]!;
    if (balances.some(other => other !== balance))
      complaints.push(`nodes disagree about ${user}: ${balances.join(', ')}`);
    const { sure, unsure } = dues.get(user) ?? { sure: 0n, unsure: [] };
    const isSum = isSumOf(unsure, Number(BigInt(balance) - sure));
    if (isSum === undefined) undecided += 1;
    if (isSum !== false) continue;
    const unknown = unsure.length === 0 ? '' : `, and of ${unsure.length} changes the fate is unknown`;
    complaints.push(`${user} has ${balance}, and what was acknowledged is ${sure}${unknown}`);
  }
  return { complaints, undecided };
}

/** Whether some of the parts have this sum; undefined: there are too many of them. */
function isSumOf(parts: readonly number[], sum: number): boolean | undefined {
  let sums = new Set([0]);
  for (const part of parts) {
    sums = new Set([...sums, ...[...sums].map(each => each + part)]);
    if (sums.size > SUMS_MAX) return sums.has(sum) ? true : undefined;
  }
  return sums.has(sum);
}

/** What has an id was decided in the end, and each time alike. */
export function checkIds(deeds: readonly Deed[]): string[] {
  return deeds.flatMap(deed => {
    if (deed.wish.id === undefined) return [];
    const decided = decidedAttempt(deed);
    if (decided === undefined) return [`it was never decided: ${wordsOf(deed)}`];
    const { outcome, balance } = decided.reply;
    const isOther = deed.attempts.some(
      ({ reply }) => isDecided(reply) && (reply!.outcome !== outcome || reply!.balance !== balance),
    );
    return isOther ? [`replies to one id differ: ${wordsOf(deed)}`] : [];
  });
}

/** `hasLived`: the connection is still there, or was closed by the client when it had all replies. */
export function checkReplies(deeds: readonly Deed[], hasLived: (connection: number) => boolean): string[] {
  return deeds
    .filter(({ attempts }) =>
      attempts.some(({ reply, connection }) => reply === undefined && hasLived(connection)),
    )
    .map(deed => `a reply is missing on a connection that lived: ${wordsOf(deed)}`);
}

/** All balances together are what was put in: transfers only move it. */
export function checkMoney(deeds: readonly Deed[], nodes: readonly ReadonlyMap<string, number>[]): string[] {
  let least = 0n;
  let most = 0n;
  for (const deed of deeds) {
    const { kind, amount } = deed.wish;
    const fate = fateOf(deed);
    if (kind !== 'event' || (fate !== 'applied' && fate !== 'unknown')) continue;
    const change = BigInt(amount);
    if (fate === 'applied' || change < 0n) least += change;
    if (fate === 'applied' || change > 0n) most += change;
  }
  return nodes.flatMap((balances, node) => {
    const sum = [...balances.values()].reduce((all, balance) => all + BigInt(balance), 0n);
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    return sum >= least && sum <= most
      ? []
      : [`all balances of node ${node} are ${sum}, and what was put in is ${wanted}`];
  });
}
