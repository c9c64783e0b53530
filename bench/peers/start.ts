/**
 * The time the server takes to start and to stop: from the start of its process to the line that says it listens, and
 * from SIGTERM to the end of the process, when it is idle.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Figure } from '../rounds.ts';
import { TALLY } from './subjects.ts';

const ROUNDS: Record<Size, number> = { small: 1, full: 10 };
/** After these its workers sleep until they are woken, as on any server that has nothing to do. */
const IDLE_MS = 200;

export const bench: Bench = {
  name: 'start',
  about: 'How long Tally takes to start and to stop, beside a Node that does nothing',
  run(size, say) {
    const trials = [
      { subject: TALLY.name, condition: '', run: startAndStop },
      // The lower bound: no server in Node can listen much sooner than an empty program ends.
      { subject: 'node, nothing to do', condition: '', run: runNothing },
    ];
    return alternate(ROUNDS[size], trials, say);
  },
};

async function startAndStop(): Promise<Figure[]> {
  const startMs = performance.now();
  const running = await TALLY.start();
  const toListeningMs = performance.now() - startMs;
  await sleep(IDLE_MS);
  const stopMs = performance.now();
  const end = await running.stop();
  const toExitMs = performance.now() - stopMs;
  if (end !== TALLY.endsWith) throw new Error(`${TALLY.name} ended with ${end}, not ${TALLY.endsWith}`);
  return [
    { unit: 'ms to listening', better: 'lower', value: toListeningMs },
    { unit: 'ms to exit', better: 'lower', value: toExitMs },
  ];
}

async function runNothing(): Promise<Figure[]> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  const [exitCode] = await once(child, 'close');
  const elapsedMs = performance.now() - startMs;
  if (exitCode !== 0) throw new Error(`node with nothing to do ended with ${exitCode}`);
  return [{ unit: 'ms to listening', better: 'lower', value: elapsedMs }];
}
