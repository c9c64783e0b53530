// A thousand payments, each of which is made once, whatever becomes of a server with --data meanwhile.
// Usage: node docs/client/payments.mjs [PORT [MILLISECONDS BETWEEN TEN PAYMENTS]]
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'tally/client';

const [port = 7878, pauseMs = 100] = process.argv.slice(2).map(Number);
const tally = await connect({ port });

async function pay() {
  const reply = await tally.transfer('erin', 'frank', 1, { min: 0 });
  if (reply.status === 'rejected') throw new Error(reply.reason);
}

await tally.buy('erin', 1_000);
for (let paid = 10; paid <= 1_000; paid += 10) {
  await Promise.all(Array.from({ length: 10 }, pay));
  if (paid % 100 === 0) console.log(`${paid} payments`);
  await sleep(pauseMs);
}
console.log(`erin has ${await tally.balance('erin')}, frank has ${await tally.balance('frank')}`);
await tally.close();
