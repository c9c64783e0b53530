/**
 * Lesson 19: `{"type":"payout","id":"p7","user":"alice","amount":30}` is accepted when it is in a queue, and a worker
 * has the bank pay it, under its id. It may have `"priority":"high"` and `"delay_ms":500`. One that fails is tried again
 * later, some times, and then put aside. `{"type":"payouts"}` says how many there are. See README.md.
 */
import { parseArgs } from 'node:util';
import { openQueue } from './queue.ts';
import { type Event, error, type Fields, isAmount, isUser, rejected, reply } from './request.ts';
import { type Answer, serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    'nats-url': { type: 'string', default: 'nats://127.0.0.1:4222' },
    'bank-url': { type: 'string', default: 'tcp://127.0.0.1:7879' },
  },
});
const balances = new Map<string, number>();
const queue = await openQueue(flags['nats-url'], new URL(flags['bank-url']));

const answer: Answer = async request => {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  if (request.type === 'event') return accept(request);
  if (request.name === 'payouts') return reply('ok', await queue.counts());
  return request.name === 'payout' ? payout(request.fields) : error('unknown_type');
};

async function payout({ id, user, amount, priority, delay_ms: delayMs = 0 }: Fields): Promise<string> {
  if (!isUser(id) || !isUser(user) || !isAmount(amount)) return error('invalid_event');
  if (delayMs !== 0 && !isAmount(delayMs)) return error('invalid_event');
  await queue.put(`payouts.${priority === 'high' ? 'urgent' : 'usual'}`, { id, user, amount, delayMs });
  return reply('accepted');
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);
