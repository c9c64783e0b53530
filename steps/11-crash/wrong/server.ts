/**
 * Lesson 11: the balances are in memory. Every second, and when the server is asked to end, they are saved to a file,
 * which is read at the next start.
 *
 * WRONG ON PURPOSE: a crash asks nobody, and what was accepted since the last save is gone. See README.md.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Event, error, type Request, rejected, reply } from './request.ts';
import { serve } from './serve.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7878' },
    data: { type: 'string', default: './data' },
  },
});
const SAVE_EVERY_MS = 1_000;
const file = `${flags.data}/balances.json`;
mkdirSync(flags.data, { recursive: true });
const saved: [string, number][] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
const balances = new Map(saved);

function answer(request: Request): string {
  if (request.type === 'health') return reply('ok');
  if (request.type === 'balance') return reply('ok', { balance: balances.get(request.user) ?? 0 });
  return request.type === 'event' ? accept(request) : error('unknown_type');
}

function accept({ user, amount, wait }: Event): string {
  const balance = (balances.get(user) ?? 0) + amount;
  if (!Number.isSafeInteger(balance)) return rejected('balance_overflow');
  balances.set(user, balance);
  return wait ? reply('ok', { balance }) : reply('accepted');
}

/** Under another name first: whoever reads the file finds all of it, or all of the one before. */
function save(): void {
  writeFileSync(`${file}.new`, JSON.stringify([...balances]));
  renameSync(`${file}.new`, file);
}

function saveAndEnd(): void {
  save();
  process.exit(0);
}

setInterval(save, SAVE_EVERY_MS);
process.once('SIGINT', saveAndEnd).once('SIGTERM', saveAndEnd);
serve(Number(flags.port), answer);
