/** Pain 7, a hot lock: do more workers do more work, if each event holds the lock of its user for a while? */
import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Source } from '../server.ts';
import { type Witness, withServer } from './witness.ts';

const WORKERS = 8;
const WINDOW_US = 5_000;
const CONNECTIONS = 64;
const MEASURED_MS = 1_200;
const LIMIT_MS = 20_000;
/** With 8 workers a correct server does 5 to 8 times as much as with 1; a server with a hot lock does the same. */
const RATIO_MIN = 2;

export const hotLock: Witness = {
  pain: 7,
  mustStart: true,
  run: async (source, say) => {
    say(
      `an event holds its balance for ${WINDOW_US / 1_000} ms; ${CONNECTIONS} clients, each with a user of its own`,
    );
    const one = await throughputPerS(source, 1);
    say(`1 worker: ${count(one)} events a second`);
    const many = await throughputPerS(source, WORKERS);
    say(`${WORKERS} workers: ${count(many)} events a second`);
    const ratio = Math.round((many / one) * 100) / 100;
    return {
      isPresent: ratio < RATIO_MIN,
      evidence: { perSWith1: Math.round(one), [`perSWith${WORKERS}`]: Math.round(many), ratio },
      sentence: `${WORKERS} workers get ${ratio.toFixed(2)} times as much done as 1.`,
    };
  },
};

/** Each client sends its next event after the previous one was applied. */
export async function throughputPerS(source: Source, workers: number): Promise<number> {
  return withServer(source, { workers, windowUs: WINDOW_US, queue: 1024 }, async ({ host, port }) => {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port, host)));
    const applyOne = (client: Client, index: number) =>
      client.ask(`{"user":"user-${index}","action":"buy","amount":1,"wait":true}\n`, LIMIT_MS);
    // Threads take a while to start; when all clients have an answer, all threads run.
    await Promise.all(clients.map(applyOne));
    let applied = 0;
    const endMs = performance.now() + MEASURED_MS;
    await Promise.all(
      clients.map(async (client, index) => {
        for (;;) {
          await applyOne(client, index);
          if (performance.now() > endMs) return;
          applied += 1;
        }
      }),
    );
    for (const client of clients) client.close();
    return applied / (MEASURED_MS / 1_000);
  });
}
