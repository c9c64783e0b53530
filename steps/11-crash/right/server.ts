/**
 * Lesson 11: every event is a line of a log on the disk before its client hears of it. The balances are what the log
 * adds up to, in memory; at the start the log is read from its beginning.
 *
 * There is nothing to do at the end: to be killed is how it ends. See README.md.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Log } from './log.ts';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    data: { type: 'string', default: './data' },
  },
});
mkdirSync(flags.data, { recursive: true });
const balances = new Map<string, number>();
const log = await Log.open(`${flags.data}/events.log`, line => {
  const { user, amount } = JSON.parse(line);
  balances.set(user, (balances.get(user) ?? 0) + amount);
});

function answer(request: Request): string | Promise<string> {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return balanceOf(request.user);
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

/** Nobody is told of money that a crash could still take away. */
async function balanceOf(user: string): Promise<string> {
  const balance = balances.get(user) ?? 0;
  await log.written();
  return reply('ok', { balance });
}

async function accept({ user, amount, wait }: Event): Promise<string> {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  log.append(JSON.stringify({ user, amount }));
  await log.written();
  return wait ? reply('ok', { balance }) : reply('accepted');
}

serve(Number(flags.port), answer);
