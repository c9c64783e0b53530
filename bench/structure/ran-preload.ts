/**
 * Loaded into a server before its own code (`node --import`): counts the calls of every function of its main thread,
 * and says over its channel, whenever it is asked, in which files any ran since the last time.
 */
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

// Flags for Node reach the worker threads too.
if (isMainThread) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  process.on('message', () =>
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      const ran = result.filter(script =>
        script.functions.some(({ ranges }) => ranges.some(range => range.count > 0)),
      );
      process.send!(ran.map(({ url }) => url));
    }),
  );
  // It is a guest: the process ends when its server does.
  process.channel!.unref();
}
