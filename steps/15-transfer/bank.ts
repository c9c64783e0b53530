/**
 * The other bank of lesson 15, which has days as banks have them. It speaks the contract, with `id`, and what comes again
 * with the same id is done once. By the name of the account:
 *
 *     later-…    it is shut, and says so, until somebody sends {"type":"open"}
 *     mute-…     its first reply to each of them is lost: it is done, and the connection ends
 *     closed-…   there is no such account any more
 */
import { parseArgs } from 'node:util';
import { error, type Request, rejected, reply } from './right/request.ts';
import { serve } from './right/serve.ts';

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7879' } } });
const balances = new Map<string, number>();
/** By account and id. */
const replies = new Map<string, string>();
let isOpen = false;

function answer(request: Request): string {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  if (request.type === 'other') {
    if (request.name !== 'open') return error('unknown_type');
    isOpen = true;
    return reply('ok');
  }
  const { user, amount, fields } = request;
  const key = JSON.stringify([user, fields.id]);
  const before = fields.id === undefined ? undefined : replies.get(key);
  if (before !== undefined) return before;
  if (user.startsWith('closed-')) return rejected('account_closed');
  if (user.startsWith('later-') && !isOpen) return rejected('server_busy');
  const isFirst = !balances.has(user);
  const balance = (balances.get(user) ?? 0) + amount;
  const done = reply('ok', { balance });
  balances.set(user, balance);
  replies.set(key, done);
  if (user.startsWith('mute-') && isFirst) throw new Error('this reply is lost');
  return done;
}

serve(Number(flags.port), answer);
