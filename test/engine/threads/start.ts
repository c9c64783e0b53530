/**
 * Starts a thread of the tests from its TypeScript source.
 *
 * `--import tsx` registers nothing in a worker thread on Node 20 (tsx leaves threads that are not the main one
 * alone), so register.mjs does it by name.
 */
import { Worker } from 'node:worker_threads';

const REGISTER = new URL('./register.mjs', import.meta.url).href;

/** `file` lies beside this one. */
export function startThread(file: string, workerData: unknown): Worker {
  return new Worker(new URL(`./${file}`, import.meta.url), { workerData, execArgv: ['--import', REGISTER] });
}
