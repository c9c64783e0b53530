/** A thread that counts as fast as it can with the counters of step 9. Reports the time it took, in ms. */
import { parentPort, workerData } from 'node:worker_threads';
import { count, PROCESSED } from '../09-lock-free-metrics/counters.ts';

const { counters, thread, times, go } = workerData;

parentPort!.postMessage('ready');
Atomics.wait(go, 0, 0);
const startMs = performance.now();
for (let time = 0; time < times; time += 1) count(counters, thread, PROCESSED);
parentPort!.postMessage(performance.now() - startMs);
