/** Sends the same line repeatedly at a fixed rate, whether or not it is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/tools/harness/client.ts';

/** Lines that are due within this time leave together. */
const TICK_MS = 5;

/** Resolves to how many were sent. */
export async function sendAtRate(
  client: Client,
  ratePerS: number,
  seconds: number,
  line: string,
  onTick?: () => void,
): Promise<number> {
  const startMs = performance.now();
  let sent = 0;
  for (let dueMs = startMs; dueMs < startMs + seconds * 1_000; dueMs += TICK_MS) {
    await sleep(Math.max(0, dueMs - performance.now()));
    const wanted = Math.round(((dueMs - startMs) * ratePerS) / 1_000);
    if (wanted > sent) client.send(line.repeat(wanted - sent));
    sent = wanted;
    onTick?.();
  }
  return sent;
}
