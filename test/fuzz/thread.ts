/** A thread of the fuzzer: examines the share it was given. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread } from './crew.ts';
import { examineShare, type Share } from './share.ts';

const port = parentPort!;
const say = (message: FromThread) => port.postMessage(message);

say({ outcome: await examineShare(workerData as Share, done => say({ done })) });
