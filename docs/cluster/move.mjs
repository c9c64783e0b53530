// Balances of one cluster as events for another: from the lines of tally admin users --json, lines for nc.
// Usage: node docs/cluster/move.mjs < users.jsonl | nc -N HOST PORT
// The id of each says which balance it brings, so that doing it twice is doing it once.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const { user, balance } = JSON.parse(line);
  if (balance === 0) continue;
  const action = balance > 0 ? 'buy' : 'sell';
  const id = `move-${createHash('sha256').update(user).digest('base64url')}`;
  console.log(JSON.stringify({ user, action, amount: Math.abs(balance), id }));
}
