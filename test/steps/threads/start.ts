/** Starts a thread of the tests of the steps from its TypeScript source, and waits for what it finds. */
import { Worker } from 'node:worker_threads';

const REGISTER = new URL('../../engine/threads/register.mjs', import.meta.url).href;

/** `file` lies beside this one. The first message is what it found; it fails at the deadline, or if it throws. */
export function runThread<Found>(file: string, workerData: unknown, deadlineMs = 15_000): Promise<Found> {
  const thread = new Worker(new URL(`./${file}`, import.meta.url), {
    workerData,
    execArgv: ['--import', REGISTER],
  });
  return new Promise<Found>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file}: nothing in ${deadlineMs} ms`)), deadlineMs);
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${file} ended`));
    });
  }).finally(() => thread.terminate());
}
