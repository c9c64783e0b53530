/**
 * Loaded into a server before its own code (`node --import`), so that its source need not know: measures how late the
 * event loop of its main thread is, and tells whoever asks over a connection of its own. The port stands in the
 * address under which this file was loaded.
 */
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { Delay } from './delay.ts';

/** How often the loop is looked at. */
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Flags for Node reach the worker threads too; they have no event loop that anybody waits for. */
if (isMainThread) measure(Number(new URL(import.meta.url).searchParams.get('port')));

function measure(port: number): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // It reports the times between looks, so the rest between them is in all of its figures.
  const late = (ns: number) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => {});
  // It is a guest: the process ends when its server does.
  socket.unref();
  socket.on('data', () => {
    const isEmpty = histogram.count === 0;
    const delay: Delay = isEmpty
      ? { p99: 0, max: 0 }
      : { p99: late(histogram.percentile(99)), max: late(histogram.max) };
    histogram.reset();
    socket.write(`${JSON.stringify(delay)}\n`);
  });
}
