/** Counts so often, in each of some ways, as one of the threads of a step's counters. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Counters, count } from '../../../steps/09-lock-free-metrics/counters.ts';

const { ways, thread, times } = workerData as { ways: Counters[]; thread: number; times: number };

for (const counters of ways) for (let time = 0; time < times; time++) count(counters, thread, time % 3);
parentPort!.postMessage('done');
