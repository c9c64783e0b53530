/**
 * What a balance may be that is not `fresh`: what the same connection has written is in it, and all that this node had
 * acknowledged when it was asked; on one connection it never goes back; and nothing is in it that was not sent.
 *
 * Of a balance that goes up and down a number says little about what is in it. So this looks at users who only get.
 */
import { Outcome } from '../../src/protocol/outcome.ts';
import { type Attempt, type Deed, decidedAttempt, fateOf, startOf, wordsOf } from './history.ts';

/** What a user got. */
interface Gain {
  readonly deed: Deed;
  readonly amount: number;
  readonly startedAt: number;
}

interface Seen {
  readonly deed: Deed;
  readonly attempt: Attempt;
  readonly balance: number;
}

/** The complaints. `deeds` are in the order in which they were first sent; `isSaver` names users who only get. */
export function checkSessions(deeds: readonly Deed[], isSaver: (user: string) => boolean): string[] {
  const gains = new Map<string, Gain[]>();
  const seen = new Map<string, Seen[]>();
  for (const deed of deeds) {
    const { kind, user, to, amount } = deed.wish;
    const fate = fateOf(deed);
    const getter = kind === 'transfer' ? to! : user;
    const isGain = (kind === 'event' || kind === 'transfer') && (fate === 'applied' || fate === 'unknown');
    if (isGain && isSaver(getter)) add(gains, getter, { deed, amount, startedAt: startOf(deed) });
    const balance = balanceIn(deed);
    if (balance !== undefined && kind !== 'transfer' && isSaver(user))
      add(seen, user, { deed, attempt: deed.attempts[0]!, balance });
  }
  return [...seen].flatMap(([user, balances]) => checkUser(balances, gains.get(user) ?? []));
}

/** That was read now: a repeat is told the balance of then. */
function balanceIn(deed: Deed): number | undefined {
  return deed.attempts.length === 1 ? decidedAttempt(deed)?.reply.balance : undefined;
}

function checkUser(all: readonly Seen[], gains: readonly Gain[]): string[] {
  const complaints: string[] = [];
  const last = new Map<number, Seen>();
  for (const seen of [...all].sort((a, b) => a.attempt.startedAt - b.attempt.startedAt)) {
    const { deed, attempt, balance } = seen;
    const say = (what: string) => complaints.push(`${what}: ${wordsOf(deed)}`);
    const own = sumOf(gains, gain => isOwn(gain, seen));
    if (balance < own) say(`own writes are not read, which are ${own}`);
    const node = sumOf(gains, gain => wasToldBy(gain, attempt));
    if (balance < node) say(`what this node had acknowledged is not read, which is ${node}`);
    const sent = sumOf(gains, ({ startedAt }) => startedAt <= attempt.endedAt!);
    if (balance > sent) say(`more is read than was ever sent, which is ${sent}`);
    const before = last.get(attempt.connection);
    if (before !== undefined && balance < before.balance) say(`it goes back from ${before.balance}`);
    last.set(attempt.connection, seen);
  }
  return complaints;
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

function sumOf(gains: readonly Gain[], isIn: (gain: Gain) => boolean): number {
  return gains.reduce((sum, gain) => sum + (isIn(gain) ? gain.amount : 0), 0);
}

function add<Value>(to: Map<string, Value[]>, key: string, value: Value): void {
  const values = to.get(key);
  if (values === undefined) to.set(key, [value]);
  else values.push(value);
}
