/**
 * Loaded into a server before its own code (`node --import`): counts the calls of every function of its main thread,
 * and reports over its channel, on request, in which files any ran since the last request.
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
  // It must not keep the process alive: that ends with its server.
  process.channel!.unref();
}
