/** The worker thread of a load run: opens its connections, says so, and drives them when told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { Driver } from './driver.ts';
import type { FromThread, ThreadPlan, ToThread } from './messages.ts';

const port = parentPort!;
const post = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const driver = new Driver(workerData as ThreadPlan, post);
port.on('message', (message: ToThread) => {
  if (message.type === 'start') driver.start(message.atMs);
  else driver.stop();
});
try {
  await driver.connect();
  post({ type: 'ready' });
} catch (error) {
  post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
