/** What this lesson adds to the contract: an event that must leave something. */
import { ask, balance, type Case, error, ok, rejected } from '../kit/check/case.ts';

const sale = (user: string, amount: number, min: unknown) =>
  `{"user":"${user}","action":"sell","amount":${amount},"min":${JSON.stringify(min)}}`;

export const CASES: readonly Case[] = [
  {
    name: 'an event with min is applied only if the balance afterwards is no less',
    hint: 'Compare the balance after the event, not the one before. It is answered like one with wait.',
    acts: user => [
      ...ask(sale(user, 1, 0), rejected('insufficient_balance')),
      ...ask(sale(user, 3, -5), ok(-3)),
      ...ask(sale(user, 3, -5), rejected('insufficient_balance')),
      ...ask(balance(user), ok(-3)),
    ],
  },
  {
    name: 'a min that is no integer is refused',
    hint: 'It is a number without decimals, below 0 or not.',
    acts: user => [
      ...ask(sale(user, 1, 0.5), error('invalid_event')),
      ...ask(sale(user, 1, '0'), error('invalid_event')),
      ...ask(sale(user, 1, null), error('invalid_event')),
      ...ask(balance(user), ok(0)),
    ],
  },
];
