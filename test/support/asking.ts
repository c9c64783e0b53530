/** Requests and replies that tests write again and again, and questions about the server with their answers read. */
import { Client } from '../../src/tools/harness/client.ts';

export const ACCEPTED = '{"status":"accepted"}';
export const BUSY = '{"status":"rejected","reason":"server_busy"}';
export const INSUFFICIENT = '{"status":"rejected","reason":"insufficient_balance"}';
export const SHUTTING_DOWN = '{"status":"rejected","reason":"shutting_down"}';
export const okLine = (balance: number) => `{"status":"ok","balance":${balance}}`;
export const buyLine = (user: string, amount: number) =>
  `{"user":"${user}","action":"buy","amount":${amount}}\n`;
export const sellLine = (user: string, amount: number) =>
  `{"user":"${user}","action":"sell","amount":${amount}}\n`;
export const balanceRequest = (user: string) => `{"type":"balance","user":"${user}"}\n`;

export const HEALTH = '{"type":"health"}\n';
export const FREEZE = '{"type":"debug","do":"freeze"}\n';
export const THAW = '{"type":"debug","do":"thaw"}\n';
export const HEALTHY = '{"status":"ok"}';

/** The fields of the detailed metrics that tests look at. */
export interface Metrics {
  received: number;
  processed: number;
  dropped: number;
  queued: number;
  invalid: number;
  connections: number;
  connections_refused: number;
  closed_blocked: number;
  closed_partial: number;
  closed_idle: number;
  closed_http: number;
  worker_deaths: number;
  refused: Record<'server_busy' | 'too_many_users' | 'shutting_down' | 'balance_overflow', number>;
}

export async function askMetrics(client: Client): Promise<Metrics> {
  return JSON.parse(await client.ask('{"type":"metrics","detail":true}\n')) as Metrics;
}

/** The balances of these users, in one connection of its own. */
export async function askBalances(port: number, users: string[]): Promise<number[]> {
  const client = await Client.open(port);
  client.send(users.map(balanceRequest).join(''));
  const answers = users.length === 0 ? [] : await client.lines(users.length);
  client.close();
  return answers.map(answer => (JSON.parse(answer) as { balance: number }).balance);
}
