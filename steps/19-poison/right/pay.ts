/** The bank: a connection for each payout, a line there, a line back. */
import { connect } from 'node:net';
import { linesOf } from './lines.ts';

export async function pay(bank: URL, order: object): Promise<boolean> {
  const socket = connect(Number(bank.port), bank.hostname);
  try {
    socket.write(`${JSON.stringify(order)}\n`);
    for await (const line of linesOf(socket)) return JSON.parse(String(line)).paid === true;
  } catch {
    // Nobody knows whether it has paid.
  } finally {
    socket.destroy();
  }
  return false;
}
