/**
 * The lines of the judging bench: events of 10,000 users, in four forms, and the meaning of each. Seeded, so that
 * runs can be compared.
 */
import { randomFrom } from '../../src/tools/load/random.ts';

const SEED = 7_877;
const AMOUNT_MAX = 100_000;

/** How a line is written. The usual one is what clients send; the others are JSON just the same. */
export const DRESSES = ['usual', 'other order', 'spaces', 'escapes'] as const;
export type Dress = (typeof DRESSES)[number];

export interface LineEvent {
  /** The nth user has one line, the nth of `eventsOf` before they are shuffled. */
  user: number;
  /** Signed: what the event adds to the balance. */
  amount: number;
}

export function nameOf(user: number): string {
  return `user-${user}`;
}

/** One event of each user, in random order. */
export function eventsOf(users: number): LineEvent[] {
  const random = randomFrom(SEED);
  const below = (limit: number) => Math.floor(random() * limit);
  const events = Array.from({ length: users }, (_, user) => {
    const amount = 1 + below(AMOUNT_MAX);
    return { user, amount: below(5) === 0 ? -amount : amount };
  });
  for (let left = users; left > 1; left--) {
    const other = below(left);
    [events[left - 1], events[other]] = [events[other]!, events[left - 1]!];
  }
  return events;
}

/** The line, without its end. */
export function lineOf({ user, amount }: LineEvent, dress: Dress): string {
  const name = nameOf(user);
  const action = amount > 0 ? 'buy' : 'sell';
  const size = Math.abs(amount);
  switch (dress) {
    case 'usual':
      return `{"user":"${name}","action":"${action}","amount":${size}}`;
    case 'other order':
      return `{"action":"${action}","amount":${size},"user":"${name}"}`;
    case 'spaces':
      return `{ "user": "${name}", "action": "${action}", "amount": ${size} }`;
    case 'escapes':
      return `{"user":"us\\u0065r\\u002d${user}","action":"${action}","amount":${size}}`;
  }
}
