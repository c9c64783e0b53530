/** Requests about the server that tests ask again and again, with their answers read. */
import { balanceRequest, Client } from './client.ts';

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
