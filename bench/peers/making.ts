/**
 * Creates the users before a load that needs them: one event for each, all through one connection. A load of random
 * users would leave some out, and with a million of them, reaching nearly all would take many lines.
 */
import { connect } from 'node:net';
import { readBalances } from '../../src/tools/load/money.ts';
import type { LoadPlan } from '../../src/tools/load/plan.ts';
import { encodersFor } from '../../src/tools/load/protocols.ts';

const LINES_AT_ONCE = 1_000;
const REPLY = '{"status":"accepted"}\n';

/** Sends an event for each user of the plan, and checks that it is applied. For servers with Tally's protocol. */
export async function makeUsers(plan: LoadPlan): Promise<void> {
  const { users, userPrefix, amount } = plan.work;
  const names = Array.from({ length: users }, (_, user) => `${userPrefix}${user}`);
  await sendEvents(plan, names);
  const balances = await readBalances(plan, names, [...names.keys()]);
  const wrong = balances.findIndex(balance => balance !== amount);
  if (wrong >= 0) throw new Error(`${names[wrong]} should have ${amount} and has ${balances[wrong]}`);
}

function sendEvents({ host, port, graceMs, work }: LoadPlan, names: readonly string[]): Promise<void> {
  const encoders = encodersFor('tally');
  const socket = connect({ host, port, noDelay: true });
  let asked = 0;
  let due = '';
  const ask = () => {
    const some = names.slice(asked, asked + LINES_AT_ONCE);
    asked += some.length;
    due = REPLY.repeat(some.length);
    socket.write(some.map(name => `${encoders.event(name, work.amount)}\n`).join(''));
  };
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the users could not be made: ${why}`));
    socket.setTimeout(graceMs, () => fail(`no reply within ${graceMs / 1_000} s`));
    socket.on('error', error => fail(error.message));
    socket.on('close', () => fail('the server closed the connection'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (!due.startsWith(chunk)) return fail(`the server sent ${chunk.slice(0, 120)}`);
      due = due.slice(chunk.length);
      if (due !== '') return;
      if (asked < names.length) ask();
      else resolve();
    });
    ask();
  }).finally(() => socket.destroy());
}
