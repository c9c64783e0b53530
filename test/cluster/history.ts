/**
 * What clients of a cluster saw: what they wanted, over which connections they said so, when, and what they were told.
 * All times are of one clock that never goes back, so that what ended before another began did happen before it.
 */
import { Outcome } from '../../src/protocol/outcome.ts';

export interface Wish {
  readonly kind: 'event' | 'transfer' | 'balance' | 'fresh';
  readonly user: string;
  /** Of a transfer: who gets. */
  readonly to?: string;
  /** Of an event, what is added to the balance; of a transfer, what moves. */
  readonly amount: number;
  readonly id?: string;
  readonly min?: number;
  readonly isWaiting?: boolean;
}

export interface Reply {
  readonly outcome: Outcome;
  readonly balance: number | undefined;
}

/** A line that was sent once. */
export interface Attempt {
  readonly node: number;
  /** No two of them have one number; what was sent over one of them is in the order of the history. */
  readonly connection: number;
  readonly startedAt: number;
  /** Undefined: no reply has come. */
  endedAt: number | undefined;
  reply: Reply | undefined;
}

/** What was wanted once, and sent until it was decided if it has an id. */
export interface Deed {
  readonly wish: Wish;
  readonly attempts: Attempt[];
}

/** Nothing was decided: it may be sent again. */
const NOT_TAKEN: readonly Outcome[] = [Outcome.serverBusy, Outcome.shuttingDown, Outcome.diskFull];

export function isDecided(reply: Reply | undefined): boolean {
  return reply !== undefined && !NOT_TAKEN.includes(reply.outcome);
}

/** The attempt that was decided first, as the client saw it. */
export function decidedAttempt({
  attempts,
}: Deed): (Attempt & { reply: Reply; endedAt: number }) | undefined {
  let first: Attempt | undefined;
  for (const attempt of attempts)
    if (isDecided(attempt.reply) && attempt.endedAt! < (first?.endedAt ?? Number.POSITIVE_INFINITY))
      first = attempt;
  return first as ReturnType<typeof decidedAttempt>;
}

/**
 * `returned`: a transfer that was refused, perhaps after `user` had paid, and then it was given back. `unknown`: it was
 * applied, or will be, or never.
 */
export type Fate = 'applied' | 'refused' | 'returned' | 'unknown';

export function fateOf(deed: Deed): Fate {
  const decided = decidedAttempt(deed);
  if (decided === undefined)
    return deed.attempts.some(({ reply }) => reply === undefined) ? 'unknown' : 'refused';
  const { outcome } = decided.reply;
  if (outcome === Outcome.accepted) return 'applied';
  const mayHavePaid = outcome === Outcome.balanceOverflow || outcome === Outcome.tooManyUsers;
  return deed.wish.kind === 'transfer' && mayHavePaid ? 'returned' : 'refused';
}

export function startOf({ attempts }: Deed): number {
  return Math.min(...attempts.map(({ startedAt }) => startedAt));
}

/** For people. */
export function wordsOf({ wish, attempts }: Deed): string {
  const what = Object.entries(wish).map(([key, value]) => `${key} ${value}`);
  const tries = attempts.map(({ node, connection, startedAt, endedAt, reply }) => {
    const said = reply === undefined ? 'no reply' : `${nameOf(reply.outcome)} ${reply.balance ?? ''}`.trim();
    return `node ${node}, connection ${connection}, ${shown(startedAt)} to ${shown(endedAt)}: ${said}`;
  });
  return `${what.join(', ')} [${tries.join('; ')}]`;
}

export function nameOf(outcome: Outcome): string {
  return Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}

function shown(at: number | undefined): string {
  return at === undefined ? '…' : String(Math.round(at * 1_000) / 1_000);
}
