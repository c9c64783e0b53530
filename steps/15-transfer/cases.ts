/** What this lesson adds to the contract: a transfer. */
import { ask, balance, type Case, error, ok, rejected, waiting } from '../kit/check/case.ts';

const transfer = (from: string, to: string, amount: unknown, more = {}) =>
  JSON.stringify({ type: 'transfer', from, to, amount, ...more });

export const CASES: readonly Case[] = [
  {
    name: 'a transfer takes from one account what it gives to the other',
    hint: 'The reply has what is left in the first.',
    acts: user => [
      ...ask(waiting(user, 'buy', 100), ok(100)),
      ...ask(transfer(user, `${user}-2`, 30), ok(70)),
      ...ask(balance(user), ok(70)),
      ...ask(balance(`${user}-2`), ok(30)),
    ],
  },
  {
    name: 'a transfer with min that would leave less is refused, and changes nothing',
    hint: 'It happens as a whole or not at all.',
    acts: user => [
      ...ask(transfer(user, `${user}-2`, 1, { min: 0 }), rejected('insufficient_balance')),
      ...ask(balance(user), ok(0)),
      ...ask(balance(`${user}-2`), ok(0)),
    ],
  },
  {
    name: 'a transfer that is none is refused',
    hint: 'Sender and receiver differ, and the amount is an integer of 1 or more.',
    acts: user => [
      ...ask(transfer(user, user, 1), error('invalid_event')),
      ...ask(transfer(user, `${user}-2`, 0), error('invalid_event')),
      ...ask(transfer(user, `${user}-2`, '1'), error('invalid_event')),
      ...ask(balance(user), ok(0)),
    ],
  },
];
