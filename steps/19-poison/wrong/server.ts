/**
 * Lesson 19: `{"type":"payout","id":"p7","user":"alice","amount":30}` is accepted when it is in a queue, and a worker
 * has the bank pay it. A payout that fails goes back to the queue. `{"type":"payouts"}` says how many are there. With
 * `--way at-most-once` a payout leaves the queue before the bank is told.
 *
 * WRONG ON PURPOSE: what goes back is at the front, and a worker may die between any two lines. See README.md.
 */
import { parseArgs } from 'node:util';
import { openQueue } from './queue.ts';
import { type Event, error, type Fields, isAmount, isUser, rejected, reply } from './request.ts';
import { type Answer, serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    way: { type: 'string', default: 'at-least-once' },
    'nats-url': { type: 'string', default: 'nats://127.0.0.1:4222' },
    'bank-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
  },
});
const balances = new Map<string, number>();
const queue = await openQueue(flags['nats-url'], new URL(flags['bank-url']), flags.way === 'at-most-once');

const answer: Answer = async request => {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  if (request.type === 'event') return accept(request);
  if (request.name === 'payouts') return reply('ok', await queue.counts());
  return request.name === 'payout' ? payout(request.fields) : error('unknown_type');
};

async function payout({ id, user, amount }: Fields): Promise<string> {
  if (!isUser(id) || !isUser(user) || !isAmount(amount)) return error('invalid_event');
  await queue.put({ id, user, amount });
  return reply('accepted');
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);
