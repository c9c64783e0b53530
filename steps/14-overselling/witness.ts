/**
 * Pain 14, more is sold than there was: does every unit have one buyer?
 *
 * One item has a stock. Clients buy it one by one, each until it is told that there is nothing left. With so many at one
 * item, a server that lets somebody come between its look and its write is caught many times, not once.
 */
import { count } from '../../src/cli/terminal/numbers.ts';
import type { Client } from '../../src/tools/harness/client.ts';
import { balanceIn, isTaken, type Scene, shown } from '../kit/witnesses/scene.ts';
import { Undecided, withServer } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';

const CLIENTS = 32;
const STOCK = 100;
/** Enough to see that it goes on. */
const SOLD_MAX = 5;
const ANSWER_MS_MAX = 30_000;
const SALE_MS_MAX = 60_000;

export interface Sale {
  sold: number;
  /** What the server says that is left. */
  left: number;
  elapsedMs: number;
  /** Undefined if the server does not count them. */
  retries: number | undefined;
}

export const overselling: LessonWitness = {
  mustStart: false,
  run: (source, say) =>
    withServer(source, {}, async scene => {
      say(`${STOCK} tickets; ${CLIENTS} clients buy them one by one, until they are told that none is left`);
      const { sold, left, elapsedMs, retries } = await sellOut(scene, CLIENTS, STOCK);
      say(`sold: ${count(sold)}; left, as the server says: ${count(left)}`);
      const oversold = Math.max(0, sold - STOCK, -left);
      if (oversold === 0 && (sold < STOCK || left !== 0))
        throw new Undecided(
          `it has sold ${count(sold)} of ${count(STOCK)}, says that ${count(left)} are left, and refuses to sell them`,
        );
      return {
        isPresent: oversold > 0,
        evidence: {
          stock: STOCK,
          sold,
          oversold,
          left,
          ...(retries !== undefined && { retries }),
          salesPerS: Math.round((1_000 * sold) / elapsedMs),
        },
        sentence:
          oversold > 0
            ? `There were ${count(STOCK)} tickets, and ${count(sold)} times a client was told that it has one.`
            : `There were ${count(STOCK)} tickets, ${CLIENTS} clients wanted them at the same time, and each was sold once.`,
      };
    }),
};

/** Of an item that is new on this server. */
export async function sellOut(scene: Scene, buyers: number, stock: number): Promise<Sale> {
  const item = `ticket-${buyers}`;
  const clients = await scene.openAll(buyers);
  const [first] = clients as [Client];
  const bought = await first.ask(
    `{"user":"${item}","action":"buy","amount":${stock},"wait":true}\n`,
    ANSWER_MS_MAX,
  );
  if (balanceIn(bought) !== stock) throw new Undecided(`it answers a purchase with ${shown(bought)}`);
  const before = await retriesOf(first);
  const line = `{"user":"${item}","action":"sell","amount":1,"min":0}\n`;
  const startMs = performance.now();
  const deadlineMs = startMs + SALE_MS_MAX;
  let sold = 0;
  const buy = async (client: Client) => {
    while (sold < SOLD_MAX * stock) {
      const reply = await client.ask(line, ANSWER_MS_MAX);
      if (isTaken(reply)) sold += 1;
      else if (reply.includes('"insufficient_balance"')) return;
      else if (!reply.includes('"server_busy"'))
        throw new Undecided(`it answers a sale with ${shown(reply)}`);
      if (performance.now() > deadlineMs) throw new Undecided(`it sells ${sold} in ${SALE_MS_MAX / 1_000} s`);
    }
  };
  await Promise.all(clients.map(buy));
  const elapsedMs = performance.now() - startMs;
  const reply = await first.ask(`{"type":"balance","user":"${item}"}\n`, ANSWER_MS_MAX);
  const left = balanceIn(reply);
  if (left === undefined) throw new Undecided(`it answers a request for a balance with ${shown(reply)}`);
  const after = await retriesOf(first);
  const retries = before === undefined || after === undefined ? undefined : after - before;
  return { sold, left, elapsedMs, retries };
}

/** The servers of the lesson count them; the contract does not ask for it. */
async function retriesOf(client: Client): Promise<number | undefined> {
  const reply = await client.ask('{"type":"retries"}\n', ANSWER_MS_MAX);
  const match = /"retries":(\d+)/.exec(reply);
  return match === null ? undefined : Number(match[1]);
}
