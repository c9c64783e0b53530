/** Pain 7, a hot lock: do more workers do more work, if each event holds the lock of its user for a while? */
import { count } from '../../../src/cli/terminal/numbers.ts';
import type { Client } from '../../../src/tools/harness/client.ts';
import type { Source } from '../server.ts';
import { isTaken, type Scene, shown } from './scene.ts';
import { Undecided, WITNESS_MS_MAX, type Witness, withServer } from './witness.ts';

const WORKERS = 8;
const WINDOW_US = 5_000;
const CONNECTIONS = 64;
const MEASURED_MS = 1_200;
const LIMIT_MS = 20_000;
/** With 8 workers a correct server does 5 to 8 times as much as with 1; a server with a hot lock does the same. */
const RATIO_MIN = 2;
/** The cores may be busy with something else: that lets many workers do less, but never more. */
const TRIES_MAX = 2;

export const hotLock: Witness = {
  pain: 7,
  mustStart: true,
  run: async (source, say) => {
    say(
      `an event holds its balance for ${WINDOW_US / 1_000} ms; ${CONNECTIONS} clients, each with a user of its own`,
    );
    for (let tries = 1; ; tries++) {
      const one = await throughputPerS(source, 1);
      if (one === 0) throw new Undecided(`with 1 worker it applies no event within ${MEASURED_MS / 1_000} s`);
      say(`1 worker: ${count(one)} events a second`);
      const many = await throughputPerS(source, WORKERS);
      say(`${WORKERS} workers: ${count(many)} events a second`);
      const ratio = Math.round((many / one) * 100) / 100;
      const isPresent = ratio < RATIO_MIN;
      if (isPresent && tries < TRIES_MAX) {
        say('once more, in case the cores were busy with something else');
        continue;
      }
      return {
        isPresent,
        evidence: { perSWith1: Math.round(one), [`perSWith${WORKERS}`]: Math.round(many), ratio },
        sentence: `${WORKERS} workers get ${ratio.toFixed(2)} times as much done as 1.`,
      };
    }
  },
};

/** Each client sends its next event after the previous one was applied. */
export function throughputPerS(source: Source, workers: number): Promise<number> {
  const settings = { workers, windowUs: WINDOW_US, queue: 1024 };
  return withServer(source, settings, appliedPerS, WITNESS_MS_MAX / (2 * TRIES_MAX));
}

async function appliedPerS(scene: Scene): Promise<number> {
  const clients = await scene.openAll(CONNECTIONS);
  const applyOne = async (client: Client, index: number) => {
    const line = `{"user":"user-${index}","action":"buy","amount":1,"wait":true}\n`;
    const reply = await client.ask(line, LIMIT_MS);
    if (!isTaken(reply)) throw new Undecided(`it answers an event with ${shown(reply)}`);
  };
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
  return applied / (MEASURED_MS / 1_000);
}
