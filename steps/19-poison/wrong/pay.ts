/** The bank: a connection for each payout, a line there, a line back, within three seconds. */
import { connect } from 'node:net';
import { linesOf } from './lines.ts';

export async function pay(bank: URL, order: object): Promise<boolean> {
  const signal = AbortSignal.timeout(3_000);
  const socket = connect({ port: Number(bank.port), host: bank.hostname, signal });
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
