/** Many clients want the last units of something, all at once: as many are sold as there are, and each only once. */
import { expect } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, balanceRequest, buyLine, okLine } from './asking.ts';
import { startServer } from './server.ts';

const UNITS = 500;
const CLIENTS = 40;
const ATTEMPTS = 25;
const NONE_LEFT = '{"status":"rejected","reason":"insufficient_balance"}';

/** So many times on one server; returns how many units were sold in all. */
export async function sellOut(
  times: number,
  flags: string[],
  onTime: (done: number) => void = () => {},
): Promise<number> {
  const server = await startServer(flags);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(server.port)));
  let sold = 0;
  for (let time = 0; time < times; time++) {
    const user = `stock-${time}`;
    expect(await clients[0]!.ask(buyLine(user, UNITS))).toBe(ACCEPTED);
    const line = `{"user":"${user}","action":"sell","amount":1,"min":0}\n`;
    for (const client of clients) client.send(line.repeat(ATTEMPTS));
    const replies = (await Promise.all(clients.map(client => client.lines(ATTEMPTS)))).flat();
    const bought = replies.filter(reply => reply !== NONE_LEFT).sort();
    expect(bought).toEqual(Array.from({ length: UNITS }, (_, at) => okLine(at)).sort());
    expect(await clients[0]!.ask(balanceRequest(user))).toBe(okLine(0));
    sold += bought.length;
    onTime(time + 1);
  }
  for (const client of clients) client.close();
  expect(await server.stop()).toMatchObject({ exitCode: 0, ledger: { lost: 0 } });
  return sold;
}
