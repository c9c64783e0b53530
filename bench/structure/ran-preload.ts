/**
 * Loaded into a server before its own code (`node --import`): counts the calls of every function of its main thread,
 * and says over its channel, whenever it is asked, which of them ran since the last time.
 */
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

/** A file, and the functions of it that ran. */
export type Ran = [url: string, functions: string[]];

// Flags for Node reach the worker threads too.
if (isMainThread) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  process.on('message', () =>
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      const ran = result.map(({ url, functions }): Ran => {
        const called = functions.filter(({ ranges }) => ranges.some(({ count }) => count > 0));
        return [url, called.map(({ functionName }) => functionName || 'without a name')];
      });
      process.send!(ran.filter(([, names]) => names.length > 0));
    }),
  );
  // It must not keep the process alive: that ends with its server.
  process.channel!.unref();
}
