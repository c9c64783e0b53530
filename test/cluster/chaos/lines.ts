/** What is wanted, as lines of the protocol; and what the replies say. */
import { Outcome } from '../../../src/protocol/outcome.ts';
import type { Reply, Wish } from '../history.ts';

const OK = /^\{"status":"ok","balance":(-?\d+)\}$/;
const REJECTED = /^\{"status":"rejected","reason":"([a-z_]+)"\}$/;
const ACCEPTED = '{"status":"accepted"}';

const REASONS: Readonly<Record<string, Outcome>> = {
  server_busy: Outcome.serverBusy,
  shutting_down: Outcome.shuttingDown,
  insufficient_balance: Outcome.insufficientBalance,
  balance_overflow: Outcome.balanceOverflow,
  too_many_users: Outcome.tooManyUsers,
  id_reused: Outcome.idReused,
};

export function lineOf({ kind, user, to, amount, id, min, isWaiting }: Wish): string {
  return `${JSON.stringify(requestOf())}\n`;

  function requestOf(): object {
    switch (kind) {
      case 'balance':
        return { type: 'balance', user };
      case 'fresh':
        return { type: 'balance', user, fresh: true };
      case 'transfer':
        return { type: 'transfer', from: user, to, amount, min, id };
      case 'event':
        return {
          user,
          action: amount < 0 ? 'sell' : 'buy',
          amount: Math.abs(amount),
          wait: isWaiting,
          min,
          id,
        };
    }
  }
}

/** Undefined: it is no reply to such a line. */
export function replyIn(line: string, { kind, isWaiting, min }: Wish): Reply | undefined {
  const reason = REJECTED.exec(line)?.[1];
  if (reason !== undefined) {
    const outcome = REASONS[reason];
    return outcome === undefined ? undefined : { outcome, balance: undefined };
  }
  const isTold = kind !== 'event' || isWaiting === true || min !== undefined;
  if (!isTold) return line === ACCEPTED ? { outcome: Outcome.accepted, balance: undefined } : undefined;
  const balance = OK.exec(line)?.[1];
  return balance === undefined ? undefined : { outcome: Outcome.accepted, balance: Number(balance) };
}
